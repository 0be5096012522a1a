//! Who may renew the tokens: the lease, what its holder sends, and what came of
//! it.

use std::time::Duration;

use bytes::Bytes;
use http::Request;

use super::{Alarm, Answer, CallId, GRACE, Session, YOUNG, backoff, pair::Pair};
use crate::{
    Bearer, Error, ErrorKind, InvalidInput, Timestamp,
    wire::{self, Operation, authenticate::Tokens},
};

/// After a refused renewal, how long the living token is used before the next.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// How long a refusal answers for the gateway: calls that begin together do
/// not all begin before it has come.
const FRESH: Duration = Duration::from_secs(1);
/// How long to wait for another process that renews, before looking again.
const BUSY: Duration = Duration::from_millis(200);
/// So many tokens that die young within this time are an [`Alarm`].
const YOUNG_DEATHS: (usize, Duration) = (3, Duration::from_secs(300));

#[derive(Debug)]
pub(super) struct Lease {
    pub(super) number: u64,
    pub(super) until: Timestamp,
}

/// A renewal under way.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) lease: u64,
    /// The version that it is to replace.
    pub(super) version: u64,
    /// The pair that it spends; the password if there is none.
    pub(super) spends: Option<Tokens>,
    /// Whether it has the right of the store that processes share.
    pub(super) claimed: bool,
}

/// The last definite refusal, the lease that it came under, and when.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) lease: u64,
    pub(super) error: Error,
    pub(super) at: Timestamp,
}

/// What a call that needs a token is told.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart at once and never kept"
)]
pub(super) enum Access {
    Token {
        token: Bearer,
        version: u64,
    },
    Renew {
        lease: u64,
    },
    Wait {
        until: Timestamp,
        lease: Option<u64>,
    },
    Refused(Error),
}

impl Session {
    /// A token for the call `id`, or what it has to do or wait for instead.
    /// With `since`, only a pair received from then on will do.
    pub(super) fn access(
        &mut self,
        id: CallId,
        now: Timestamp,
        waited_on: Option<u64>,
        since: Option<Timestamp>,
    ) -> Access {
        let held = self.lease.as_ref().filter(|lease| now < lease.until);
        let may_renew = held.is_none() && now >= self.not_before;
        let pair = self.pair.as_ref().filter(|pair| pair.lives(now));
        if let Some(pair) = pair.filter(|pair| pair.fits(since, now))
            && !(may_renew && pair.is_due(now))
        {
            return Access::Token {
                token: pair.bearer.clone(),
                version: self.version,
            };
        }
        if let Some(refusal) = &self.refusal
            && (waited_on.is_some_and(|lease| refusal.lease >= lease)
                || now.since(refusal.at) < FRESH)
        {
            return Access::Refused(refusal.error.clone());
        }
        if !may_renew {
            let wait = match held {
                Some(lease) => Access::Wait {
                    until: lease.until,
                    lease: Some(lease.number),
                },
                None => Access::Wait {
                    until: self.not_before,
                    lease: None,
                },
            };
            self.parked.insert(id);
            return wait;
        }
        self.leases += 1;
        self.lease = Some(Lease {
            number: self.leases,
            until: self.lease_end(now),
        });
        Access::Renew { lease: self.leases }
    }

    /// Whether there is a pair that need not be renewed.
    pub(super) fn is_fit(&self, now: Timestamp, since: Option<Timestamp>) -> bool {
        let pair = self.pair.as_ref().filter(|pair| pair.lives(now));
        pair.is_some_and(|pair| pair.fits(since, now) && !pair.is_due(now))
    }

    /// A lease outlasts the attempt that it is for.
    pub(super) fn lease_end(&self, now: Timestamp) -> Timestamp {
        now + self.config.attempt_timeout + GRACE
    }

    /// Has the lease last from now on, if it is still that one.
    pub(super) fn extend_lease(&mut self, number: u64, now: Timestamp) -> bool {
        let until = self.lease_end(now);
        match &mut self.lease {
            Some(lease) if lease.number == number && now < lease.until => {
                lease.until = until;
                true
            }
            _ => false,
        }
    }

    /// Gives up the lease to another process, and waits for what it brings.
    pub(super) fn yield_lease(&mut self, number: u64, since: Option<Timestamp>, now: Timestamp) {
        if !self.is_fit(now, since) {
            self.not_before = self.not_before.max(now + BUSY);
        }
        self.give_up_lease(number);
    }

