//! Every order in which a few hosts can do a few things, and every place at which one
//! of them can die: the real code, walked through whole.
//!
//! A walk is played from its beginning for each new turn that it can take. Where it
//! comes to a state that a walk before came to, it ends: nothing new follows. A state is
//! what is in the store and at the gateway, who is dead, and all that each host has
//! seen; what a host does next follows from what it has seen alone.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jibit_checkout::{Checkout, Purchase};
use jibit_client::Rial;

use crate::{
    executor::{Choice, Executor, Spawner},
    judge,
    mistake::Mistake,
    plan::{PRICE, Plan},
    shop::{self, Wish},
    world::{BEGIN, END, World, now},
};

/// What is walked through. In each, one host reconciles the order, another
/// serves the customer, and one may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scene {
    /// A customer paid, and is back.
    Callback,
    /// The same, and the shop withdraws the order.
    Withdrawal,
    /// Two customers paid for the order, and one is back.
    TwoPaid,
}

impl Scene {
    const fn customers(self) -> usize {
        match self {
            Self::Callback | Self::Withdrawal => 1,
            Self::TwoPaid => 2,
        }
    }
}

/// What walking through a scene came to.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) states: usize,
    pub(crate) walks: u64,
    /// Walks that came to an end of their own.
    pub(crate) ends: u64,
    pub(crate) violations: Vec<String>,
}

/// Who reconciles, serves the customer, withdraws, and comes when all is over.
const RECONCILES: usize = 0;
const SERVES: usize = 1;
const WITHDRAWS: usize = 2;
const RECOVERS: usize = 3;

/// How long before the payment hosts last asked: longer than a look at a sibling
/// counts.
const PAUSE: Duration = Duration::from_secs(31);

/// Walks through all of a scene, or to the first violation.
pub(crate) fn walk(scene: Scene, mistake: Option<Mistake>) -> Walked {
    let mut walked = Walked::default();
    let mut seen = HashSet::new();
    let mut open = vec![Vec::new()];
    while let Some(script) = open.pop() {
        walked.walks += 1;
        let mut turns = Turns {
            script,
            taken: Vec::new(),
            open: &mut open,
            seen: &mut seen,
        };
        if let Some(violations) = one(scene, mistake, &mut turns) {
            walked.ends += 1;
            walked.violations.extend(violations);
        }
        if !walked.violations.is_empty() {
            break;
        }
    }
    walked.states = seen.len();
    walked
}

/// The turns of one walk: as the script has them, then the first of each.
struct Turns<'a> {
    script: Vec<usize>,
    taken: Vec<usize>,
    open: &'a mut Vec<Vec<usize>>,
    seen: &'a mut HashSet<u64>,
}

impl Turns<'_> {
    /// Which of so many turns to take; none if a walk was here before.
    fn take(&mut self, turns: usize, state: impl FnOnce() -> u64) -> Option<usize> {
        let turn = match self.script.get(self.taken.len()) {
            Some(turn) => *turn,
            None if self.seen.insert(state()) => {
                for other in 1..turns {
                    let mut script = self.taken.clone();
                    script.push(other);
                    self.open.push(script);
                }
                0
            }
            None => return None,
        };
        self.taken.push(turn);
        Some(turn)
    }
}

