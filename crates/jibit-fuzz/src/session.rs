//! A session's transitions: the model of `jibit-proto`'s tests, with what happens in it
//! read from the bytes.

use std::slice::Iter;

#[path = "../../jibit-proto/tests/it/model/mod.rs"]
mod model;

use model::{
    CANCELLED, PAID,
    ops::{Fate, Kind, Op, Pick},
};

/// More only make an execution longer.
const MOST: usize = 64;

pub(crate) fn session(bytes: &[u8]) {
    let mut bytes = Bytes(bytes.iter());
    let slots = 2 + bytes.below(3);
    let seed = bytes.next() as u64;
    let ops = std::iter::from_fn(|| bytes.op()).take(MOST).collect();
    model::play(ops, slots, seed);
}

/// Bytes without a pattern: any of them is a history.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    (1..=8).map(|seed| dice(seed, 192)).collect()
}

fn dice(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

struct Bytes<'a>(Iter<'a, u8>);

impl Bytes<'_> {
    /// The next byte, or 0 where there is none.
    fn next(&mut self) -> usize {
        self.0.next().copied().unwrap_or_default().into()
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// What happens next; the more often the more bytes stand for it.
    fn op(&mut self) -> Option<Op> {
        let op = *self.0.next()?;
        Some(match op % 48 {
            0..10 => Op::Begin(
                self.one_of(&[
                    Kind::Settle,
                    Kind::Initiate,
                    Kind::Look,
                    Kind::Inquiry,
                    Kind::Authenticate,
                ]),
                self.below(7),
                self.one_of(&[600, 30, 12, 1]),
            ),
            10..27 => Op::Answer(self.pick(), self.fate(), self.flag()),
            27 => Op::Late(self.next()),
            28 => Op::Stall(self.pick()),
            29 => Op::Abandon(self.pick()),
            30 => Op::AbandonLeader,
            31 => Op::Vanish(self.pick()),
            // In the model's milliseconds: a moment, a pause, a token's life.
            32..36 => Op::Advance(1 + 25 * self.next() as u64),
            36..38 => {
                Op::Advance(self.one_of(&[6_000, 10_000, 16_000, 70_000, 950_000, 1_001_000]))
            }
            38..41 => Op::Nudge,
            41 => Op::Password(self.flag()),
            42 => Op::Export,
            43 => Op::Restore,
            44..46 => Op::Revoke,
            _ => Op::Move(
                self.next(),
                self.one_of(&["PGENTRY", PAID, CANCELLED[0], CANCELLED[1]]),
            ),
        })
    }

    fn pick(&mut self) -> Pick {
        match self.below(3) {
            0 => Pick::Oldest,
            1 => Pick::Newest,
            _ => Pick::Any(self.next()),
        }
    }

    fn fate(&mut self) -> Fate {
        const ASKED: [&str; 4] = ["7", "3600", "Fri, 15 Jan 2027 08:02:00 GMT", "soon"];
        match self.below(16) {
            0..5 => Fate::Honest,
            5 => Fate::NotSent,
            6..8 => Fate::Lost,
            8 | 9 => Fate::Status(self.one_of(&[302, 400, 401, 403, 404, 409, 500, 502])),
            10 => Fate::Busy(self.one_of(&[408, 429, 503]), self.one_of(&ASKED)),
            11 => Fate::Code(self.one_of(&[401, 5])),
            12 => Fate::Garbage,
            13 => Fate::Oversize,
            14 => Fate::WrongEcho,
            _ => Fate::Stale,
        }
    }
}
