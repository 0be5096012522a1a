//! When to ask the gateway about an attempt again.

use std::time::Duration;

use jibit_proto::Timestamp;

use crate::order::{Attempt, State};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// From which age the pause is so long, in seconds. The gateway's window is 15
/// or 30 minutes, from initiate or from the payment: nobody knows which.
const PAUSES: [(u64, u64); 4] = [
    (0, 15),
    (2 * MINUTE, 30),
    (31 * MINUTE, MINUTE),
    (HOUR, 10 * MINUTE),
];

const DAY: u64 = 24 * HOUR;

/// An ask that failed is repeated after this at the latest, whatever the age.
pub(crate) const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// When an order nobody captured is near the end of the shortest window.
pub(crate) const NEAR_DEADLINE: Duration = Duration::from_secs(10 * MINUTE);

/// When a verify of which nobody knows is for a person to look at.
pub(crate) const STUCK: Duration = Duration::from_secs(DAY);

/// As long as this after initiate a payment may still be waiting.
pub(crate) const WINDOW: Duration = Duration::from_secs(31 * MINUTE);

/// How long an initiate may take before its attempt is given up. Longer than
/// any call: who is slower finds the attempt abandoned and sends nobody to pay.
pub(crate) const INITIATE: Duration = Duration::from_secs(5 * MINUTE);

/// When to ask about an attempt that was asked about at `now`; nothing if only
/// its callback is a reason to ask again.
pub(crate) fn next_ask(attempt: &Attempt, now: Timestamp, failed: bool) -> Option<Timestamp> {
    let age = now.since(attempt.created_at).as_secs();
    let waits_for_money = attempt.state == State::VerifyIntent || attempt.paid_at.is_some();
    if age >= DAY && !waits_for_money && !failed {
        return None;
    }
    let mut pauses = PAUSES.iter().rev();
    let pause = pauses
        .find(|(from, _)| age >= *from)
        .map_or(15, |(_, pause)| *pause);
    let pause = Duration::from_secs(pause);
    Some(
        now + if failed {
            pause.min(AFTER_FAILURE)
        } else {
            pause
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::attempt;

    #[test]
    fn asks_are_as_the_rules_say() {
        let open = attempt(1, State::Open);
        let pause = |attempt: &Attempt, age: u64, failed| {
            let now = attempt.created_at + Duration::from_secs(age);
            next_ask(attempt, now, failed).map(|next| next.since(now).as_secs())
        };
        for (age, expected) in [
            (0, 15),
            (119, 15),
            (120, 30),
            (31 * 60 - 1, 30),
            (31 * 60, 60),
            (3600, 600),
            (86_399, 600),
        ] {
            assert_eq!(pause(&open, age, false), Some(expected), "{age}");
            assert_eq!(pause(&open, age, true), Some(expected.min(30)), "{age}");
        }
        assert_eq!(pause(&open, 86_400, false), None);
        // Who could not ask does not know that there is nothing to ask for.
        assert_eq!(pause(&open, 86_400, true), Some(30));
        let intent = attempt(1, State::VerifyIntent);
        assert_eq!(pause(&intent, 86_400 * 9, false), Some(600));
        let mut paid = attempt(1, State::Open);
        paid.paid_at = Some(paid.created_at);
        assert_eq!(pause(&paid, 86_400, false), Some(600));
    }
}
