//! Orders that a customer has paid, and the two transitions that settle each: the
//! intent to verify, and paid.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use jibit_checkout::{
    AccountKey, Applied, Attempt, Change, Code, NewOrder, Order, OrderNumber, State, Store,
};
use jibit_hyper::{Rial, Timestamp};

use crate::{Outcome, said};

/// How many transitions settle an order.
pub(super) const TRANSITIONS: usize = 2;

/// When the first order was begun; each other a millisecond after another.
pub(super) const BEGIN: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

/// Whose orders they are.
pub(super) fn account() -> AccountKey {
    AccountKey::new("7746", "http://127.0.0.1:1")
}

/// Begins orders, to where the gateway has answered initiate, for `callers` at a time.
pub(super) async fn ready(
    store: &dyn Store,
    first: usize,
    orders: usize,
    callers: usize,
) -> Outcome<Vec<Order>> {
    let lanes = (0..callers).map(|caller| async move {
        let mut ready = Vec::new();
        for place in (caller..orders).step_by(callers) {
            ready.push(begin(store, first + place).await?);
        }
        Outcome::Ok(ready)
    });
    Ok(try_join_all(lanes).await?.concat())
}

async fn begin(store: &dyn Store, place: usize) -> Outcome<Order> {
    let account = self::account();
    let created_at = BEGIN + Duration::from_millis(place as u64);
    let number: OrderNumber = format!("order-{place}").parse().map_err(said)?;
    let order = NewOrder {
        account: account.clone(),
        number: number.clone(),
        amount: Rial::new(125_000).map_err(said)?,
        terms: None,
        created_at,
    };
    let mut order = store.open(&order).await.map_err(said)?;
    let mut attempt = Attempt {
        number: 1,
        code: Code::new(place as u128),
        state: State::Initiating,
        slot: false,
        order_id: None,
        redirect_url: None,
        mobile_end: "4567".to_owned(),
        created_at,
        paid_at: None,
        seen_at: None,
        seen: None,
        asked_at: None,
        next_ask: Some(created_at + Duration::from_secs(300)),
        ref_id: None,
        alarms: std::collections::BTreeSet::default(),
        version: 0,
    };
    if !(store.begin(&account, &number, &attempt).await).map_err(said)? {
        return Err(format!("{number} is there already"));
    }
    attempt.state = State::Open;
    attempt.order_id = Some(format!("gw{place:012}").parse().map_err(said)?);
    attempt.redirect_url = Some(format!("https://pay.example/order/gw{place:012}"));
    attempt.next_ask = Some(created_at);
    order.attempts.push(attempt);
    apply(store, &mut order, |_| {}).await?;
    Ok(order)
}

/// Has `callers` settle orders that are [`ready`], each its share, one transition
/// after the other. Gives back the transitions a second.
pub(super) async fn settle(store: &dyn Store, orders: Vec<Order>, callers: usize) -> Outcome<f64> {
    let count = orders.len() * TRANSITIONS;
    let mut shares: Vec<Vec<Order>> = (0..callers).map(|_| Vec::new()).collect();
    for (place, order) in orders.into_iter().enumerate() {
        if let Some(share) = shares.get_mut(place % callers) {
            share.push(order);
        }
    }
    let lanes = shares.into_iter().map(|share| async move {
        for mut order in share {
            if let Some(attempt) = order.attempts.first_mut() {
                attempt.state = State::VerifyIntent;
                attempt.slot = true;
                attempt.paid_at = Some(BEGIN);
                attempt.next_ask = Some(BEGIN + Duration::from_secs(15));
            }
            apply(store, &mut order, |change| change.takes_slot = true).await?;
            if let Some(attempt) = order.attempts.first_mut() {
                attempt.state = State::Paid;
                attempt.next_ask = None;
            }
            apply(store, &mut order, |change| change.fulfils = true).await?;
        }
        Outcome::Ok(())
    });
    let begun = Instant::now();
    let ends = join_all(lanes).await;
    let took = begun.elapsed().as_secs_f64();
    ends.into_iter().collect::<Outcome<()>>()?;
    Ok(count as f64 / took)
}

/// Writes the order's attempt as it is now.
async fn apply(
    store: &dyn Store,
    order: &mut Order,
    also: impl FnOnce(&mut Change),
) -> Outcome<()> {
    let attempt = order.attempts.first_mut().ok_or("no attempt")?;
    let from = attempt.version;
    attempt.version += 1;
    let mut change = Change {
        account: account(),
        order: order.number.clone(),
        from,
        to: attempt.clone(),
        takes_slot: false,
        fulfils: false,
        ends: false,
        note: Some("the gateway says that the customer has paid".to_owned()),
        alarms: Vec::new(),
        at: BEGIN,
    };
    also(&mut change);
    match store.apply(&change).await.map_err(said)? {
        Applied::Done { .. } => Ok(()),
        other => Err(format!("{}: {other:?}", order.number)),
    }
}
