//! What people look at.

use super::{
    Checked, Problem,
    shop::{BEGIN, Shop, after, number},
};
use crate::{
    order::{Alarm, Reason, State},
    store::Filter,
};

pub(super) async fn accounts_are_apart(shop: &Shop<'_>) -> Checked {
    let neighbour = shop.neighbour();
    neighbour.begun("a", 1, 0).await?;
    neighbour.pay("a", 1, "ref").await?;
    neighbour.aged("b", 20, 0, State::Open).await?;
    let (store, account) = (shop.store, &shop.account);
    let order = number("a")?;
    ensure!(
        store.order(account, &order).await?.is_none(),
        "an order is seen"
    );
    let code = neighbour.fresh(1, 1).code;
    ensure!(
        store.by_code(account, code).await?.is_none(),
        "a code is known"
    );
    ensure!(
        store.withdraw(account, &order, BEGIN).await?.is_none(),
        "an order is withdrawn"
    );
    ensure!(
        !store.fulfilled(account, &order, BEGIN).await?,
        "an order is marked"
    );
    ensure!(
        store.timeline(account, &order).await?.is_empty(),
        "a timeline is seen"
    );
    ensure!(
        shop.claim(90_000, 90_001, 10).await?.is_empty(),
        "an attempt is claimed"
    );
    ensure!(
        shop.outbox(90_000, 90_001).await?.is_empty(),
        "a fulfilment is handed out"
    );
    let listed = store.orders(account, &Filter::default(), 10).await?;
    ensure!(listed.is_empty(), "orders are listed: {listed:?}");
    let backlog = store.backlog(account, after(90_000)).await?;
    ensure!(backlog == Default::default(), "it is counted: {backlog:?}");
    // Both may have an order of one number, and both are told.
    shop.begun("a", 1, 40).await?;
    let accounts = store.accounts().await?;
    for account in [account, &neighbour.account] {
        let told = accounts.iter().filter(|it| *it == account).count();
        ensure!(told == 1, "{account} is told {told} times");
    }
    Ok(())
}

pub(super) async fn listed(shop: &Shop<'_>) -> Checked {
    for (name, made) in [("a", 10), ("b", 20), ("c", 20), ("d", 30)] {
        shop.store.open(&shop.new_order(name, made)?).await?;
    }
    let list = async |filter: &Filter, limit| -> Result<Vec<String>, Problem> {
        let orders = shop.store.orders(&shop.account, filter, limit).await?;
        Ok(orders
            .iter()
            .map(|order| order.number.to_string())
            .collect())
    };
    let all = list(&Filter::default(), 10).await?;
    ensure!(all == ["d", "c", "b", "a"], "they are {all:?}");
    let page = list(&Filter::default(), 2).await?;
    ensure!(page == ["d", "c"], "the first page is {page:?}");
    let next = Filter {
        before: Some((after(20), number("c")?)),
        ..Filter::default()
    };
    let page = list(&next, 2).await?;
    ensure!(page == ["b", "a"], "the next page is {page:?}");
    for (name, code, state) in [("a", 0, State::Cancelled), ("c", 10, State::Open)] {
        shop.begun(name, 2, code).await?;
        let change = shop.change(name, 2, |to| {
            to.state = state;
            to.alarms.insert(Alarm::Refunded);
            to.alarms.insert(Alarm::NearDeadline);
        });
        shop.store.apply(&change.await?).await?;
    }
    let open = Filter {
        state: Some(State::Open),
        ..Filter::default()
    };
    let open = list(&open, 10).await?;
    ensure!(open == ["c"], "open are {open:?}");
    let refunded = Filter {
        alarm: Some(Alarm::Refunded),
        ..Filter::default()
    };
    let refunded = list(&refunded, 10).await?;
    ensure!(refunded == ["c", "a"], "refunded are {refunded:?}");
    let stuck = Filter {
        alarm: Some(Alarm::Stuck),
        ..Filter::default()
    };
    ensure!(list(&stuck, 10).await?.is_empty(), "some are stuck");
    let order = shop
        .store
        .orders(&shop.account, &Filter::default(), 2)
        .await?;
    let attempts = order.iter().map(|order| order.attempts.len());
    ensure!(attempts.eq([0, 2]), "they are listed without attempts");
    Ok(())
}

pub(super) async fn counted(shop: &Shop<'_>) -> Checked {
    shop.begun("paid", 1, 0).await?;
    shop.pay("paid", 1, "ref").await?;
    shop.aged("due", 10, 0, State::Open).await?;
    shop.aged("intent", 11, 0, State::VerifyIntent).await?;
    for (name, code) in [("near", 12), ("withdrawn", 13)] {
        shop.aged(name, code, 0, State::Open).await?;
        let paid = shop.change(name, 1, |to| {
            to.paid_at = Some(after(0));
            to.next_ask = Some(after(20_000));
        });
        shop.store.apply(&paid.await?).await?;
    }
    let withdrawn = number("withdrawn")?;
    shop.store
        .withdraw(&shop.account, &withdrawn, after(1))
        .await?;
    shop.aged("strange", 14, 0, State::Open).await?;
    let strange = shop.change("strange", 1, |to| {
        to.state = State::Quarantined(Reason::Mismatch);
        to.next_ask = None;
    });
    shop.store.apply(&strange.await?).await?;
    let backlog = shop.store.backlog(&shop.account, after(10_000)).await?;
    ensure!(
        (backlog.due, backlog.near_deadline, backlog.undetermined) == (2, 1, 1)
            && (backlog.quarantined, backlog.unfulfilled) == (1, 1),
        "it is {backlog:?}"
    );
    let early = shop.store.backlog(&shop.account, after(599)).await?;
    ensure!(
        (early.due, early.near_deadline) == (0, 0),
        "early it is {early:?}"
    );
    Ok(())
}
