//! The session: one pair of tokens, shared by every call of an account.
//!
//! The whole contract of a driver, here with a gateway that answers anything
//! with a refusal:
//!
//! ```
//! use jibit_proto::{Config, Inquiry, Secret, Session, Timestamp, session::Step};
//!
//! # fn my_http(_: http::Request<bytes::Bytes>) -> jibit_proto::session::Answer {
//! #     Ok(http::Response::new(r#"{"errorCode": 3}"#.into()))
//! # }
//! let mut now = Timestamp::from_unix_millis(1_800_000_000_000);
//! let config = Config::new("https://pg.jibit.mobi", "7746", Secret::new("123456"));
//! let mut session = Session::new(config, 7)?;
//!
//! let mut call = session.begin(Inquiry::new("7wvkgrn0".parse()?), now);
//! let outcome = loop {
//!     match call.poll(&mut session, now) {
//!         Step::Send(out) => call.receive(&mut session, my_http(out.request), now),
//!         Step::Wait(until) => now = until, // sleep until then, or until woken
//!         Step::Done(outcome) => break outcome,
//!     }
//! };
//! assert_eq!(outcome.unwrap_err().kind(), jibit_proto::ErrorKind::Credentials);
//! # Ok::<(), jibit_proto::InvalidInput>(())
//! ```

mod backoff;
mod config;
mod exchange;
mod pair;
mod sharing;
mod slots;

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    BaseUrl, Error, ErrorKind, InvalidInput, Secret, Timestamp, TransportError,
    flow::Flow,
    wire::{self, Operation, authenticate::Tokens},
};
use backoff::{Backoff, Budget};
use pair::Pair;
use slots::Slots;

pub use config::Config;
pub use exchange::{Exchange, Outgoing, Step};
pub use sharing::{Account, StoreStep, Stored};

/// What a transport brings: an answer of whatever status, or the reason why
/// there is none.
pub type Answer = Result<Response<Bytes>, TransportError>;

/// How much longer than an attempt its lease and its slot last.
const GRACE: Duration = Duration::from_secs(5);
/// No pair younger than this is renewed: a gateway that refuses what it has
/// just handed out is not asked for more at once.
const YOUNG: Duration = Duration::from_secs(5);
/// After a refused renewal, how long the living token is used before the next.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// How long a refusal answers for the gateway: calls that begin together do
/// not all begin before it has come.
const FRESH: Duration = Duration::from_secs(1);
/// How long a driver may take over one step with a store.
const STORE_TIME: Duration = Duration::from_secs(2);
/// How long to wait for another process that renews, before looking again.
const BUSY: Duration = Duration::from_millis(200);
/// So many tokens that die young within this time are an [`Alarm`].
const YOUNG_DEATHS: (usize, Duration) = (3, Duration::from_secs(300));
/// A call of a session, for waking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

/// Something that a person should know about; no call fails by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alarm {
    /// Three tokens of ours were refused within 5 minutes, long before their
    /// time: another system probably logs in with this account.
    TokensDieYoung,
    /// What another process stored is damaged or another account's; it is
    /// passed over.
    StoredTokensUnusable,
}

/// The tokens of one account and who may renew them.
///
/// One value for all calls, behind a lock of the driver's that is never held
/// over IO. After each [`Exchange::poll`], [`Exchange::receive`],
/// [`Exchange::stored`] and [`Exchange::abandon`] a driver with several calls takes
/// [`take_woken`](Self::take_woken) and polls those calls.
#[derive(Debug)]
pub struct Session {
    config: Config,
    base: BaseUrl,
    pair: Option<Pair>,
    /// Counts the pairs; a 401 tells only of the one that its request carried.
    version: u64,
    lease: Option<Lease>,
    leases: u64,
    refusal: Option<Refusal>,
    /// Whether processes share the tokens.
    shares: bool,
    /// Whether what is stored is of another password.
    password_is_new: bool,
    /// No renewal before this.
    not_before: Timestamp,
    renewal_failures: u32,
    renewal_error: Option<Error>,
    /// When the last tokens died before their time.
    young_deaths: VecDeque<Timestamp>,
    alarm: Option<Alarm>,
    calls: u64,
    parked: BTreeSet<CallId>,
    woken: BTreeSet<CallId>,
    slots: Slots,
    backoff: Backoff,
    budget: Budget,
}

#[derive(Debug)]
struct Lease {
    number: u64,
    until: Timestamp,
}

/// A renewal under way.
#[derive(Debug)]
struct Renewal {
    lease: u64,
    /// The version that it is to replace.
    version: u64,
    /// The pair that it spends; the password if there is none.
    spends: Option<Tokens>,
    /// Whether it has the right of the store that processes share.
    claimed: bool,
}

/// The last definite refusal, the lease that it came under, and when.
#[derive(Debug)]
struct Refusal {
    lease: u64,
    error: Error,
    at: Timestamp,
}

