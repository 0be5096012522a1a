//! Tokens that processes share: what a driver does with their store while its
//! call holds the lease to renew.

use std::time::Duration;

use super::{Alarm, Exchange, Renewal, STORE_TIME, Session, YOUNG, exchange::State, pair::Pair};
use crate::{Secret, Timestamp, flow::Flow};

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

impl<F: Flow> Exchange<F> {
    /// Whether [`take_store_step`](Self::take_store_step) has something.
    #[must_use]
    pub fn has_store_step(&self) -> bool {
        matches!(&self.state, State::Storing(sharing) if !sharing.taken)
    }

    /// What the driver does next with the store that processes share, if this
    /// call waits for that. Each step is given out once; what came of it is
    /// told by [`stored`](Self::stored).
    pub fn take_store_step(&mut self, session: &Session) -> Option<StoreStep> {
        match &mut self.state {
            State::Storing(sharing) => sharing.take_step(session.right_lasts()),
            _ => None,
        }
    }

    /// Takes what came of the last [`take_store_step`](Self::take_store_step);
    /// without one it is ignored.
    pub fn stored(&mut self, session: &mut Session, stored: Stored, now: Timestamp) {
        let sharing = match std::mem::replace(&mut self.state, State::Ready) {
            State::Storing(sharing) if sharing.taken => sharing,
            other => {
                self.state = other;
                return;
            }
        };
        let Sharing { lease, phase, .. } = sharing;
        // What came too late may be somebody else's by now.
        let stored = if now > sharing.until {
            Stored::Failed
        } else {
            stored
        };
        match (phase, stored) {
            (Phase::Claiming, Stored::Claimed(saved)) => {
                session.take_up(saved.as_ref(), now);
                if session.is_fit(now, self.since()) {
                    self.store(lease, Phase::Releasing, now);
                    return;
                }
                let renewal = session.renewal(lease, self.since().is_some(), true);
                // Without its refresh token, which the renewal has.
                match session.saved().filter(|_| renewal.spends.is_some()) {
                    Some(spent) => drop(self.store(lease, Phase::Spending(spent, renewal), now)),
                    None => self.state = State::Renew(renewal),
                }
            }
            (Phase::Claiming, Stored::Busy(saved)) => {
                session.take_up(saved.as_ref(), now);
                session.yield_lease(lease, self.since(), now);
            }
            (Phase::Claiming, Stored::Failed | Stored::Done) => {
                // Others may have the same refresh token: the password is the way on.
                self.state = State::Renew(session.renewal(lease, true, false));
            }
            (Phase::Spending(_, mut renewal), stored) => {
                if !matches!(stored, Stored::Done) {
                    // Another process may send it yet: the password is the way on.
                    renewal.spends = None;
                }
                self.state = State::Renew(renewal);
            }
            (Phase::Saving(_), _) => drop(self.store(lease, Phase::Releasing, now)),
            (Phase::Releasing, _) => session.give_up_lease(lease),
        }
    }

    /// Has the driver work the store.
    pub(super) fn store(&mut self, lease: u64, phase: Phase, now: Timestamp) -> Timestamp {
        let until = now + STORE_TIME;
        self.state = State::Storing(Sharing {
            lease,
            phase,
            until,
            taken: false,
        });
        until
    }
}
