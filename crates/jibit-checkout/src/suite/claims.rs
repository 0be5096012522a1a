//! What is due, and who has it.

use futures_util::future::join_all;

use super::{
    Checked,
    shop::{Shop, after, is_done},
};
use crate::order::State;

pub(super) async fn claimed_by_urgency(shop: &Shop<'_>) -> Checked {
    // At 10,000 s the window reaches back to 8,140 s.
    shop.aged("old", 1, 100, State::Open).await?;
    shop.aged("young", 2, 9_000, State::Open).await?;
    shop.aged("older", 3, 50, State::Open).await?;
    shop.aged("intent", 4, 5_000, State::VerifyIntent).await?;
    shop.aged("younger", 5, 9_500, State::Open).await?;
    let early = shop.claim(9_999, 10_100, 10).await?;
    ensure!(early.is_empty(), "before its time {early:?} is claimed");
    let first = shop.claim(10_000, 10_060, 3).await?;
    ensure!(
        first == ["intent-1", "young-1", "younger-1"],
        "first come {first:?}"
    );
    let rest = shop.claim(10_001, 10_061, 10).await?;
    ensure!(rest == ["older-1", "old-1"], "then come {rest:?}");
    let none = shop.claim(10_059, 10_200, 10).await?;
    ensure!(
        none.is_empty(),
        "what is claimed is claimed again: {none:?}"
    );
    let again = shop.claim(10_060, 10_200, 10).await?;
    ensure!(again.len() == 3, "after the lease {again:?} is claimed");
    Ok(())
}

pub(super) async fn claims_change_no_version(shop: &Shop<'_>) -> Checked {
    shop.aged("a", 1, 0, State::Open).await?;
    let paid = shop
        .change("a", 1, |to| to.paid_at = Some(after(9)))
        .await?;
    let claimed = shop.claim(10_000, 10_060, 10).await?;
    ensure!(claimed == ["a-1"], "claimed is {claimed:?}");
    let applied = shop.store.apply(&paid).await?;
    ensure!(is_done(applied), "the claim made it {applied:?}");
    let done = shop.change("a", 1, |to| {
        to.state = State::Cancelled;
        to.next_ask = None;
    });
    shop.store.apply(&done.await?).await?;
    let none = shop.claim(20_000, 20_060, 10).await?;
    ensure!(none.is_empty(), "what is over is claimed: {none:?}");
    Ok(())
}

pub(super) async fn raced(shop: &Shop<'_>) -> Checked {
    shop.begun("a", 2, 0).await?;
    let mut changes = Vec::new();
    for attempt in [1, 2] {
        let mut change = shop
            .change("a", attempt, |to| {
                to.state = State::VerifyIntent;
                to.slot = true;
            })
            .await?;
        change.takes_slot = true;
        changes.push(change);
    }
    let race = (0..16)
        .flat_map(|_| &changes)
        .map(|change| shop.store.apply(change));
    let mut done = 0;
    for applied in join_all(race).await {
        done += usize::from(is_done(applied?));
    }
    ensure!(done == 1, "{done} of 32 took the one slot");
    for order in 0..20 {
        shop.aged(&format!("o-{order}"), 100 + order, 0, State::Open)
            .await?;
    }
    let (now, until) = (after(10_000), after(20_000));
    let claims = (0..8).map(|_| shop.store.claim(&shop.account, now, until, 5));
    let mut claimed = Vec::new();
    for claim in join_all(claims).await {
        claimed.extend(
            claim?
                .into_iter()
                .filter(|(order, _)| order.as_str() != "a"),
        );
    }
    let all = claimed.len();
    claimed.sort();
    claimed.dedup();
    ensure!(claimed.len() == all, "some were claimed twice");
    // Who lost a race for rows may have come away with less; nothing is lost by it.
    let late = shop.store.claim(&shop.account, now, until, 100).await?;
    let late = late
        .iter()
        .filter(|(order, _)| order.as_str() != "a")
        .count();
    ensure!(all + late == 20, "of 20 {all} were claimed, then {late}");
    let begins = (0..8)
        .map(|n| (n, shop.fresh(1, 200 + n)))
        .collect::<Vec<_>>();
    let order = shop.open("b").await?.number;
    let begins = begins
        .iter()
        .map(|(_, fresh)| shop.store.begin(&shop.account, &order, fresh));
    let mut begun = 0;
    for begin in join_all(begins).await {
        begun += usize::from(begin?);
    }
    ensure!(begun == 1, "an attempt was begun {begun} times");
    Ok(())
}
