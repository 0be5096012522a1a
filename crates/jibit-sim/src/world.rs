//! What a history is played in: virtual time, the gateway, the store, the hosts, and
//! the steps at which these may die.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    future::{Future, poll_fn},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use fastrand::Rng;
use jibit_checkout::{AccountKey, Filter, MemoryStore, Order, Store as _};
use jibit_client::{Clock, Timestamp};
use jibit_sandbox::{Gateway, Operation};

use crate::{
    mistake::Mistake,
    plan::{Alteration, BASE, MERCHANT, Plan},
    rows::Rows,
    witness::{Payment, Witness},
};

pub(crate) const BEGIN: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

/// When a history ends: long enough for every attempt to come to its end, with
/// whatever window.
pub(crate) const END: Duration = Duration::from_secs(3 * 3600);

/// The shop's account at the gateway.
pub(crate) fn account() -> AccountKey {
    AccountKey::new(MERCHANT, BASE)
}

/// Polls what waits for nothing.
pub(crate) fn now<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Everything that a history is played in. Clones are the same world.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) dice: Rng,
    pub(crate) gateway: Gateway,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) witness: Witness,
    pub(crate) hosts: Vec<Host>,
    /// At which of all steps there are deaths.
    deaths: Vec<u64>,
    /// Hosts that died and are still to be buried.
    pub(crate) dying: Vec<usize>,
    /// When hosts died or came back, or faults struck.
    pub(crate) troubles: Vec<Timestamp>,
    /// How long a request is on its way, there and back.
    pub(crate) trip: Duration,
    /// Whether others may come in at each step, and what hosts see is noted.
    pub(crate) explored: bool,
    pub(crate) refused: u8,
    pub(crate) altered: Option<(Alteration, u8)>,
    /// What a careless shop would do.
    pub(crate) mistake: Option<Mistake>,
    /// For mistakes: what was last asked about an order without success.
    pub(crate) failed: BTreeMap<String, Operation>,
    pub(crate) timers: BinaryHeap<Reverse<(Timestamp, u64)>>,
    pub(crate) sleepers: Vec<(u64, Waker)>,
    next_timer: u64,
    /// What the store said is due, until it changes.
    due: Option<(Option<Timestamp>, bool)>,
    /// Who waits for the store to change.
    watchers: Vec<Waker>,
    hash: DefaultHasher,
    /// What happened, if somebody wants to read it.
    pub(crate) log: Option<Vec<String>>,
    pub(crate) counts: Counts,
}

/// What one machine of the shop's has.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) checkout: Option<jibit_checkout::Checkout>,
    /// How far its wall clock is off, in milliseconds.
    pub(crate) off: i64,
    pub(crate) lives: u64,
    /// How many steps it took.
    pub(crate) steps: u64,
    /// Of all that it has seen, for who explores.
    pub(crate) seen: u64,
    /// When it reaches nothing, from and to.
    pub(crate) cut_off: Option<(Timestamp, Timestamp)>,
}

/// Where a host may die: before or after it asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    Before(&'static str),
    After(&'static str),
}

/// What histories came to, in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) steps: u64,
    pub(crate) requests: u64,
    pub(crate) paid: u64,
    pub(crate) captured: u64,
    pub(crate) handed: u64,
    pub(crate) restored: u64,
    pub(crate) hung_up: u64,
    pub(crate) deaths: BTreeMap<Point, u64>,
    pub(crate) rows: Rows,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.requests += other.requests;
        self.paid += other.paid;
        self.captured += other.captured;
        self.handed += other.handed;
        self.restored += other.restored;
        self.hung_up += other.hung_up;
        for (point, deaths) in &other.deaths {
            *self.deaths.entry(*point).or_default() += deaths;
        }
        self.rows.add(&other.rows);
    }

    pub(crate) fn print(&self) {
        let deaths: u64 = self.deaths.values().sum();
        println!("  steps         {:>10}", self.steps);
        println!("  requests      {:>10}", self.requests);
        println!("  paid          {:>10}", self.paid);
        println!("  captured      {:>10}", self.captured);
        println!("  handed out    {:>10}", self.handed);
        println!("  hung up       {:>10}", self.hung_up);
        println!("  restored      {:>10}", self.restored);
        println!(
            "  deaths        {deaths:>10}  at {} points:",
            self.deaths.len()
        );
        for (point, deaths) in &self.deaths {
            let (when, what) = match point {
                Point::Before(what) => ("before", what),
                Point::After(what) => ("after", what),
            };
            println!("    {:<25}{deaths:>9}", format!("{when} {what}"));
        }
        self.rows.print();
    }
}

