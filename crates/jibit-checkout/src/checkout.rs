//! Payments from start to fulfilment.

mod audit;
mod pursue;
mod reconcile;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jibit_client::Client;
use jibit_proto::{
    Callback, CallbackUrl, InvalidInput, Mobile, OrderId, RefId, Rial, Timestamp,
    wire::initiate::NewOrder as GatewayOrder,
};

use crate::{
    CheckoutError, CheckoutErrorKind, Happened, Observer,
    order::{AccountKey, Attempt, Code, Order, OrderNumber, Standing, State},
    rules::{Event, schedule},
    store::{Backlog, Entry, Filter, Fulfilment, NewOrder, Store, StoreError},
};

pub use audit::Audited;
pub use reconcile::{Due, NextCheck, Reconciled};

/// The parameter of the callback URL that carries an attempt's code.
pub const CODE_PARAMETER: &str = "attempt";

/// An attempt that is younger than this is given out again when its customer
/// starts again: the page behind it still takes the payment.
const YOUNG: Duration = Duration::from_secs(10 * 60);

/// How many attempts an order may have: each is asked about before another captures.
const MAX_ATTEMPTS: usize = 100;

/// How long whoever asks about an attempt has it for himself: longer than a look
/// and a capture take with the client's usual deadlines, and short enough that
/// somebody else is in time if he dies.
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// How often a decision is made anew because somebody else changed the order.
const PATIENCE: usize = 16;

/// Takes payments for orders, and remembers them. Clones are the same checkout.
#[derive(Clone)]
pub struct Checkout {
    client: Client,
    store: Arc<dyn Store>,
    account: AccountKey,
    callback_url: CallbackUrl,
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    observer: Option<Arc<dyn Observer>>,
}

/// What a customer is to pay.
#[derive(Clone, Debug)]
pub struct Purchase {
    number: OrderNumber,
    amount: Rial,
    customer: Mobile,
    description: Option<String>,
    terms: Option<String>,
}

impl Purchase {
    /// The order with this number of the shop's, for this amount, to be paid by the
    /// customer with this mobile number.
    ///
    /// # Errors
    ///
    /// If the amount is 0.
    pub fn new(number: OrderNumber, amount: Rial, customer: Mobile) -> Result<Self, InvalidInput> {
        if amount.get() == 0 {
            return Err(InvalidInput::new(
                "amount",
                "is 0",
                "give an amount of 1 Rial or more",
            ));
        }
        Ok(Self {
            number,
            amount,
            customer,
            description: None,
            terms: None,
        })
    }

    /// Text that the customer sees on the gateway's page.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// What else the order is about, in a form of the shop's own, such as a digest of
    /// its basket: it is stored with the order, and whoever starts the order again
    /// with another is refused by [`OtherTerms`](CheckoutErrorKind::OtherTerms).
    #[must_use]
    pub fn terms(mut self, text: impl Into<String>) -> Self {
        self.terms = Some(text.into());
        self
    }
}

/// Where a customer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// Send the customer's browser there.
    pub redirect_url: String,
    /// Which attempt of the order it is.
    pub attempt: u32,
}

/// What to show a customer who came back: what the store says, whatever the
/// browser said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Returned {
    /// The shop's order.
    pub number: OrderNumber,
    /// What it costs.
    pub amount: Rial,
    /// What it comes to.
    pub standing: Standing,
    /// The gateway's reference, if it is paid and the gateway gave one.
    pub ref_id: Option<RefId>,
}

impl Returned {
    fn of(order: &Order) -> Self {
        let mut attempts = order.attempts.iter();
        let paid = attempts.find(|attempt| attempt.state == State::Paid);
        Self {
            number: order.number.clone(),
            amount: order.amount,
            standing: order.standing(),
            ref_id: paid.and_then(|attempt| attempt.ref_id.clone()),
        }
    }
}

impl Checkout {
    /// A checkout over this client and this store. Customers come back to
    /// `callback_url`, with the attempt's code in its query.
    ///
    /// It writes one warning if the store holds other accounts' orders, such as a
    /// sandbox's: they are neither seen nor fulfilled.
    ///
    /// # Errors
    ///
    /// If the store does not work, or the URL is too long to carry a code.
    pub async fn open(
        client: Client,
        store: impl Store + 'static,
        callback_url: CallbackUrl,
    ) -> Result<Self, CheckoutError> {
        let account = AccountKey::from(client.account());
        with_code(&callback_url, Code::new(0))?;
        let accounts = store.accounts().await?;
        let others = accounts.iter().filter(|other| **other != account);
        let others: Vec<_> = others.map(AccountKey::as_str).collect();
        if !others.is_empty() {
            tracing::warn!(
                account = account.as_str(),
                others = others.join(", "),
                "the store also holds orders of other accounts; they are left alone"
            );
        }
        Ok(Self {
            client,
            store: Arc::new(store),
            account,
            callback_url,
            wall: Arc::new(wall_time),
            observer: None,
        })
    }

