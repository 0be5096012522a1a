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
mod renewal;
mod sharing;
mod slots;

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use http::Response;

use crate::{BaseUrl, Error, InvalidInput, Secret, Timestamp, TransportError, flow::Flow};
use backoff::{Backoff, Budget};
use pair::Pair;
use renewal::{Access, Lease, Refusal, Renewal};
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
/// How long a driver may take over one step with a store.
const STORE_TIME: Duration = Duration::from_secs(2);
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

    /// When the token at hand ends, by what it says of itself; nothing if there is
    /// none that is alive.
    #[must_use]
    pub fn tokens_expire(&self) -> Option<Timestamp> {
        let pair = self.pair.as_ref().filter(|pair| pair.alive)?;
        Some(pair.expires)
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
