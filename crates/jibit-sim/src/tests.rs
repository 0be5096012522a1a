//! What the simulator itself has to do: find nothing, find every mistake, and play a
//! history twice alike.

use clap::ValueEnum as _;

use crate::{
    explore::{self, Scene},
    history,
    mistake::Mistake,
    plan::Plan,
    shrink,
};

#[test]
fn histories_without_a_mistake_hold() {
    for seed in 1..=300 {
        let played = history::play(&Plan::draw(seed), None, false);
        assert_eq!(played.violations, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn no_secret_is_told() {
    for seed in 1..=100 {
        let played = history::listen(&Plan::draw(seed), None, false);
        assert_eq!(played.violations, Vec::<String>::new(), "seed {seed}");
    }
}

/// What each mistake breaks. Another rule that happens to break does not count.
const fn broken_by(mistake: Mistake) -> &'static str {
    match mistake {
        Mistake::FulfilledUnmarked => "S1",
        Mistake::VerifyErrorIsSuccess => "S2",
        Mistake::ExpiresLocally | Mistake::UnpaidByTimeOut | Mistake::VerifyErrorIsFailure => "S3",
        Mistake::NoReconciler
        | Mistake::GivesUp
        | Mistake::ComparesIdsExactly
        | Mistake::InitiateOverwrites => "S4",
        Mistake::NoLook | Mistake::ReplaysVerify => "S5",
        Mistake::NoConditionalUpdate => "S6",
        Mistake::IntentUnsaved => "S7",
        Mistake::NoSlot | Mistake::BlindToSiblings => "S8",
        Mistake::SessionNotShared | Mistake::NoDropGuard => "S12",
        Mistake::LogsRequests => "S10",
        Mistake::LateTimeOut => "S11",
        Mistake::FollowsRedirects => "S13",
        Mistake::BelievesCallbacks | Mistake::FulfilsStrangers => "S15",
        Mistake::AsksAtEachCallback => "S16",
        Mistake::ReplaysInitiate => "initiate",
        Mistake::ReplaysRefresh => "refresh",
        Mistake::CapturesWithdrawn => "withdrawal",
    }
}

#[test]
fn every_mistake_is_found() {
    let found = |mistake: Mistake| {
        (1..=10_000).any(|seed| {
            let plan = Plan::draw(seed);
            let played = match mistake {
                Mistake::LogsRequests => history::listen(&plan, Some(mistake), false),
                _ => history::play(&plan, Some(mistake), false),
            };
            let mut rules = played.violations.iter().map(|line| shrink::rule(line));
            rules.any(|rule| rule == broken_by(mistake))
        })
    };
    let unseen: Vec<_> = Mistake::value_variants()
        .iter()
        .filter(|mistake| !found(**mistake))
        .collect();
    assert!(
        unseen.is_empty(),
        "{unseen:?} came through 10,000 histories"
    );
}

#[test]
fn a_history_follows_from_its_seed() {
    let play = |seed| history::play(&Plan::draw(seed), None, true);
    let (first, second, other) = (play(7), play(7), play(8));
    assert_eq!(first.transcript, second.transcript);
    assert_eq!(first.hash, second.hash);
    assert_ne!(first.hash, other.hash);
}

#[test]
fn a_failure_is_told_without_what_it_does_not_need() {
    let mistake = Some(Mistake::NoReconciler);
    let fails = |plan: &Plan| !history::play(plan, mistake, false).violations.is_empty();
    let mut drawn = (1..).map(Plan::draw).filter(|plan| plan.jumps.is_empty());
    let plan = drawn.find(fails).unwrap();
    let least = shrink::shrink(&plan, |plan| history::play(plan, mistake, false));
    assert!(fails(&least));
    // It takes somebody who pays and does not come back, and nothing else.
    assert_eq!(least.hosts, 1, "{least:?}");
    assert!(
        least.faults.is_empty() && least.deaths.is_empty() && least.restored.is_none(),
        "{least:?}"
    );
}

/// That nothing is found without a mistake takes too long here: `cargo xtask sim
/// --explore` does it.
#[test]
fn walking_through_everything_finds_what_is_there() {
    for (scene, mistake) in [
        (Scene::Callback, Mistake::NoConditionalUpdate),
        (Scene::Callback, Mistake::IntentUnsaved),
        (Scene::Withdrawal, Mistake::CapturesWithdrawn),
        (Scene::Callback, Mistake::NoSlot),
        (Scene::TwoPaid, Mistake::NoSlot),
    ] {
        let walked = explore::walk(scene, Some(mistake));
        assert!(!walked.violations.is_empty(), "{scene:?} {mistake:?}");
    }
}
