//! What happens in the model.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{CANCELLED, PAID};

#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Begins a call about an order, with a deadline in so many seconds.
    Begin(Kind, usize, u64),
    /// Ends a request under way; where the fate leaves it open the flag says
    /// whether it took effect.
    Answer(Pick, Fate, bool),
    /// A lost request takes effect after all.
    Late(Index),
    /// A driver misses its time-out: only an answer ends the request now.
    Stall(Pick),
    Abandon(Pick),
    /// The call that renews the tokens is abandoned.
    AbandonLeader,
    /// A call is dropped without `abandon`.
    Vanish(Pick),
    Advance(u64),
    /// Polls every parked call although nobody woke it.
    Nudge,
    /// Another password, known to the gateway or not.
    Password(bool),
    Export,
    Restore,
    /// Another system logs in: our token is dead.
    Revoke,
    /// The customer or the gateway moves an order on.
    Move(Index, &'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Authenticate,
    Initiate,
    Inquiry,
    Look,
    Settle,
}

/// Which request under way: the oldest, the newest or any.
#[derive(Clone, Debug)]
pub(super) enum Pick {
    Oldest,
    Newest,
    Any(Index),
}

#[derive(Clone, Debug)]
pub(super) enum Fate {
    Honest,
    NotSent,
    Lost,
    Status(u16),
    /// A status with a Retry-After.
    Busy(u16, &'static str),
    /// A 200 with this errorCode.
    Code(i64),
    Garbage,
    Oversize,
    /// The truth, but for the amount or the merchantOrderId.
    WrongEcho,
    /// The truth, but for an inquiry's state, which is that of long ago.
    Stale,
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        2 => Just(Pick::Oldest),
        2 => Just(Pick::Newest),
        1 => any::<Index>().prop_map(Pick::Any),
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

pub(super) fn op() -> impl Strategy<Value = Op> {
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
        1 => any::<Index>().prop_map(Op::Late),
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
        2 => (any::<Index>(), select(states)).prop_map(|(order, state)| Op::Move(order, state)),
    ]
}
