//! What a history is played in: virtual time, the gateway, the store, the hosts, and
//! the steps at which these may die.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    future::{Future as _, poll_fn},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use fastrand::Rng;
use jibit_checkout::MemoryStore;
use jibit_client::{Clock, Timestamp};
use jibit_sandbox::Gateway;

use crate::{
    mistake::Mistake,
    oracle::Witness,
    plan::{Alteration, Plan},
    rows::{Operation, Rows},
};

pub(crate) const BEGIN: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

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
    /// When a host last died or came back, or a fault last struck.
    pub(crate) troubled_at: Timestamp,
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
            troubled_at: BEGIN,
            trip: Duration::from_millis(20),
            explored: false,
            refused: plan.refused,
            altered: plan.altered,
            mistake,
            failed: BTreeMap::new(),
            timers: BinaryHeap::new(),
            sleepers: Vec::new(),
            next_timer: 0,
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

    pub(crate) fn hash(&self) -> u64 {
        self.state().hash.finish()
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
        let mut sleep = std::pin::pin!(self.sleep_until(until));
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
        let watchers = std::mem::take(&mut self.state().watchers);
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
        self.0.sleep_until(instant).await;
    }
}
