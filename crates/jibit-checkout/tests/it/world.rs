//! A shop, its customers, its store and the gateway in one thread, with a clock that
//! jumps; and a death that may come before or after whatever the shop does.

use std::{
    future::{Future, poll_fn},
    net::{IpAddr, Ipv4Addr},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use jibit_checkout::{
    AccountKey, Applied, Backlog, CallbackUrl, Change, Checkout, CheckoutError, Code, Entry,
    Filter, Fulfilment, Happened, MemoryStore, NewOrder, Order, OrderNumber, Purchase, Started,
    State, Store, StoreError,
};
use jibit_client::{Client, Config, Secret, Timestamp, Transport, TransportError};
use jibit_sandbox::{Fate, Gateway, Settings};
use jibit_testkit::fakes::ManualClock;

/// Everything that outlives the shop's process.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) gateway: Arc<Mutex<Gateway>>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) death: Death,
    /// What the shop's processes told.
    pub(crate) told: Arc<Mutex<Vec<Happened>>>,
    seed: Arc<AtomicUsize>,
    pub(crate) store_fails: Arc<Mutex<bool>>,
    /// How many inquiries are answered from here on, if not all.
    answered: Arc<Mutex<Option<usize>>>,
}

/// Counts what the shop's process does, and ends it at one of these.
#[derive(Clone, Default)]
pub(crate) struct Death {
    points: Arc<AtomicUsize>,
    /// At which point; 0 is never.
    at: Arc<AtomicUsize>,
}

impl Death {
    /// Dies at the `point`th from here.
    pub(crate) fn come_at(&self, point: usize) {
        self.points.store(0, SeqCst);
        self.at.store(point, SeqCst);
    }

    fn has_come(&self) -> bool {
        let at = self.at.load(SeqCst);
        at != 0 && self.points.load(SeqCst) >= at
    }

    /// A point at which the process may die: it never goes on then.
    async fn may_come(&self) {
        self.points.fetch_add(1, SeqCst);
        poll_fn(|_| match self.has_come() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }

    /// Does one thing that a death may come before or after.
    async fn around<T>(&self, thing: impl Future<Output = T>) -> T {
        self.may_come().await;
        let done = thing.await;
        self.may_come().await;
        done
    }
}

pub(crate) const BASE: &str = "http://127.0.0.1:8090";
pub(crate) const MOBILE: &str = "09121234567";

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self {
            clock: ManualClock::jumping(),
            gateway: Arc::new(Mutex::new(Gateway::new(settings))),
            store: Arc::new(MemoryStore::new()),
            death: Death::default(),
            told: Arc::default(),
            seed: Arc::default(),
            store_fails: Arc::default(),
            answered: Arc::default(),
        }
    }

    /// The same world, in which the shop has this store.
    pub(crate) fn with_store(self, store: MemoryStore) -> Self {
        Self {
            store: Arc::new(store),
            ..self
        }
    }

    /// Runs what a process of the shop does; nothing if it died over it.
    pub(crate) fn process<'a, T, F>(&self, work: impl FnOnce(Checkout) -> F) -> Option<T>
    where
        F: Future<Output = T> + 'a,
    {
        let ended = self.run(async { work(self.checkout().await).await });
        self.death.come_at(0);
        ended
    }

    /// Polls as long as something happens. Nothing here waits for anything but the
    /// clock, which jumps, and death.
    fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(ended) = work.as_mut().poll(&mut cx) {
                return Some(ended);
            }
            if self.death.has_come() {
                return None;
            }
        }
    }

    async fn checkout(&self) -> Checkout {
        self.checkout_at(BASE).await
    }

    pub(crate) async fn checkout_at(&self, base: &str) -> Checkout {
        let config = Config::new(base, "7746", Secret::new("123456"));
        let seed = self.seed.fetch_add(1, SeqCst) as u64;
        let client = Client::new(config, seed, self.clone(), self.clock.clone()).unwrap();
        let back = CallbackUrl::new("https://shop.example/back?basket=3#top").unwrap();
        let (clock, told) = (self.clock.clone(), Arc::clone(&self.told));
        Checkout::open(client, self.clone(), back)
            .await
            .unwrap()
            .timed_by(move || clock.now())
            .observed_by(move |what| told.lock().unwrap().push(what))
    }

    pub(crate) fn start(&self, number: &str) -> Result<Started, CheckoutError> {
        let purchase = purchase(number);
        self.process(|shop| async move { shop.start(purchase).await })
            .unwrap()
    }

    pub(crate) fn called(&self, query: &str) -> Option<jibit_checkout::Returned> {
        let called = self.process(|shop| async move { shop.handle_callback(query).await });
        called.unwrap().unwrap()
    }

    /// Reconciles by the clock: what comes due in `time` is asked about when it does.
    pub(crate) fn reconcile_for(&self, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.process(|shop| async move { shop.reconcile().await })
                .unwrap()
                .unwrap();
            self.clock.advance(Duration::from_secs(15));
        }
    }

    /// Strikes requests by this plan, and answers only so many inquiries.
    pub(crate) fn trouble(&self, plan: &str, answered: impl Into<Option<usize>>) {
        let now = self.clock.now();
        self.gateway().arm(plan.parse().unwrap(), now);
        *self.answered.lock().unwrap() = answered.into();
    }

    /// All is well again.
    pub(crate) fn heal(&self) {
        self.trouble("", None);
    }

    fn is_answered(&self, request: &Request<Bytes>) -> bool {
        if !request.uri().path().starts_with("/order/inquiry/") {
            return true;
        }
        match &mut *self.answered.lock().unwrap() {
            Some(0) => false,
            Some(more) => {
                *more -= 1;
                true
            }
            None => true,
        }
    }

    pub(crate) fn gateway(&self) -> MutexGuard<'_, Gateway> {
        self.gateway.lock().unwrap()
    }

    pub(crate) fn order(&self, number: &str) -> Order {
        self.stored(number).unwrap()
    }

    pub(crate) fn stored(&self, number: &str) -> Option<Order> {
        let number = number.parse().unwrap();
        let order = self.store.order(&account(), &number).now_or_never();
        order.unwrap().unwrap()
    }

    /// The gateway's identifier of an attempt.
    pub(crate) fn id(&self, number: &str, attempt: u32) -> String {
        let order = self.order(number);
        let id = order.attempt(attempt).unwrap().order_id.clone();
        id.unwrap().to_string()
    }

    pub(crate) fn pay(&self, id: &str) {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.gateway().pay(id, ip, self.clock.now()).unwrap();
    }

    /// What the browser would bring back from this attempt.
    pub(crate) fn query(&self, number: &str, attempt: u32) -> String {
        let id = self.id(number, attempt);
        let gateway = self.gateway();
        let url = gateway.order(&id).unwrap().return_url();
        let (_, query) = url.split_once('?').unwrap();
        query.split('#').next().unwrap().to_owned()
    }

    /// Hands out everything that is to be fulfilled, and marks it.
    pub(crate) fn fulfil(&self) -> Vec<String> {
        let fulfilled = self.process(|shop| async move {
            let paid = shop
                .fulfilments(100, Duration::from_secs(60))
                .await
                .unwrap();
            for paid in &paid {
                assert!(shop.fulfilled(&paid.number).await.unwrap());
            }
            paid
        });
        let names = fulfilled.unwrap().into_iter();
        names.map(|paid| paid.number.to_string()).collect()
    }

    pub(crate) fn state(&self, number: &str, attempt: u32) -> State {
        self.order(number).attempt(attempt).unwrap().state
    }

    pub(crate) fn told(&self, what: Happened) -> usize {
        let told = self.told.lock().unwrap();
        told.iter().filter(|told| **told == what).count()
    }

    /// What must be stored before these bytes leave (S5, S7).
    fn check_intent(&self, request: &Request<Bytes>) {
        let (account, all) = (account(), Filter::default());
        let orders = self.store.orders(&account, &all, 100);
        let orders = orders.now_or_never().unwrap().unwrap();
        let mut attempts = orders.iter().flat_map(|order| &order.attempts);
        let path = request.uri().path();
        match path.strip_prefix("/order/verify/") {
            None if path == "/order/initiate" => {
                let body = String::from_utf8_lossy(request.body()).into_owned();
                let of = attempts.find(|attempt| body.contains(&attempt.code.to_string()));
                assert_eq!(of.map(|it| it.state), Some(State::Initiating), "{body}");
            }
            Some(id) => {
                let of = attempts
                    .find(|it| it.order_id.as_ref().is_some_and(|it| it.as_str() == id))
                    .unwrap();
                assert_eq!((of.state, of.slot), (State::VerifyIntent, true));
            }
            None => {}
        }
    }
}

