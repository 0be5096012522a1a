//! Orders as tests of stores write them.

use std::{collections::BTreeSet, time::Duration};

use jibit_checkout::{
    AccountKey, Applied, Attempt, Change, Code, NewOrder, OrderNumber, State, Store,
};
use jibit_proto::{RefId, Rial, Timestamp};

pub(crate) const BEGIN: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

pub(crate) fn after(seconds: u64) -> Timestamp {
    BEGIN + Duration::from_secs(seconds)
}

pub(crate) fn shop() -> AccountKey {
    AccountKey::stored("7746@https://shop.example")
}

pub(crate) fn number(order: usize) -> OrderNumber {
    OrderNumber::new(format!("order-{order}")).unwrap()
}

/// An order with one attempt.
pub(crate) async fn begun(store: &impl Store, order: usize) -> Attempt {
    let number = number(order);
    let new = NewOrder {
        account: shop(),
        number: number.clone(),
        amount: Rial::new(125_000).unwrap(),
        terms: None,
        created_at: BEGIN,
    };
    store.open(&new).await.unwrap();
    let attempt = Attempt {
        number: 1,
        code: Code::new(order as u128),
        state: State::Initiating,
        slot: false,
        order_id: None,
        redirect_url: None,
        mobile_end: "4567".to_owned(),
        created_at: BEGIN,
        paid_at: None,
        seen_at: None,
        seen: None,
        asked_at: None,
        next_ask: Some(after(300)),
        ref_id: None,
        alarms: BTreeSet::new(),
        version: 0,
    };
    assert!(store.begin(&shop(), &number, &attempt).await.unwrap());
    attempt
}

/// A change of an attempt, as it was, to what `change` makes of it.
pub(crate) fn changed(order: usize, was: &Attempt, change: impl FnOnce(&mut Attempt)) -> Change {
    let mut to = was.clone();
    change(&mut to);
    to.version = was.version + 1;
    Change {
        account: shop(),
        order: number(order),
        from: was.version,
        takes_slot: to.slot && !was.slot,
        fulfils: to.state == State::Paid,
        ends: to.state.is_final(),
        note: Some(format!("it is {}", to.state)),
        to,
        alarms: Vec::new(),
        at: after(1),
    }
}

pub(crate) fn intent(order: usize, was: &Attempt) -> Change {
    changed(order, was, |to| {
        to.state = State::VerifyIntent;
        to.slot = true;
    })
}

pub(crate) fn capture(order: usize, was: &Attempt, ref_id: &str) -> Change {
    changed(order, was, |to| {
        to.state = State::Paid;
        to.next_ask = None;
        to.ref_id = RefId::new(ref_id).ok();
    })
}

pub(crate) const fn is_done(applied: Applied) -> bool {
    matches!(applied, Applied::Done { .. })
}

/// An order that is paid.
pub(crate) async fn paid(store: &impl Store, order: usize) {
    let begun = begun(store, order).await;
    let intent = intent(order, &begun);
    assert!(is_done(store.apply(&intent).await.unwrap()));
    let capture = capture(order, &intent.to, &format!("ref-{order}"));
    assert!(is_done(store.apply(&capture).await.unwrap()));
}