    /// Has `observer` told what happens.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Reads the time that rows are written with by `wall` instead of the system's
    /// clock: for tests.
    #[must_use]
    pub fn timed_by(mut self, wall: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.wall = Arc::new(wall);
        self
    }

    /// Whose orders it sees.
    #[must_use]
    pub const fn account(&self) -> &AccountKey {
        &self.account
    }

    /// The client that it asks with.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Stores the order if it is new, and gives out where to pay for it. Whoever
    /// starts an order again within ten minutes gets the same page again.
    ///
    /// # Errors
    ///
    /// [`AlreadyPaid`](CheckoutErrorKind::AlreadyPaid),
    /// [`Settling`](CheckoutErrorKind::Settling),
    /// [`Withdrawn`](CheckoutErrorKind::Withdrawn) and
    /// [`OtherAmount`](CheckoutErrorKind::OtherAmount) and
    /// [`OtherTerms`](CheckoutErrorKind::OtherTerms) say how the order stands;
    /// [`Gateway`](CheckoutErrorKind::Gateway) and [`Store`](CheckoutErrorKind::Store)
    /// that nobody was sent to pay: start it again.
    pub async fn start(&self, purchase: Purchase) -> Result<Started, CheckoutError> {
        let new = NewOrder {
            account: self.account.clone(),
            number: purchase.number.clone(),
            amount: purchase.amount,
            terms: purchase.terms.clone(),
            created_at: self.now(),
        };
        let mut order = self.stored(self.store.open(&new).await)?;
        for _ in 0..PATIENCE {
            self.may_start(&order, &purchase)?;
            if let Some(started) = self.young(&order, &purchase.customer) {
                return Ok(started);
            }
            let attempt = self.new_attempt(&order, &purchase.customer)?;
            let begun = self
                .store
                .begin(&self.account, &order.number, &attempt)
                .await;
            if self.stored(begun)? {
                let number = attempt.number;
                order.attempts.push(attempt);
                return self.initiate(order, number, purchase).await;
            }
            order = self.order(&order.number).await?;
        }
        Err(CheckoutErrorKind::Contended.into())
    }

    fn may_start(&self, order: &Order, purchase: &Purchase) -> Result<(), CheckoutErrorKind> {
        if order.amount != purchase.amount {
            return Err(CheckoutErrorKind::OtherAmount);
        }
        if order.terms.is_some() && order.terms != purchase.terms {
            return Err(CheckoutErrorKind::OtherTerms);
        }
        refusal(order)?;
        if order.withdrawn_at.is_some() {
            return Err(CheckoutErrorKind::Withdrawn);
        }
        if order.attempts.len() >= MAX_ATTEMPTS {
            return Err(CheckoutErrorKind::TooManyAttempts);
        }
        Ok(())
    }

    /// The latest attempt, if the customer can still pay it.
    fn young(&self, order: &Order, customer: &Mobile) -> Option<Started> {
        let attempt = order.attempts.last()?;
        let is_young = attempt.state == State::Open
            && attempt.paid_at.is_none()
            && attempt.mobile_end == customer.last_four()
            && self.now().since(attempt.created_at) < YOUNG;
        let redirect_url = attempt.redirect_url.clone().filter(|_| is_young)?;
        Some(Started {
            redirect_url,
            attempt: attempt.number,
        })
    }

