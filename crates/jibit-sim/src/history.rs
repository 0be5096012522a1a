//! One history: a plan, played.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use jibit_canary::Ears;
use jibit_checkout::{Checkout, Purchase};
use jibit_client::{Rial, Timestamp};
use jibit_sandbox::FaultPlan;

use crate::{
    executor::{Choice, Executor, Spawner},
    judge,
    mistake::Mistake,
    plan::{Customer, Deed, PRICE, Plan},
    shop::{self, Wish},
    world::{BEGIN, END, Host, NOBODY, Played, World, now},
};

const MINUTE: Duration = Duration::from_secs(60);

/// How long a host is down after its death, at most.
const DOWN: Duration = MINUTE;

pub(crate) fn play(plan: &Plan, mistake: Option<Mistake>, is_told: bool) -> Played {
    let world = World::new(plan, mistake, is_told);
    let spawner = Spawner::default();
    let mut executor = Executor::new(world.clone(), spawner.clone());
    if let Ok(faults) = plan.faults.parse::<FaultPlan>()
        && !plan.faults.is_empty()
    {
        world.state().gateway.arm(faults, BEGIN);
    }
    for host in 0..plan.hosts {
        spawner.spawn(host, shop::live(world.clone(), host));
    }
    for (place, customer) in plan.customers.iter().enumerate() {
        let visit = Visit {
            world: world.clone(),
            spawner: spawner.clone(),
            customer: customer.clone(),
            place,
            window: plan.gateway.window,
            from_initiate: plan.gateway.from_initiate,
        };
        spawner.spawn(NOBODY, visit.go());
    }
    for (order, at) in plan.withdrawals.iter().copied() {
        spawner.spawn(NOBODY, withdraw(world.clone(), spawner.clone(), order, at));
    }
    for (host, at, by) in plan.jumps.iter().copied() {
        let world = world.clone();
        spawner.spawn(NOBODY, async move {
            world.sleep(at).await;
            if let Some(host) = world.state().hosts.get_mut(host) {
                host.off = by * 1000;
            }
            world.note(host, "its wall clock jumps", || format!("{by} s"));
            world.changed();
        });
    }
    spawner.spawn(NOBODY, heal(world.clone(), plan.healed_at));
    if let Some((made, back)) = plan.restored {
        spawner.spawn(NOBODY, restore(world.clone(), made, back, plan.hosts));
    }
    let dice = |ready: &[usize]| Choice::Goes(world.state().dice.usize(0..ready.len()));
    let ended = executor.run(BEGIN + END, dice, |host| bury(&world, &spawner, host));
    if let Err(stuck) = ended {
        world
            .state()
            .witness
            .expect(false, "the end", || stuck.to_string());
    }
    now(judge::judge(&world, plan));
    world.end()
}

/// [`play`], with S10 judged as well: every log is read, at trace level.
pub(crate) fn listen(plan: &Plan, mistake: Option<Mistake>, is_told: bool) -> Played {
    let ears = Ears::default();
    let mut played = ears.here(|| play(plan, mistake, is_told));
    let leaks = ears.heard();
    let leaks = leaks.iter().map(|line| format!("S10: {line}"));
    played.violations.extend(leaks);
    played
}

/// A host is dead. It is back after a while, as a new process.
fn bury(world: &World, spawner: &Spawner, host: usize) {
    world.note(host, "dies", String::new);
    let down = {
        let mut state = world.state();
        if let Some(host) = state.hosts.get_mut(host) {
            host.checkout = None;
        }
        state.witness.died(host);
        state.trouble();
        let most = DOWN.as_millis() as u64;
        Duration::from_millis(state.dice.u64(100..most))
    };
    let world = world.clone();
    spawner.spawn(host, async move {
        world.sleep(down).await;
        world.state().trouble();
        shop::live(world, host).await;
    });
}

async fn heal(world: World, at: Duration) {
    world.sleep(at).await;
    let now = world.now();
    world.state().gateway.arm(FaultPlan::default(), now);
    world.note(NOBODY, "the gateway is well", String::new);
}

/// The store is lost and a backup restored: all hosts stop for it.
async fn restore(world: World, made: Duration, back: Duration, hosts: usize) {
    world.sleep(made).await;
    let backup = world.state().store.backup();
    world.note(NOBODY, "a backup is made", String::new);
    world.sleep_until(BEGIN + back).await;
    {
        let mut state = world.state();
        state.store = Arc::new(backup);
        state.counts.restored += 1;
    }
    world.note(NOBODY, "the backup is restored", String::new);
    world.changed();
    for host in 0..hosts {
        world.kill(host);
    }
    // What was under way ends with them.
    world.sleep(Duration::from_millis(1)).await;
    world.state().witness.restored();
}

