//! Histories of the model, drawn by dice.

use proptest::prelude::*;
use proptest::sample::select;

use super::model::{
    CANCELLED, PAID,
    ops::{Fate, Kind, Op, Pick},
    play,
};

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        2 => Just(Pick::Oldest),
        2 => Just(Pick::Newest),
        1 => any::<usize>().prop_map(Pick::Any),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    let asked = vec!["7", "3600", "Fri, 15 Jan 2027 08:02:00 GMT", "soon"];
    prop_oneof![
        12 => Just(Fate::Honest),
        2 => Just(Fate::NotSent),
        3 => Just(Fate::Lost),
        3 => select(vec![302, 400, 401, 401, 403, 404, 409, 500, 502]).prop_map(Fate::Status),
        2 => (select(vec![408, 429, 503]), select(asked)).prop_map(|(s, asked)| Fate::Busy(s, asked)),
        2 => select(vec![401, 5]).prop_map(Fate::Code),
        1 => Just(Fate::Garbage),
        1 => Just(Fate::Oversize),
        1 => Just(Fate::WrongEcho),
        2 => Just(Fate::Stale),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    use Kind::{Authenticate, Initiate, Inquiry, Look, Settle};
    let kinds = vec![
        Authenticate,
        Initiate,
        Initiate,
        Inquiry,
        Look,
        Settle,
        Settle,
        Settle,
        Settle,
    ];
    let begin = (select(kinds), 0..7_usize, select(vec![1, 12, 30, 600, 600]));
    let states = vec!["PGENTRY", PAID, CANCELLED[0], CANCELLED[1]];
    prop_oneof![
        10 => begin.prop_map(|(kind, order, seconds)| Op::Begin(kind, order, seconds)),
        18 => (pick(), fate(), any::<bool>()).prop_map(|(pick, fate, took)| Op::Answer(pick, fate, took)),
        1 => any::<usize>().prop_map(Op::Late),
        1 => pick().prop_map(Op::Stall),
        1 => pick().prop_map(Op::Abandon),
        1 => Just(Op::AbandonLeader),
        1 => pick().prop_map(Op::Vanish),
        6 => prop_oneof![
            4 => 1..400_u64,
            4 => 400..6_000_u64,
            2 => Just(10_000),
            2 => Just(16_000),
            1 => Just(70_000),
            1 => Just(950_000),
            1 => Just(1_001_000),
        ]
        .prop_map(Op::Advance),
        4 => Just(Op::Nudge),
        1 => any::<bool>().prop_map(Op::Password),
        1 => Just(Op::Export),
        1 => Just(Op::Restore),
        2 => Just(Op::Revoke),
        2 => (any::<usize>(), select(states)).prop_map(|(order, state)| Op::Move(order, state)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_safety_rules_hold(
        ops in proptest::collection::vec(op(), 1..200), max_in_flight in 2..5_usize, seed in any::<u64>(),
    ) {
        play(ops, max_in_flight, seed);
    }
}