/// One walk. Nothing if it ended where another had been.
fn one(scene: Scene, mistake: Option<Mistake>, turns: &mut Turns<'_>) -> Option<Vec<String>> {
    let plan = Plan::calm(RECOVERS + 1);
    let world = World::new(&plan, mistake, false);
    let spawner = Spawner::default();
    let mut executor = Executor::new(world.clone(), spawner.clone());
    let first = |_: &[usize]| Choice::Goes(0);
    world.state().trip = Duration::ZERO;

    let query = Arc::new(Mutex::new(String::new()));
    spawner.spawn(
        0,
        prepare(
            scene,
            world.clone(),
            plan.gateway.window,
            Arc::clone(&query),
        ),
    );
    let prepared = executor.run(BEGIN + PAUSE, first, drop);
    if prepared.is_err() || world.state().witness.payments.len() != scene.customers() {
        return Some(vec![
            "nobody paid: there is nothing to walk through".to_owned(),
        ]);
    }
    let query = std::mem::take(&mut *query.lock().unwrap_or_else(PoisonError::into_inner));

    world.state().explored = true;
    for host in 0..RECOVERS {
        let Some(checkout) = checkout(&world, host) else {
            continue;
        };
        let (world, query) = (world.clone(), query.clone());
        spawner.spawn(host, async move {
            let Ok(number) = "o-0".parse() else { return };
            if host == RECONCILES {
                let _ = checkout.reconcile_one(&number).await;
            } else if host == SERVES {
                shop::serve(&world, host, checkout, Wish::Return(query)).await;
            } else if scene == Scene::Withdrawal
                && host == WITHDRAWS
                && checkout.withdraw(&number).await.is_ok()
            {
                world.state().witness.withdrawn.insert(number.to_string());
            }
        });
    }
    let mut dead = None;
    let mut is_new = true;
    let choose = |ready: &[usize]| {
        let mut mortals: Vec<_> = ready.to_vec();
        mortals.dedup();
        if dead.is_some() {
            mortals.clear();
        }
        let all = ready.len() + mortals.len();
        let Some(turn) = turns.take(all, || fingerprint(&world, ready, dead)) else {
            is_new = false;
            return Choice::Ends;
        };
        match turn.checked_sub(ready.len()) {
            None => Choice::Goes(turn),
            Some(place) => {
                dead = mortals.get(place).copied();
                dead.map_or(Choice::Ends, Choice::Dies)
            }
        }
    };
    let ran = executor.run(BEGIN + PAUSE, choose, drop);
    if !is_new {
        return None;
    }
    if let Err(stuck) = ran {
        return Some(vec![stuck.to_string()]);
    }

    world.state().explored = false;
    spawner.spawn(RECOVERS, shop::live(world.clone(), RECOVERS));
    let ended = executor.run(BEGIN + END, first, drop);
    now(judge::judge(&world, &plan));
    let mut violations = world.end().violations;
    violations.extend(ended.err().map(|stuck| stuck.to_string()));
    Some(violations)
}

/// Has each host log in and the customer pay, a while after anybody asked.
async fn prepare(scene: Scene, world: World, window: Duration, query: Arc<Mutex<String>>) {
    for host in 0..RECOVERS {
        let opened = shop::open(&world, host).await;
        if let Some(host) = world.state().hosts.get_mut(host) {
            host.checkout = opened;
        }
    }
    let mut pages = Vec::new();
    for customer in 0..scene.customers() {
        pages.extend(page(&world, customer).await);
    }
    for host in 0..RECOVERS {
        if let (Some(checkout), Ok(number)) = (checkout(&world, host), "o-0".parse()) {
            let _ = checkout.reconcile_one(&number).await;
        }
    }
    world.sleep(PAUSE).await;
    for page in pages {
        let Some(back) = world.pay(&page, window, None) else {
            continue;
        };
        let told = back.split_once('?').map_or("", |(_, query)| query);
        told.clone_into(&mut query.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The gateway's order that a customer is sent to.
async fn page(world: &World, customer: usize) -> Option<String> {
    let purchase = Purchase::new(
        "o-0".parse().ok()?,
        Rial::new(PRICE).ok()?,
        format!("0{}{}", jibit_canary::MOBILE, customer)
            .parse()
            .ok()?,
    );
    let wish = Wish::Buy(purchase.ok()?);
    let url = shop::serve(world, 0, checkout(world, 0)?, wish).await?;
    Some(url.rsplit('/').next()?.to_owned())
}

fn checkout(world: &World, host: usize) -> Option<Checkout> {
    world.state().hosts.get(host)?.checkout.clone()
}

fn fingerprint(world: &World, ready: &[usize], dead: Option<usize>) -> u64 {
    let mut hash = DefaultHasher::new();
    let around = (world.store_in_words(), world.gateway_in_words());
    (around, ready, dead).hash(&mut hash);
    for host in &world.state().hosts {
        (host.seen, host.steps).hash(&mut hash);
    }
    hash.finish()
}
