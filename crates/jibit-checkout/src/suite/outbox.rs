//! What is to be fulfilled.

use jibit_proto::RefId;

use super::{
    Checked, Problem,
    shop::{Shop, after, is_done, number},
};
use crate::store::Applied;

pub(super) async fn paid_is_in_the_outbox(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 1, 0).await?;
    let paid = shop.pay("a", 1, "ref").await?;
    ensure!(is_done(paid), "it is not paid: {paid:?}");
    let (now, until) = (after(1), after(2));
    let taken = shop
        .store
        .take_fulfilments(&shop.account, now, until, 10)
        .await?;
    let [taken] = taken.as_slice() else {
        return Err(format!("the outbox has {taken:?}").into());
    };
    ensure!(
        taken.number == number("a")?
            && taken.attempt == 1
            && taken.amount.get() == 125_000
            && taken.ref_id.as_ref().map(RefId::as_str) == Some("ref")
            && taken.paid_at == after(1),
        "it is handed out as {taken:?}"
    );
    let mut again = shop.change("a", 1, |_| ()).await?;
    again.fulfils = true;
    let again = shop.store.apply(&again).await?;
    ensure!(again == Applied::Stale, "it is paid twice: {again:?}");
    let outbox = shop.outbox(10, 20).await?;
    ensure!(outbox == ["a"], "the outbox has {outbox:?}");
    Ok(())
}

pub(super) async fn fulfilled_once(shop: &Shop<'_>) -> Checked {
    for (name, code) in [("a", 0), ("b", 10)] {
        shop.begun(name, 1, code).await?;
        shop.pay(name, 1, name).await?;
    }
    let taken = shop.outbox(10, 20).await?;
    ensure!(taken == ["a", "b"], "they are handed out as {taken:?}");
    let held = shop.outbox(19, 29).await?;
    ensure!(held.is_empty(), "what is held is handed out: {held:?}");
    let mark = async |name: &str, at| -> Result<bool, Problem> {
        let order = number(name)?;
        Ok(shop
            .store
            .fulfilled(&shop.account, &order, after(at))
            .await?)
    };
    ensure!(mark("a", 19).await?, "it cannot be marked");
    ensure!(!mark("a", 19).await?, "it is marked twice");
    ensure!(
        !mark("z", 19).await?,
        "an order that is not there is marked"
    );
    let again = shop.outbox(20, 30).await?;
    ensure!(again == ["b"], "after the lease {again:?} is handed out");
    let first = shop
        .store
        .take_fulfilments(&shop.account, after(40), after(50), 0)
        .await?;
    ensure!(first.is_empty(), "none were wanted, and {first:?} came");
    Ok(())
}