/// Has a host that is up do something. Nothing comes of it if it dies over it, or if
/// whoever asked goes before it is done.
async fn ask<T, F>(
    world: &World,
    spawner: &Spawner,
    patience: Duration,
    work: impl FnOnce(usize, Checkout) -> F,
) -> Option<T>
where
    T: 'static,
    F: Future<Output = T> + 'static,
{
    let (host, checkout) = {
        let mut state = world.state();
        let up = |(host, it): (usize, &Host)| Some((host, it.checkout.clone()?));
        let up: Vec<_> = state.hosts.iter().enumerate().filter_map(up).collect();
        let pick = if up.is_empty() {
            0
        } else {
            state.dice.usize(0..up.len())
        };
        up.into_iter().nth(pick)?
    };
    let answer = Arc::new(Mutex::new(None));
    let told = Arc::clone(&answer);
    let bell = world.clone();
    let work = Box::pin(work(host, checkout));
    let until = world.now() + patience;
    spawner.spawn(host, async move {
        let done = within(&bell, until, work).await;
        *told.lock().unwrap_or_else(PoisonError::into_inner) = done;
        bell.changed();
    });
    loop {
        if let Some(done) = answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Some(done);
        }
        if world.now() >= until {
            return None;
        }
        world.change_or(until).await;
    }
}

/// Drops `work` if it is not done in time.
async fn within<T>(
    world: &World,
    until: Timestamp,
    mut work: Pin<Box<dyn Future<Output = T>>>,
) -> Option<T> {
    let mut end = pin!(world.sleep_until(until));
    let done = poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(cx).map(|()| None),
    })
    .await;
    if done.is_none() {
        world.state().counts.hung_up += 1;
        if world.makes(Mistake::NoDropGuard) {
            std::mem::forget(work);
        }
    }
    done
}

async fn withdraw(world: World, spawner: Spawner, order: usize, at: Duration) {
    world.sleep(at).await;
    let number = format!("o-{order}");
    let Ok(parsed) = number.parse() else { return };
    let withdraw = |_, shop: Checkout| async move { shop.withdraw(&parsed).await };
    let told = ask(&world, &spawner, MINUTE, withdraw).await;
    if matches!(told, Some(Ok(()))) {
        world.note(NOBODY, "is withdrawn", || number.clone());
        world.state().witness.withdrawn.insert(number);
    }
}

struct Visit {
    world: World,
    spawner: Spawner,
    customer: Customer,
    place: usize,
    window: Duration,
    from_initiate: bool,
}

impl Visit {
    async fn go(self) {
        self.world.sleep(self.customer.comes).await;
        let Some((page, begun)) = self.page().await else {
            return;
        };
        self.world.sleep(self.customer.thinks).await;
        let Some(query) = self.act(&page, begun) else {
            return;
        };
        for pause in &self.customer.returns {
            self.world.sleep(*pause).await;
            self.world.note(NOBODY, "comes back", || {
                // Without the attempt's code, the one thing that is random.
                query
                    .split_once('&')
                    .map_or("", |(_, told)| told)
                    .to_owned()
            });
            self.ask(Wish::Return(query.clone())).await;
        }
    }

    /// The gateway's order that he is sent to, and when. He tries a few times.
    async fn page(&self) -> Option<(String, Timestamp)> {
        for _ in 0..5 {
            let purchase = Purchase::new(
                format!("o-{}", self.customer.order).parse().ok()?,
                Rial::new(PRICE).ok()?,
                format!("0{}{}", jibit_canary::MOBILE, self.place)
                    .parse()
                    .ok()?,
            );
            let purchase = purchase.ok()?;
            let begun = self.world.now();
            if let Some(redirect_url) = self.ask(Wish::Buy(purchase)).await {
                let id = redirect_url.rsplit('/').next().unwrap_or_default();
                return Some((id.to_owned(), begun));
            }
            self.world.sleep(Duration::from_secs(10)).await;
        }
        None
    }

    async fn ask(&self, wish: Wish) -> Option<String> {
        let world = self.world.clone();
        let serve = |host, shop| async move { shop::serve(&world, host, shop, wish).await };
        let answer = ask(&self.world, &self.spawner, self.customer.patience, serve).await;
        answer.flatten()
    }

    /// What he does at the page; the query that his browser comes back with.
    fn act(&self, page: &str, begun: Timestamp) -> Option<String> {
        let url = match self.customer.does {
            Deed::Leaves => return None,
            Deed::Cancels => {
                let mut state = self.world.state();
                let now = state.now;
                state.gateway.cancel(page, now).ok()?.return_url()
            }
            Deed::Pays => {
                let since = self.from_initiate.then_some(begun);
                self.world.pay(page, self.window, since)?
            }
        };
        self.world.note(NOBODY, "acts", || {
            format!("{:?} {page}", self.customer.does)
        });
        let (_, query) = url.split_once('?')?;
        if !self.customer.lies {
            return Some(query.to_owned());
        }
        let lie = match self.customer.does {
            Deed::Pays => query.replace("PURCHASE_BY_USER", "CANCEL_BY_USER"),
            _ => query.replace("CANCEL_BY_USER", "PURCHASE_BY_USER"),
        };
        Some(lie)
    }
}
