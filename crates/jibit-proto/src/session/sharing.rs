//! Tokens that processes share: what a driver does with their store while its
//! call holds the lease to renew.

use std::time::Duration;

use super::{Alarm, Renewal, STORE_TIME, Session, YOUNG, pair::Pair};
use crate::{Secret, Timestamp};

/// Whose tokens a store keeps: a merchant at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Account {
    /// The gateway's origin: scheme, host and port.
    pub origin: String,
    /// The merchant id.
    pub username: String,
}

/// What a driver does next with the store that processes share.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreStep {
    /// Read what is stored, and take the right to renew, which nobody else may
    /// have meanwhile. Whoever dies with it loses it, at once or when `lease`
    /// has passed.
    Claim {
        /// How long the right may be needed.
        lease: Duration,
    },
    /// Write these tokens and keep the right.
    Write(Secret),
    /// Give the right back.
    Release,
}

/// What came of a [`StoreStep`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stored {
    /// The right is ours; and what is stored, if anything is.
    Claimed(Option<Secret>),
    /// Somebody else renews; and what is stored until then. A store says this no
    /// longer than the other's lease: whoever stands still with the right is not
    /// waited for.
    Busy(Option<Secret>),
    /// Written, or given back.
    Done,
    /// The store does not work: the renewal goes on without it.
    Failed,
}

/// A renewal that the store has a part in.
#[derive(Debug)]
pub(super) struct Sharing {
    pub(super) lease: u64,
    pub(super) phase: Phase,
    /// How long the driver may take over the phase's step.
    pub(super) until: Timestamp,
    /// Whether the driver has been given it.
    pub(super) taken: bool,
}

#[derive(Debug)]
pub(super) enum Phase {
    Claiming,
    /// The refresh token leaves the store before it is sent, or a crash would
    /// have the next process send it again.
    Spending(Secret, Renewal),
    Saving(Secret),
    Releasing,
}

impl Sharing {
    pub(super) fn take_step(&mut self, lease: Duration) -> Option<StoreStep> {
        if std::mem::replace(&mut self.taken, true) {
            return None;
        }
        Some(match &self.phase {
            Phase::Claiming => StoreStep::Claim { lease },
            Phase::Spending(saved, _) | Phase::Saving(saved) => StoreStep::Write(saved.clone()),
            Phase::Releasing => StoreStep::Release,
        })
    }
}

impl Session {
    /// Shares the tokens with other processes, by a store that the driver works:
    /// one process renews, and the others take up what it got. From here on a
    /// driver asks [`Exchange::take_store_step`](super::Exchange::take_store_step)
    /// after each [`Step::Wait`](super::Step::Wait).
    pub const fn share_tokens(&mut self) {
        self.shares = true;
    }

    /// Takes up what is stored, if it is better than our own. Where the store does
    /// not speak of our pair, our refresh token may be spent: it is dropped.
    pub(super) fn take_up(&mut self, saved: Option<&Secret>, now: Timestamp) {
        let stored = saved.filter(|_| !self.password_is_new).and_then(|saved| {
            let stored = Pair::load(saved, self.base.origin(), &self.config.username);
            if stored.is_err() {
                self.alarm = Some(Alarm::StoredTokensUnusable);
            }
            stored.ok()
        });
        match (&mut self.pair, stored) {
            (Some(own), Some(stored)) if own.token.expose() == stored.token.expose() => {
                own.refresh_token = stored.refresh_token;
            }
            (Some(own), stored)
                if own.lives(now) && stored.as_ref().is_none_or(|it| it.expires <= own.expires) =>
            {
                own.refresh_token = None;
            }
            (Some(own), None) => own.refresh_token = None,
            (None, None) => {}
            (_, Some(stored)) => {
                // As after a login of our own; another host's clock may be ahead.
                let received = stored.received.min(now);
                self.not_before = self.not_before.max(received + YOUNG);
                self.version += 1;
                self.pair = Some(stored);
                self.refusal = None;
                self.wake_parked();
            }
        }
    }

    /// How long the right to renew may be needed: three steps with the store and
    /// the attempt. Then it is over, or its driver is gone.
    pub(super) fn right_lasts(&self) -> Duration {
        self.lease_end(Timestamp::default())
            .since(Timestamp::default())
            + 3 * STORE_TIME
    }
}