/// What a call that needs a token is told.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart at once and never kept"
)]
enum Access {
    Token {
        token: Secret,
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
    /// A session without tokens. `seed` is for the jitter of pauses: give
    /// each process another one.
    ///
    /// # Errors
    ///
    /// If a setting cannot work.
    pub fn new(config: Config, seed: u64) -> Result<Self, InvalidInput> {
        Ok(Self {
            base: config.check()?,
            slots: Slots::new(config.max_in_flight),
            config,
            pair: None,
            version: 0,
            lease: None,
            leases: 0,
            refusal: None,
            shares: false,
            password_is_new: false,
            not_before: Timestamp::default(),
            renewal_failures: 0,
            renewal_error: None,
            young_deaths: VecDeque::new(),
            alarm: None,
            calls: 0,
            parked: BTreeSet::new(),
            woken: BTreeSet::new(),
            backoff: Backoff::new(seed),
            budget: Budget::new(),
        })
    }

    /// Begins a call, which has the configured deadline from `now`.
    pub fn begin<F: Flow>(&mut self, flow: F, now: Timestamp) -> Exchange<F> {
        self.calls += 1;
        Exchange::new(CallId(self.calls), flow, now, now + self.config.deadline)
    }

    /// A call that should be polled again, because what it waits for may be
    /// there. Ask until there is none.
    pub fn take_woken(&mut self) -> Option<CallId> {
        self.woken.pop_first()
    }

    /// What a person should be told, once.
    pub fn take_alarm(&mut self) -> Option<Alarm> {
        self.alarm.take()
    }

    /// Replaces the password: tokens and refusals of the old one count no
    /// more, nor does what a renewal with it still brings.
    pub fn set_password(&mut self, password: Secret) {
        self.config.password = password;
        self.password_is_new = true;
        self.pair = None;
        self.version += 1;
        self.lease = None;
        self.refusal = None;
        self.not_before = Timestamp::default();
        self.wake_parked();
    }

    /// Where the gateway is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.base
    }

    /// Whose tokens these are.
    #[must_use]
    pub fn account(&self) -> Account {
        Account {
            origin: self.base.origin().to_owned(),
            username: self.config.username.clone(),
        }
    }

    /// The tokens, for [`restore`](Self::restore) in a later run. Whoever
    /// reads this text can act as the merchant.
    #[must_use]
    pub fn export(&self) -> Option<Secret> {
        self.pair.as_ref().filter(|pair| pair.alive)?;
        self.saved()
    }

    /// The tokens as they are stored, alive or not: a dead pair may be refreshed.
    fn saved(&self) -> Option<Secret> {
        let pair = self.pair.as_ref()?;
        pair.save(self.base.origin(), &self.config.username)
    }

    /// Takes up tokens that an earlier run [exported](Self::export).
    ///
    /// # Errors
    ///
    /// If the text is damaged or another account's; the session then goes on
    /// without.
    pub fn restore(&mut self, saved: &Secret) -> Result<(), InvalidInput> {
        let pair = Pair::load(saved, self.base.origin(), &self.config.username)?;
        self.version += 1;
        self.pair = Some(pair);
        self.wake_parked();
        Ok(())
    }

    /// A token for the call `id`, or what it has to do or wait for instead.
    /// With `since`, only a pair received from then on will do.
    fn access(
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
                token: pair.token.clone(),
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
    fn is_fit(&self, now: Timestamp, since: Option<Timestamp>) -> bool {
        let pair = self.pair.as_ref().filter(|pair| pair.lives(now));
        pair.is_some_and(|pair| pair.fits(since, now) && !pair.is_due(now))
    }

    /// A lease outlasts the attempt that it is for.
    fn lease_end(&self, now: Timestamp) -> Timestamp {
        now + self.config.attempt_timeout + GRACE
    }

    /// Has the lease last from now on, if it is still that one.
    fn extend_lease(&mut self, number: u64, now: Timestamp) -> bool {
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
    fn yield_lease(&mut self, number: u64, since: Option<Timestamp>, now: Timestamp) {
        if !self.is_fit(now, since) {
            self.not_before = self.not_before.max(now + BUSY);
        }
        self.give_up_lease(number);
    }

    /// What the holder of a lease sends. It takes the refresh token with it.
    fn renewal(&mut self, lease: u64, by_password: bool, claimed: bool) -> Renewal {
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

    fn renewal_request(&self, renewal: &Renewal) -> Result<Request<Bytes>, InvalidInput> {
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
    fn renewed(&mut self, renewal: &Renewal, answer: Answer, now: Timestamp) -> bool {
        let asked = answer
            .as_ref()
            .ok()
            .and_then(|answer| exchange::retry_after(answer, now));
        let tokens = answer
            .map_err(Error::from)
            .and_then(|answer| match &renewal.spends {
                Some(old) => wire::refresh::parse(&answer, old),
                None => wire::authenticate::parse(&answer, &self.config.password),
            });
        // A late answer counts as long as there is no newer pair.
        let newest = self.version == renewal.version;
        self.give_up_lease(renewal.lease);
        match tokens {
            Ok(tokens) if newest => {
                self.install(tokens, now);
                return true;
            }
            Err(error) if newest => self.renewal_failed(renewal, error, asked, now),
            _ => {}
        }
        false
    }

    fn install(&mut self, tokens: Tokens, now: Timestamp) {
        self.version += 1;
        self.pair = Some(Pair::new(tokens, now));
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

    fn give_up_lease(&mut self, number: u64) {
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
    fn reject(&mut self, version: u64, now: Timestamp) {
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

    /// Forgets what the call holds and waits for.
    fn forget(&mut self, id: CallId) {
        self.parked.remove(&id);
        self.slots.leave(id, &mut self.woken);
        self.woken.remove(&id);
    }

    fn wake_parked(&mut self) {
        self.woken.append(&mut self.parked);
    }
}

const fn operation(renewal: &Renewal) -> Operation {
    match renewal.spends {
        Some(_) => Operation::Refresh,
        None => Operation::Authenticate,
    }
}