    fn new_attempt(&self, order: &Order, customer: &Mobile) -> Result<Attempt, CheckoutError> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|error| StoreError::new(error.to_string()))?;
        let now = self.now();
        Ok(Attempt {
            number: order.attempts.last().map_or(1, |last| last.number + 1),
            code: Code::new(u128::from_le_bytes(bits)),
            state: State::Initiating,
            slot: false,
            order_id: None,
            redirect_url: None,
            mobile_end: customer.last_four().to_owned(),
            created_at: now,
            paid_at: None,
            seen_at: None,
            seen: None,
            asked_at: None,
            next_ask: Some(now + schedule::INITIATE),
            ref_id: None,
            alarms: Default::default(),
            version: 0,
        })
    }

    async fn initiate(
        &self,
        order: Order,
        number: u32,
        purchase: Purchase,
    ) -> Result<Started, CheckoutError> {
        let code = order.attempt(number).map(|attempt| attempt.code);
        let callback_url = with_code(&self.callback_url, code.unwrap_or(Code::new(0)))?;
        let id = order.merchant_order_id(number)?;
        let mut asked = GatewayOrder::new(order.amount, callback_url, purchase.customer, id)?;
        if let Some(text) = purchase.description {
            asked = asked.description(text);
        }
        let answer = self.client.initiate(asked).await;
        if answer.is_err() {
            self.tell(Happened::NotInitiated);
        }
        let order = self
            .settle_event(order, number, Event::Initiated(answer.as_ref()))
            .await?;
        answer?;
        let attempt = order.attempt(number);
        let attempt = attempt.filter(|attempt| attempt.state == State::Open);
        let Some(redirect_url) = attempt.and_then(|attempt| attempt.redirect_url.clone()) else {
            // It took so long that the attempt was given up, or its orderId is not its own.
            return Err(CheckoutErrorKind::Contended.into());
        };
        self.tell(Happened::Started);
        Ok(Started {
            redirect_url,
            attempt: number,
        })
    }

    /// Takes the query that a customer's browser came back with, without its `?`,
    /// or the body of its form. It believes none of it: it looks the attempt up by
    /// its code, asks the gateway if nobody has just done so, and says what the
    /// store then says. Nothing if the code is none of ours.
    ///
    /// It may take as long as the client's calls. Dropping the future does no harm:
    /// the attempt is asked about again.
    ///
    /// # Errors
    ///
    /// If the store does not work: say "we are still asking".
    pub async fn handle_callback(&self, query: &str) -> Result<Option<Returned>, CheckoutError> {
        let Some((mut order, attempt)) = self.called(query).await? else {
            self.tell(Happened::Strange);
            return Ok(None);
        };
        self.tell(Happened::Called);
        if let Ok(callback) = Callback::from_query(query) {
            let stranger = Event::Stranger(callback.order_id());
            order = self.settle_event(order, attempt, stranger).await?;
        }
        order = self
            .settle_event(order, attempt, Event::Called(LEASE))
            .await?;
        Ok(Some(Returned::of(&order)))
    }

    /// What the store says now about the order of a callback's query, and nobody is
    /// asked: for a customer who has waited long enough.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn peek(&self, query: &str) -> Result<Option<Returned>, CheckoutError> {
        let found = self.called(query).await?;
        Ok(found.map(|(order, _)| Returned::of(&order)))
    }

    /// The order and the attempt that a callback's code stands for.
    async fn called(&self, query: &str) -> Result<Option<(Order, u32)>, CheckoutError> {
        let Some(code) = code_in(query) else {
            return Ok(None);
        };
        let found = self.store.by_code(&self.account, code).await;
        let Some((number, attempt)) = self.stored(found)? else {
            return Ok(None);
        };
        Ok(Some((self.order(&number).await?, attempt)))
    }

    /// Takes an order back, for instance to release its stock: from then on no
    /// attempt captures money for it, and whoever pays gets the money back from the
    /// gateway. The only safe way.
    ///
    /// # Errors
    ///
    /// [`AlreadyPaid`](CheckoutErrorKind::AlreadyPaid) and
    /// [`Settling`](CheckoutErrorKind::Settling): it is too late, nothing changed.
    pub async fn withdraw(&self, number: &OrderNumber) -> Result<(), CheckoutError> {
        let withdrawn = self.store.withdraw(&self.account, number, self.now()).await;
        let order = self
            .stored(withdrawn)?
            .ok_or(CheckoutErrorKind::NoSuchOrder)?;
        refusal(&order)?;
        if order.withdrawn_at.is_none() {
            return Err(CheckoutErrorKind::Contended.into());
        }
        Ok(())
    }

    /// Takes paid orders that nobody has fulfilled, at most `limit`, the oldest
    /// first; nobody else gets them for as long as `lease`. Fulfil each, then say so
    /// with [`fulfilled`](Self::fulfilled): an order is handed out until then, so at
    /// least once, and its number is the key by which to know it again.
    ///
    /// # Errors
    ///
    /// If the store does not work; some may be held all the same, for `lease`.
    pub async fn fulfilments(
        &self,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<Fulfilment>, CheckoutError> {
        let now = self.now();
        let taken = self
            .store
            .take_fulfilments(&self.account, now, now + lease, limit)
            .await;
        self.stored(taken)
    }

    /// Marks an order as fulfilled. Says whether it was not before.
    ///
    /// # Errors
    ///
    /// If the store does not work; it may be marked all the same.
    pub async fn fulfilled(&self, number: &OrderNumber) -> Result<bool, CheckoutError> {
        let marked = self
            .store
            .fulfilled(&self.account, number, self.now())
            .await;
        self.stored(marked)
    }

    /// A person says that the attempt is the gateway's order of this id: one that
    /// never got an orderId, or another one (alarm `unknown-order`), or one that is
    /// quarantined. The gateway is asked, and what it says counts.
    ///
    /// # Errors
    ///
    /// [`NothingToDecide`](CheckoutErrorKind::NothingToDecide) if the order's slot is
    /// taken, it is withdrawn, or another attempt has this orderId.
    pub async fn adopt(
        &self,
        number: &OrderNumber,
        attempt: u32,
        id: &OrderId,
    ) -> Result<Order, CheckoutError> {
        self.decided(number, attempt, Event::Adopted(id)).await
    }

    /// A person says that the order may be paid by another attempt than this
    /// quarantined one.
    ///
    /// # Errors
    ///
    /// [`NothingToDecide`](CheckoutErrorKind::NothingToDecide) if it is not quarantined.
    pub async fn release(
        &self,
        number: &OrderNumber,
        attempt: u32,
    ) -> Result<Order, CheckoutError> {
        self.decided(number, attempt, Event::Released).await
    }

    async fn decided(
        &self,
        number: &OrderNumber,
        attempt: u32,
        event: Event<'_>,
    ) -> Result<Order, CheckoutError> {
        let order = self.order(number).await?;
        let version = |order: &Order| order.attempt(attempt).map(|attempt| attempt.version);
        let before = version(&order).ok_or(CheckoutErrorKind::NoSuchOrder)?;
        let order = self.settle_event(order, attempt, event).await?;
        if version(&order) == Some(before) {
            return Err(CheckoutErrorKind::NothingToDecide.into());
        }
        Ok(order)
    }

    /// The order of this number.
    ///
    /// # Errors
    ///
    /// [`NoSuchOrder`](CheckoutErrorKind::NoSuchOrder) if this account has none.
    pub async fn order(&self, number: &OrderNumber) -> Result<Order, CheckoutError> {
        let order = self.store.order(&self.account, number).await;
        self.stored(order)?
            .ok_or_else(|| CheckoutErrorKind::NoSuchOrder.into())
    }

    /// The orders that a filter lets through, the latest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn orders(&self, filter: &Filter, limit: usize) -> Result<Vec<Order>, CheckoutError> {
        self.stored(self.store.orders(&self.account, filter, limit).await)
    }

    /// What happened to an order, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn timeline(&self, number: &OrderNumber) -> Result<Vec<Entry>, CheckoutError> {
        self.stored(self.store.timeline(&self.account, number).await)
    }

    /// What waits, counted.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn backlog(&self) -> Result<Backlog, CheckoutError> {
        self.stored(self.store.backlog(&self.account, self.now()).await)
    }

    fn now(&self) -> Timestamp {
        (self.wall)()
    }

    fn tell(&self, what: Happened) {
        if let Some(observer) = &self.observer {
            observer.happened(what);
        }
    }

    /// What the store said, and its failures told.
    fn stored<T>(&self, outcome: Result<T, StoreError>) -> Result<T, CheckoutError> {
        outcome.map_err(|error| {
            self.tell(Happened::StoreFailed);
            error.into()
        })
    }
}

