mod api;
mod audit;
mod book;
mod control;
mod dashboard;
mod guard;
mod html;
mod ids;
mod journal;
mod orders;
mod page;
mod refusal;
mod tokens;

use std::{collections::HashMap, fmt, net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use jibit_proto::Timestamp;

pub use book::{Account, Book};
pub use journal::JournalEntry;
pub use orders::{Order, State};
pub use refusal::Refusal;

pub(crate) use api::refuse;
#[cfg(feature = "server")]
pub(crate) use dashboard::Seen;

use crate::{
    Effect, Fate, Fault, FaultPlan, Operation, Phase, Quirk, Returning, Settings,
    fault::{Faults, Mischief, Struck},
    scenario::Scenario,
};
use ids::Ids;
use journal::{Asked, Journal};
use orders::Orders;
use tokens::Tokens;

/// Who sent a request, as an extension of it; loopback if it is not there.
#[derive(Clone, Copy, Debug)]
pub struct ClientIp(pub IpAddr);

/// An answer, and what the wire does with it.
#[derive(Debug)]
pub struct Answer {
    /// What the gateway says.
    pub response: Response<Bytes>,
    /// What becomes of it.
    pub fate: Fate,
}

/// The gateway, without a socket and without a clock.
///
/// The same requests at the same times from the same seed get the same answers.
///
/// ```
/// use jibit_proto::Timestamp;
/// use jibit_sandbox::{Gateway, Settings};
///
/// let mut gateway = Gateway::new(Settings::default());
/// let login = http::Request::post("/authenticate")
///     .header("content-type", "application/json")
///     .body(r#"{"username": "7746", "password": "123456"}"#.into())?;
/// let answer = gateway.handle(login, Timestamp::from_unix_millis(1_800_000_000_000));
/// assert!(answer.response.body().starts_with(br#"{"errorCode":0,"result":{"token":"#));
/// # Ok::<(), http::Error>(())
/// ```
pub struct Gateway {
    settings: Settings,
    public_url: String,
    /// How far the virtual clock is ahead of the caller's.
    ahead: Duration,
    tokens: Tokens,
    orders: Orders,
    book: Book,
    ids: Ids,
    faults: Faults,
    /// How often orders of reserved numbers were asked for.
    asked: HashMap<(String, Operation), u64>,
    arrived: HashMap<Operation, u64>,
    journal: Journal,
}

impl Gateway {
    /// A gateway that nobody has used yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let seed = settings.seed.unwrap_or_default();
        Self {
            public_url: settings
                .public_url
                .as_deref()
                .unwrap_or("http://127.0.0.1:8090")
                .trim_end_matches('/')
                .to_owned(),
            ahead: Duration::ZERO,
            tokens: Tokens::new(seed, settings.token_life, settings.refresh_life),
            orders: Orders::new(&settings),
            book: Book::new(settings.wallet_balance),
            ids: Ids::new(seed),
            faults: Faults::default(),
            asked: HashMap::new(),
            arrived: HashMap::new(),
            journal: Journal::default(),
            settings,
        }
    }

    /// Handles one request at `now`: the five operations, the pages at
    /// `/order/{orderId}` and the controls under `/_sandbox/`.
    pub fn handle(&mut self, request: Request<Bytes>, now: Timestamp) -> Answer {
        let asked = Operation::of(&request).map(|_| Asked::of(&request));
        let answer = self.answer(request, now);
        self.check();
        if let Some(asked) = asked {
            let now = self.now(now);
            self.journal
                .note(asked, &answer.response, &answer.fate, now);
        }
        answer
    }

    /// The last thousand exchanges with the five operations, the oldest first.
    pub fn journal(&self) -> impl Iterator<Item = &JournalEntry> {
        self.journal.entries()
    }

    /// Forgets everything: orders, money, tokens, faults, journal, and the time
    /// that was added to the clock.
    pub fn reset(&mut self) {
        *self = Self::new(self.settings.clone());
    }

    fn answer(&mut self, request: Request<Bytes>, now: Timestamp) -> Answer {
        let Some(operation) = Operation::of(&request) else {
            return self.elsewhere(&request, now);
        };
        *self.arrived.entry(operation).or_default() += 1;
        let virtual_now = self.now(now);
        let struck = self
            .faults
            .take(operation, virtual_now)
            .or_else(|| self.scenario(operation, &request));
        if let Some(Struck::Planned(_, Mischief::Revoke)) = struck {
            self.tokens.revoke();
        }
        let handled = match &struck {
            None => true,
            Some(Struck::Once(phase, _)) => *phase != Phase::Before,
            Some(Struck::Planned(phase, mischief)) => mischief.is_handled(*phase),
        };
        let mut response = Response::default();
        if handled {
            let now = self.catch_up(now);
            response = api::answer(self, operation, &request, now);
            if let Some(Struck::Planned(_, Mischief::VerifiedAgain)) = struck {
                response = api::verified_again(self, &request, response);
            }
        }
        let (response, fate) = match struck {
            None => (response, Fate::Deliver),
            Some(Struck::Once(_, Effect::Wire(fate))) => (response, fate),
            Some(Struck::Once(_, Effect::Answer(other))) => (other, Fate::Deliver),
            Some(Struck::Planned(phase, mischief)) => {
                let elsewhere = format!("{}{}?moved", self.public_url, request.uri().path());
                mischief.strike(phase, response, &elsewhere, virtual_now)
            }
        };
        Answer { response, fate }
    }

    /// What strikes a request about an order whose customer has a reserved number.
    fn scenario(&mut self, operation: Operation, request: &Request<Bytes>) -> Option<Struck> {
        let (_, id) = request.uri().path().rsplit_once('/')?;
        let order = self.orders.get(id).ok()?;
        let scenario = Scenario::of(order.asked.user_identity)?;
        let amount = order.amount();
        let asked = self.asked.entry((id.to_owned(), operation)).or_default();
        let earlier = std::mem::replace(asked, *asked + 1);
        let (phase, mischief) = scenario.strikes(operation, earlier, amount)?;
        Some(Struck::Planned(phase, mischief))
    }

    fn elsewhere(&mut self, request: &Request<Bytes>, now: Timestamp) -> Answer {
        let path = request.uri().path();
        let mut fate = Fate::Deliver;
        let response = if let Some(asset) = html::asset(request) {
            asset
        } else if path == "/_sandbox" {
            html::see_other("/_sandbox/".to_owned())
        } else if let Some(path) = path.strip_prefix("/_sandbox/") {
            match guard::controls(&self.settings, request) {
                Err(refusal) => guard::refuse(refusal),
                Ok(()) => {
                    if path == "events" && request.method() == Method::GET {
                        fate = Fate::Live;
                    }
                    control::answer(self, path, request, now)
                }
            }
        } else if let Some(path) = path.strip_prefix("/order/") {
            page::answer(self, path, request, now)
        } else {
            api::refuse(Refusal::NoSuchPath)
        };
        Answer { response, fate }
    }

    /// Sets a fault for the next request of its operation.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.add(fault);
    }

    /// Strikes requests by this plan from here on, in place of the one before; a
    /// plan without rules strikes none.
    pub fn arm(&mut self, plan: FaultPlan, now: Timestamp) {
        let now = self.now(now);
        self.faults.arm(plan, now);
    }

    /// The plan by which requests are struck.
    #[must_use]
    pub const fn plan(&self) -> &FaultPlan {
        self.faults.plan()
    }

    /// Puts the virtual clock forward: tokens, orders, windows and refunds follow.
    pub fn advance(&mut self, by: Duration) {
        self.ahead = self.ahead.saturating_add(by);
    }

    /// The virtual time when the caller's clock says `now`.
    #[must_use]
    pub fn now(&self, now: Timestamp) -> Timestamp {
        now + self.ahead
    }

    /// What the page's button "pay" does.
    ///
    /// # Errors
    ///
    /// If there is no such order, or it was paid or cancelled before, or the
    /// wallet holds too little. Nothing changes then.
    pub fn pay(&mut self, order: &str, from: IpAddr, now: Timestamp) -> Result<&Order, Refusal> {
        let now = self.catch_up(now);
        self.orders
            .pay(order, from, &mut self.book, &mut self.ids, now)?;
        self.check();
        self.orders.get(order)
    }

    /// What the page's button "cancel" does.
    ///
    /// # Errors
    ///
    /// If there is no such order, or it was paid or cancelled before.
    pub fn cancel(&mut self, order: &str, now: Timestamp) -> Result<&Order, Refusal> {
        self.catch_up(now);
        self.orders.cancel(order)
    }

    /// Sets what a wallet holds, in Rial, and whether it is blocked.
    ///
    /// # Errors
    ///
    /// If that is no mobile number (`09` and nine digits), or if it would be one
    /// wallet more than orders may be kept.
    pub fn set_wallet(&mut self, mobile: &str, balance: u64, blocked: bool) -> Result<(), Refusal> {
        let mobile = mobile.parse()?;
        let wallets = self.book.wallets();
        if wallets.len() >= self.settings.max_orders && !wallets.contains_key(&mobile) {
            return Err(Refusal::Full);
        }
        self.book.set_wallet(mobile, balance, blocked);
        Ok(())
    }

    /// Has the customer's browser come back from this order in a way of its own.
    ///
    /// # Errors
    ///
    /// If there is no such order.
    pub fn set_returning(&mut self, order: &str, way: Returning) -> Result<&Order, Refusal> {
        self.orders.set_returning(order, way)
    }

    /// Ends an order's time at once: what was paid goes back to the customer.
    ///
    /// # Errors
    ///
    /// If there is no such order, or it was verified or cancelled before.
    pub fn expire(&mut self, order: &str, now: Timestamp) -> Result<&Order, Refusal> {
        self.catch_up(now);
        self.orders.run_out(order, &mut self.book)?;
        self.check();
        self.orders.get(order)
    }

    /// What opening the page does.
    fn enter(&mut self, order: &str, now: Timestamp) -> Result<&Order, Refusal> {
        self.catch_up(now);
        self.orders.enter(order)
    }

    /// An order as it was at the last request.
    #[must_use]
    pub fn order(&self, id: &str) -> Option<&Order> {
        self.orders.get(id).ok()
    }

    /// The money.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// How many requests of an operation have arrived, faults and all.
    #[must_use]
    pub fn arrived(&self, operation: Operation) -> u64 {
        self.arrived.get(&operation).copied().unwrap_or_default()
    }

    /// What is wrong with the money (S9), in words: it is nothing, unless the
    /// sandbox has a mistake of its own. Looks at every order.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        audit::violations(&self.book, self.orders.all())
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.settings.quirks.contains(&quirk)
    }

    /// Stops a debug build whose money is not in order.
    fn check(&self) {
        debug_assert_eq!(self.violations(), Vec::<String>::new(), "S9");
    }

    /// Does what time does, and says what time it is here.
    fn catch_up(&mut self, now: Timestamp) -> Timestamp {
        let now = self.now(now);
        self.orders.expire(&mut self.book, now);
        self.check();
        now
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

fn client_ip(request: &Request<Bytes>) -> IpAddr {
    (request.extensions().get::<ClientIp>()).map_or(IpAddr::from([127, 0, 0, 1]), |client| client.0)
}