pub(crate) fn account() -> AccountKey {
    AccountKey::stored(format!("7746@{BASE}"))
}

pub(crate) fn purchase(number: &str) -> Purchase {
    let number: OrderNumber = number.parse().unwrap();
    Purchase::new(number, "125000".parse().unwrap(), MOBILE.parse().unwrap()).unwrap()
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.check_intent(&request);
        let answered = self.is_answered(&request);
        let answer = self.death.around(async {
            let now = self.clock.now();
            self.gateway().handle(request, now)
        });
        let answer = answer.await;
        if !answered {
            return Err(TransportError::unknown("nothing comes"));
        }
        match answer.fate {
            Fate::Deliver => Ok(answer.response),
            Fate::Delay(time) => {
                self.clock.advance(time);
                Ok(answer.response)
            }
            fate => Err(TransportError::unknown(format!("{fate:?}"))),
        }
    }
}

impl World {
    async fn stored_by<T>(
        &self,
        work: Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + '_>>,
    ) -> Result<T, StoreError> {
        if *self.store_fails.lock().unwrap() {
            return Err(StoreError::new("the disk is full"));
        }
        self.death.around(work).await
    }
}

#[async_trait]
impl Store for World {
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError> {
        self.stored_by(self.store.open(order)).await
    }

    async fn order(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        self.stored_by(self.store.order(account, number)).await
    }

    async fn by_code(
        &self,
        account: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError> {
        self.stored_by(self.store.by_code(account, code)).await
    }

    async fn begin(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        attempt: &jibit_checkout::Attempt,
    ) -> Result<bool, StoreError> {
        self.stored_by(self.store.begin(account, number, attempt))
            .await
    }

    async fn apply(&self, change: &Change) -> Result<Applied, StoreError> {
        self.stored_by(self.store.apply(change)).await
    }

    async fn withdraw(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        self.stored_by(self.store.withdraw(account, number, at))
            .await
    }

    async fn claim(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError> {
        self.stored_by(self.store.claim(account, now, until, limit))
            .await
    }

    async fn take_fulfilments(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        self.stored_by(self.store.take_fulfilments(account, now, until, limit))
            .await
    }

    async fn fulfilled(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.stored_by(self.store.fulfilled(account, number, at))
            .await
    }

    async fn orders(
        &self,
        account: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        self.stored_by(self.store.orders(account, filter, limit))
            .await
    }

    async fn timeline(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Vec<Entry>, StoreError> {
        self.stored_by(self.store.timeline(account, number)).await
    }

    async fn backlog(&self, account: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError> {
        self.stored_by(self.store.backlog(account, now)).await
    }

    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        self.stored_by(self.store.accounts()).await
    }
}