/// Why an order can neither be begun nor withdrawn, if its slot is taken.
fn refusal(order: &Order) -> Result<(), CheckoutErrorKind> {
    match order.slot_holder().map(|holder| holder.state) {
        None => Ok(()),
        Some(State::Paid) => Err(CheckoutErrorKind::AlreadyPaid),
        Some(_) => Err(CheckoutErrorKind::Settling),
    }
}

fn wall_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::default() + since.unwrap_or_default()
}

/// The shop's callback URL with a code in its query.
fn with_code(url: &CallbackUrl, code: Code) -> Result<CallbackUrl, InvalidInput> {
    let (url, fragment) = match url.as_str().split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (url.as_str(), None),
    };
    let joint = if url.contains('?') { '&' } else { '?' };
    let mut url = format!("{url}{joint}{CODE_PARAMETER}={code}");
    if let Some(fragment) = fragment {
        url = format!("{url}#{fragment}");
    }
    CallbackUrl::new(&url)
}

/// The one code in a callback's query.
fn code_in(query: &str) -> Option<Code> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let mut codes = pairs.filter(|(name, _)| name == CODE_PARAMETER);
    let (_, code) = codes.next()?;
    codes.next().is_none().then(|| code.parse().ok()).flatten()
}

impl fmt::Debug for Checkout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkout")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