    /// What the holder of a lease sends. It takes the refresh token with it.
    pub(super) fn renewal(&mut self, lease: u64, by_password: bool, claimed: bool) -> Renewal {
        let spends = self
            .pair
            .as_mut()
            .filter(|_| !by_password)
            .and_then(|pair| {
                let refresh_token = pair.refresh_token.take()?;
                Some(Tokens {
                    token: pair.token.clone(),
                    refresh_token,
                })
            });
        Renewal {
            lease,
            version: self.version,
            spends,
            claimed,
        }
    }

    pub(super) fn renewal_request(
        &self,
        renewal: &Renewal,
    ) -> Result<Request<Bytes>, InvalidInput> {
        match &renewal.spends {
            Some(old) => wire::refresh::request(&self.base, old),
            None => wire::authenticate::request(
                &self.base,
                &self.config.username,
                &self.config.password,
            ),
        }
    }

    /// Takes what came of a renewal, and tells whether that is a pair.
    pub(super) fn renewed(&mut self, renewal: &Renewal, answer: Answer, now: Timestamp) -> bool {
        let asked = answer
            .as_ref()
            .ok()
            .and_then(|answer| backoff::retry_after(answer, now));
        let tokens = answer
            .map_err(Error::from)
            .and_then(|answer| match &renewal.spends {
                Some(old) => wire::refresh::parse(&answer, old),
                None => wire::authenticate::parse(&answer, &self.config.password),
            });
        let pair = tokens.and_then(|tokens| Ok(Pair::new(tokens, now)?));
        // A late answer counts as long as there is no newer pair.
        let newest = self.version == renewal.version;
        self.give_up_lease(renewal.lease);
        match pair {
            Ok(pair) if newest => {
                self.install(pair, now);
                return true;
            }
            Err(error) if newest => self.renewal_failed(renewal, error, asked, now),
            _ => {}
        }
        false
    }

    fn install(&mut self, pair: Pair, now: Timestamp) {
        self.version += 1;
        self.pair = Some(pair);
        self.password_is_new = false;
        self.refusal = None;
        self.renewal_failures = 0;
        self.renewal_error = None;
        self.not_before = now + YOUNG;
    }

    fn renewal_failed(
        &mut self,
        renewal: &Renewal,
        error: Error,
        asked: Option<Duration>,
        now: Timestamp,
    ) {
        use ErrorKind::{Transport, Unavailable, Unreadable};
        let passing = matches!(error.kind(), Transport | Unavailable | Unreadable);
        if renewal.spends.is_some() {
            // Whatever refresh says, the password is the way on.
            if passing {
                self.not_before = now + self.backoff.pause(0, asked);
            }
        } else if passing {
            // Without budget a login is tried as seldom as backoff ever does.
            let failures = if self.budget.take() {
                self.renewal_failures
            } else {
                u32::MAX
            };
            self.not_before = now + self.backoff.pause(failures, asked);
            self.renewal_failures = self.renewal_failures.saturating_add(1);
        } else {
            self.refusal = Some(Refusal {
                lease: renewal.lease,
                error: error.clone(),
                at: now,
            });
            if self.pair.as_ref().is_some_and(|pair| pair.lives(now)) {
                self.not_before = now + REFUSED_PAUSE;
            }
        }
        self.renewal_error = Some(error);
    }

    pub(super) fn give_up_lease(&mut self, number: u64) {
        if self
            .lease
            .as_ref()
            .is_some_and(|lease| lease.number == number)
        {
            self.lease = None;
        }
        self.wake_parked();
    }

    /// A 401 for the token of `version`: a newer one is not touched.
    pub(super) fn reject(&mut self, version: u64, now: Timestamp) {
        let dead = self
            .pair
            .as_mut()
            .filter(|pair| pair.alive && self.version == version);
        let Some(pair) = dead else { return };
        pair.alive = false;
        if now < pair.expires && !pair.is_due(now) {
            let (many, time) = YOUNG_DEATHS;
            self.young_deaths.retain(|death| now.since(*death) < time);
            self.young_deaths.push_back(now);
            if self.young_deaths.len() >= many {
                self.young_deaths.clear();
                self.alarm = Some(Alarm::TokensDieYoung);
            }
        }
    }
}

pub(super) const fn operation(renewal: &Renewal) -> Operation {
    match renewal.spends {
        Some(_) => Operation::Refresh,
        None => Operation::Authenticate,
    }
}
