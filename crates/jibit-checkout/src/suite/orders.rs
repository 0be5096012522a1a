//! What is written of orders and their attempts.

use jibit_proto::{OrderId, OrderStatus, RefId, Rial};

use super::{
    Checked,
    shop::{Shop, after, is_done, number},
};
use crate::{
    order::{Alarm, Attempt, Seen, State},
    store::Filter,
};

pub(super) async fn opened_once(shop: &Shop<'_>) -> Checked {
    let first = shop.open("a").await?;
    ensure!(first.attempts.is_empty(), "a new order has attempts");
    ensure!(first.withdrawn_at.is_none(), "a new order is withdrawn");
    let mut again = shop.new_order("a", 60)?;
    again.amount = Rial::new(1)?;
    again.terms = Some("other".to_owned());
    let second = shop.store.open(&again).await?;
    ensure!(second == first, "the second time it is {second:?}");
    let timeline = shop.store.timeline(&shop.account, &first.number).await?;
    ensure!(timeline.len() == 1, "its timeline is {timeline:?}");
    let none = shop.store.order(&shop.account, &number("b")?).await?;
    ensure!(none.is_none(), "an order that was never opened is there");
    let mut with_terms = shop.new_order("c", 0)?;
    with_terms.terms = Some("a red one".to_owned());
    let opened = shop.store.open(&with_terms).await?;
    ensure!(opened.terms == with_terms.terms, "its terms are {opened:?}");
    let read = shop.order("c").await?;
    ensure!(read == opened, "it is read as {read:?}");
    let all = Filter::default();
    let all = shop.store.orders(&shop.account, &all, 10).await?;
    ensure!(all.contains(&opened), "it is not listed as it was opened");
    Ok(())
}

pub(super) async fn read_as_written(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 1, 0).await?;
    let fresh = shop.attempt("a", 1).await?;
    ensure!(fresh == shop.fresh(1, 1), "a new attempt is {fresh:?}");
    for state in State::ALL {
        let mut change = shop
            .change("a", 1, |to| {
                to.state = state;
                to.slot = true;
                to.order_id = OrderId::new("۷wv/kg'rn\"0").ok();
                to.redirect_url = Some("https://gateway.example/?a=b&c=%20#d".to_owned());
                to.created_at = after(9);
                to.paid_at = Some(after(10));
                to.seen_at = Some(after(11));
                to.seen = Some(Seen::Status(OrderStatus::from_wire("وضعیت نو")));
                to.asked_at = Some(after(12));
                to.next_ask = Some(after(13));
                to.ref_id = RefId::new("ref 1").ok();
                to.alarms = Alarm::ALL.into();
            })
            .await?;
        // When it was made does not change.
        change.to.created_at = fresh.created_at;
        change.note = Some(format!("یادداشت {state}"));
        let applied = shop.store.apply(&change).await?;
        ensure!(is_done(applied), "a change to {state} comes to {applied:?}");
        let read = shop.attempt("a", 1).await?;
        ensure!(read == change.to, "{:?} is read as {read:?}", change.to);
        let timeline = shop.store.timeline(&shop.account, &change.order).await?;
        let last = timeline.last().ok_or("the timeline is empty")?;
        ensure!(
            (last.at, last.attempt, last.state) == (change.at, Some(1), Some(state))
                && Some(&last.text) == change.note.as_ref(),
            "the timeline says {last:?}"
        );
    }
    // And nothing where there is nothing.
    let change = shop
        .change("a", 1, |to| {
            *to = Attempt {
                created_at: to.created_at,
                code: to.code,
                version: to.version,
                next_ask: None,
                seen: Some(Seen::NoSuchOrder),
                ..fresh.clone()
            };
        })
        .await?;
    shop.store.apply(&change).await?;
    let read = shop.attempt("a", 1).await?;
    ensure!(read == change.to, "{:?} is read as {read:?}", change.to);
    Ok(())
}

pub(super) async fn begun_once(shop: &Shop<'_>) -> Checked {
    let (store, account) = (shop.store, &shop.account);
    let ghost = store
        .begin(account, &number("a")?, &shop.fresh(1, 1))
        .await?;
    ensure!(!ghost, "an order that is not there has an attempt");
    shop.begun("a", 1, 1).await?;
    let order = number("a")?;
    let again = store.begin(account, &order, &shop.fresh(1, 3)).await?;
    ensure!(!again, "attempt 1 is begun twice");
    shop.take_slot("a", 1).await?;
    let slot = store.begin(account, &order, &shop.fresh(2, 4)).await?;
    ensure!(!slot, "an attempt is begun while another holds the slot");
    shop.begun("b", 1, 10).await?;
    let order = number("b")?;
    store.withdraw(account, &order, after(5)).await?;
    let late = store.begin(account, &order, &shop.fresh(2, 12)).await?;
    ensure!(!late, "an attempt of a withdrawn order is begun");
    let attempts = shop.order("b").await?.attempts.len();
    ensure!(attempts == 1, "it has {attempts} attempts");
    Ok(())
}

pub(super) async fn found_by_code(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 2, 0).await?;
    let find = async |code| shop.store.by_code(&shop.account, code).await;
    let found = find(shop.fresh(2, 2).code).await?;
    ensure!(found == Some((number("a")?, 2)), "it is {found:?}");
    let none = find(shop.fresh(2, 77).code).await?;
    ensure!(none.is_none(), "a strange code leads to {none:?}");
    Ok(())
}
