//! Changes of attempts, and what stands in their way.

use jibit_proto::OrderId;

use super::{
    Checked, Problem,
    shop::{Shop, after, is_done, number},
};
use crate::{
    order::{Attempt, Order, Reason, State},
    store::Applied,
};

pub(super) async fn stale_changes_nothing(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 1, 0).await?;
    let open = |to: &mut Attempt| to.state = State::Open;
    let mut late = shop
        .change("a", 1, |to| to.state = State::Abandoned)
        .await?;
    late.note = Some("late".to_owned());
    late.fulfils = true;
    let first = shop.change("a", 1, open).await?;
    shop.store.apply(&first).await?;
    let applied = shop.store.apply(&late).await?;
    ensure!(applied == Applied::Stale, "a late change is {applied:?}");
    let again = shop.store.apply(&first).await?;
    ensure!(again == Applied::Stale, "a change made twice is {again:?}");
    let read = shop.attempt("a", 1).await?;
    ensure!(read == first.to, "it changed all the same: {read:?}");
    let timeline = shop.store.timeline(&shop.account, &late.order).await?;
    ensure!(timeline.len() == 2, "its line is there: {timeline:?}");
    let outbox = shop.outbox(1, 2).await?;
    ensure!(outbox.is_empty(), "its fulfilment is there: {outbox:?}");
    Ok(())
}

pub(super) async fn one_slot(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 2, 0).await?;
    let first = shop.take_slot("a", 1).await?;
    ensure!(is_done(first), "a free slot is not taken: {first:?}");
    let before = shop.attempt("a", 2).await?;
    let second = shop.take_slot("a", 2).await?;
    ensure!(
        second == Applied::Stale,
        "a second one takes it: {second:?}"
    );
    // A quarantined capture holds it, too, without asking for it by name.
    let quarantine = shop
        .change("a", 2, |to| {
            to.state = State::Quarantined(Reason::StrangersCapture);
            to.slot = true;
        })
        .await?;
    let second = shop.store.apply(&quarantine).await?;
    ensure!(second == Applied::Stale, "two attempts hold it: {second:?}");
    ensure!(shop.attempt("a", 2).await? == before, "something changed");
    let freed = shop.change("a", 1, |to| {
        to.state = State::Lapsed;
        to.slot = false;
    });
    shop.store.apply(&freed.await?).await?;
    let second = shop.take_slot("a", 2).await?;
    ensure!(is_done(second), "a slot that is free again is not taken");
    Ok(())
}

pub(super) async fn withdrawn_takes_no_slot(shop: &Shop<'_>) -> Checked {
    let withdraw = async |name: &str, at| -> Result<Order, Problem> {
        let order = number(name)?;
        let order = shop
            .store
            .withdraw(&shop.account, &order, after(at))
            .await?;
        order.ok_or_else(|| "an order that is there is not".into())
    };
    shop.begun("a", 1, 0).await?;
    let order = withdraw("a", 5).await?;
    ensure!(
        order.withdrawn_at == Some(after(5)),
        "it is not withdrawn: {order:?}"
    );
    let order = withdraw("a", 6).await?;
    ensure!(
        order.withdrawn_at == Some(after(5)),
        "it is withdrawn twice: {order:?}"
    );
    let timeline = shop.store.timeline(&shop.account, &order.number).await?;
    ensure!(timeline.len() == 3, "its timeline is {timeline:?}");
    let taken = shop.take_slot("a", 1).await?;
    ensure!(
        taken == Applied::Stale,
        "the slot of a withdrawn order is taken: {taken:?}"
    );
    let note = shop.change("a", 1, |to| to.state = State::Lapsed).await?;
    let changed = shop.store.apply(&note).await?;
    ensure!(
        is_done(changed),
        "an attempt of a withdrawn order cannot end: {changed:?}"
    );
    shop.begun("b", 1, 10).await?;
    shop.take_slot("b", 1).await?;
    let order = withdraw("b", 5).await?;
    ensure!(
        order.withdrawn_at.is_none(),
        "a taken order is withdrawn: {order:?}"
    );
    ensure!(
        order.slot_holder().is_some(),
        "who holds the slot is not told: {order:?}"
    );
    let none = shop
        .store
        .withdraw(&shop.account, &number("c")?, after(5))
        .await?;
    ensure!(none.is_none(), "an order that is not there is {none:?}");
    Ok(())
}

pub(super) async fn one_order_id(shop: &Shop<'_>) -> Checked {
    let initiated = |to: &mut Attempt| {
        to.state = State::Open;
        to.order_id = OrderId::new("same").ok();
    };
    shop.begun("a", 2, 0).await?;
    shop.begun("b", 1, 10).await?;
    let first = shop.change("a", 1, initiated).await?;
    shop.store.apply(&first).await?;
    for (name, attempt) in [("a", 2), ("b", 1)] {
        let before = shop.attempt(name, attempt).await?;
        let second = shop.change(name, attempt, initiated).await?;
        let second = shop.store.apply(&second).await?;
        ensure!(
            second == Applied::OrderIdTwice,
            "{name}-{attempt} has it, too: {second:?}"
        );
        ensure!(
            shop.attempt(name, attempt).await? == before,
            "{name}-{attempt} changed"
        );
    }
    // Changing the first again is no second one.
    let again = shop.change("a", 1, |to| to.state = State::Dormant).await?;
    ensure!(
        is_done(shop.store.apply(&again).await?),
        "its own orderId hinders it"
    );
    let neighbour = shop.neighbour();
    neighbour.begun("a", 1, 0).await?;
    let other = neighbour.change("a", 1, initiated).await?;
    let other = shop.store.apply(&other).await?;
    ensure!(
        is_done(other),
        "another account's orderId hinders it: {other:?}"
    );
    Ok(())
}

pub(super) async fn ref_id_is_no_key(shop: &Shop<'_>) -> Checked {
    for (name, code, twice) in [("a", 0, false), ("b", 10, true)] {
        shop.begun(name, 1, code).await?;
        let paid = shop.pay(name, 1, "ref").await?;
        let told = Applied::Done {
            ref_id_twice: twice,
        };
        ensure!(paid == told, "{name} is {paid:?}");
    }
    Ok(())
}