/// What a history came to.
pub(crate) struct Played {
    pub(crate) hash: u64,
    pub(crate) counts: Counts,
    pub(crate) violations: Vec<String>,
    pub(crate) transcript: Vec<String>,
}

impl State {
    /// Something is not as it should be just now.
    pub(crate) fn trouble(&mut self) {
        let now = self.now;
        if self.troubles.last() != Some(&now) {
            self.troubles.push(now);
        }
    }
}

impl World {
    pub(crate) fn new(plan: &Plan, mistake: Option<Mistake>, is_told: bool) -> Self {
        let mut hosts = Vec::new();
        hosts.resize_with(plan.hosts, Host::default);
        for (host, from, to) in plan.cut_off.iter().copied() {
            if let Some(host) = hosts.get_mut(host) {
                host.cut_off = Some((BEGIN + from, BEGIN + to));
            }
        }
        Self(Arc::new(Mutex::new(State {
            now: BEGIN,
            dice: Rng::with_seed(plan.seed ^ 0x5117),
            gateway: Gateway::new(plan.gateway.settings()),
            store: Arc::new(MemoryStore::new()),
            witness: Witness::default(),
            hosts,
            deaths: plan.deaths.clone(),
            dying: Vec::new(),
            troubles: Vec::new(),
            trip: Duration::from_millis(20),
            explored: false,
            refused: plan.refused,
            altered: plan.altered,
            mistake,
            failed: BTreeMap::new(),
            timers: BinaryHeap::new(),
            sleepers: Vec::new(),
            next_timer: 0,
            due: None,
            watchers: Vec::new(),
            hash: DefaultHasher::new(),
            log: is_told.then(Vec::new),
            counts: Counts::default(),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    pub(crate) fn makes(&self, mistake: Mistake) -> bool {
        self.state().mistake == Some(mistake)
    }

    /// All that is in the store.
    pub(crate) async fn orders(&self) -> Vec<Order> {
        let store = Arc::clone(&self.state().store);
        let all = store.orders(&account(), &Filter::default(), 100).await;
        all.unwrap_or_default()
    }

    /// When the first attempt is to be asked about, and whether an order's goods are
    /// still to be handed out.
    pub(crate) async fn due(&self) -> (Option<Timestamp>, bool) {
        let known = self.state().due;
        if let Some(known) = known {
            return known;
        }
        let orders = self.orders().await;
        let asks = orders.iter().flat_map(|order| &order.attempts);
        let next = asks.filter_map(|attempt| attempt.next_ask).min();
        let (store, now) = {
            let state = self.state();
            (Arc::clone(&state.store), state.now)
        };
        let backlog = store.backlog(&account(), now).await;
        let is_paid = backlog.is_ok_and(|backlog| backlog.unfulfilled > 0);
        self.state().due = Some((next, is_paid));
        (next, is_paid)
    }

    /// Somebody pays at this page: what his browser comes back with. The gateway gives
    /// the money back `window` after `since`, or after now.
    pub(crate) fn pay(
        &self,
        page: &str,
        window: Duration,
        since: Option<Timestamp>,
    ) -> Option<String> {
        let mut state = self.state();
        let at = state.now;
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let back = state.gateway.pay(page, from, at).ok()?.return_url();
        let until = since.unwrap_or(at) + window;
        let payment = Payment { at, until };
        state.witness.payments.insert(page.to_owned(), payment);
        Some(back)
    }

    /// Ends all that is in it, for the checkouts hold the world that holds them.
    pub(crate) fn end(&self) -> Played {
        let mut state = self.state();
        let hosts = std::mem::take(&mut state.hosts);
        let played = Played {
            hash: state.hash.finish(),
            counts: std::mem::take(&mut state.counts),
            violations: std::mem::take(&mut state.witness.violations),
            transcript: state.log.take().unwrap_or_default(),
        };
        drop(state);
        drop(hosts);
        played
    }

    /// What of the store decides what hosts do next, in words.
    pub(crate) fn store_in_words(&self) -> String {
        let orders = now(self.orders());
        let state = self.state();
        let backlog = now(state.store.backlog(&account(), state.now));
        format!("{orders:?} {backlog:?}")
    }

    /// The same of the gateway.
    pub(crate) fn gateway_in_words(&self) -> String {
        let state = self.state();
        let payments = state.witness.payments.keys();
        let states: Vec<_> = payments
            .map(|id| state.gateway.order(id).map(|order| order.state()))
            .collect();
        format!("{states:?}")
    }

    /// If this is explored, notes what a host is about to see: with all of it, what it
    /// does next is settled.
    pub(crate) fn sees(&self, host: usize, operation: &str, part: fn(&Self) -> String) {
        if !self.state().explored {
            return;
        }
        let part = part(self);
        if let Some(host) = self.state().hosts.get_mut(host) {
            let mut hash = DefaultHasher::new();
            (host.seen, operation, part).hash(&mut hash);
            host.seen = hash.finish();
        }
    }

    /// Notes what happened: `who` and `what` go into the history's hash, and with
    /// `more` into its transcript.
    pub(crate) fn note(&self, who: usize, what: &'static str, more: impl FnOnce() -> String) {
        let mut state = self.state();
        let at = state.now;
        (at.as_unix_millis(), who, what).hash(&mut state.hash);
        if let Some(log) = &mut state.log {
            let ms = at.since(BEGIN).as_millis();
            let who = if who == NOBODY {
                "        ".to_owned()
            } else {
                format!("host {who:<3}")
            };
            log.push(format!(
                "{:>9}.{:03} {who} {what} {}",
                ms / 1000,
                ms % 1000,
                more()
            ));
        }
    }

    /// Ends when it is `until`.
    pub(crate) async fn sleep_until(&self, until: Timestamp) {
        let mut slot = None;
        poll_fn(|cx| {
            let mut state = self.state();
            if state.now >= until {
                return Poll::Ready(());
            }
            let id = *slot.get_or_insert_with(|| {
                state.next_timer += 1;
                let id = state.next_timer;
                state.timers.push(Reverse((until, id)));
                id
            });
            match state.sleepers.iter_mut().find(|(other, _)| *other == id) {
                Some((_, waker)) => waker.clone_from(cx.waker()),
                None => state.sleepers.push((id, cx.waker().clone())),
            }
            Poll::Pending
        })
        .await;
    }

    pub(crate) async fn sleep(&self, pause: Duration) {
        let until = self.now() + pause;
        self.sleep_until(until).await;
    }

    /// Ends when the store changed, or when it is `until`.
    pub(crate) async fn change_or(&self, until: Timestamp) {
        let mut watched = false;
        let mut sleep = pin!(self.sleep_until(until));
        poll_fn(|cx| {
            if std::mem::replace(&mut watched, true) {
                return Poll::Ready(());
            }
            self.state().watchers.push(cx.waker().clone());
            sleep.as_mut().poll(cx)
        })
        .await;
    }

    pub(crate) fn changed(&self) {
        let watchers = {
            let mut state = self.state();
            state.due = None;
            std::mem::take(&mut state.watchers)
        };
        watchers.into_iter().for_each(Waker::wake);
    }

    /// Ends a host at once.
    pub(crate) fn kill(&self, host: usize) {
        self.state().dying.push(host);
    }

    /// A step of a host: others may come in between, and it may die here.
    pub(crate) async fn step(&self, host: usize, point: Point) {
        let mut is_first = true;
        poll_fn(|cx| {
            let mut state = self.state();
            if std::mem::take(&mut is_first) {
                state.counts.steps += 1;
                if let Some(host) = state.hosts.get_mut(host) {
                    host.steps += 1;
                }
                let step = state.counts.steps;
                if state.deaths.contains(&step) {
                    *state.counts.deaths.entry(point).or_default() += 1;
                    state.dying.push(host);
                    return Poll::Pending;
                }
                let yields = if state.explored {
                    // After one thing is before the next: nothing lies between.
                    matches!(point, Point::Before(_))
                } else {
                    state.dice.bool()
                };
                if yields {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Whoever is no host.
pub(crate) const NOBODY: usize = usize::MAX;

/// The clock that drivers have: it never goes back.
pub(crate) struct WorldClock(pub(crate) World);

#[async_trait]
impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let late = if self.0.makes(Mistake::LateTimeOut) {
            Duration::from_secs(60)
        } else {
            Duration::ZERO
        };
        self.0.sleep_until(instant + late).await;
    }
}
