//! What a host of the shop's does: the real client and the real checkout, over a
//! store and a transport that take steps.

use std::time::Duration;

use jibit_checkout::{CallbackUrl, Checkout, Purchase, State, Store as _};
use jibit_client::{Client, Config, Secret, Timestamp};

use crate::{
    mistake::Mistake,
    plan::{BASE, MERCHANT},
    steps::{self, Steps},
    wire::Wire,
    world::{BEGIN, Point, World, WorldClock},
};

/// How long nobody else packs an order.
const PACKING: Duration = Duration::from_secs(30);

/// Opens a host's checkout.
pub(crate) async fn open(world: &World, host: usize) -> Option<Checkout> {
    let lives = {
        let mut state = world.state();
        let host = state.hosts.get_mut(host)?;
        host.lives += 1;
        host.lives
    };
    let config = Config::new(BASE, MERCHANT, Secret::new(jibit_canary::PASSWORD));
    let transport = Wire {
        world: world.clone(),
        host,
    };
    let clock = WorldClock(world.clone());
    let client = Client::new(config, (host as u64) << 32 | lives, transport, clock).ok()?;
    let store = Steps {
        world: world.clone(),
        host,
    };
    let back = CallbackUrl::new("https://shop.example/back").ok()?;
    let checkout = Checkout::open(client, store, back).await.ok()?;
    let wall = world.clone();
    Some(checkout.timed_by(move || {
        let state = wall.state();
        let off = state.hosts.get(host).map_or(0, |host| host.off);
        let off_by = Duration::from_millis(off.unsigned_abs());
        if off < 0 {
            let since = state.now.since(BEGIN) + Duration::from_secs(3600);
            BEGIN + since.saturating_sub(off_by + Duration::from_secs(3600))
        } else {
            state.now + off_by
        }
    }))
}

/// Tells of an error, for who listens for secrets.
fn told(error: impl std::error::Error) {
    tracing::error!(%error, ?error);
}

/// A host's life: it reconciles what is due and hands out what is paid.
pub(crate) async fn live(world: World, host: usize) {
    let Some(checkout) = open(&world, host).await else {
        return;
    };
    if let Some(host) = world.state().hosts.get_mut(host) {
        host.checkout = Some(checkout.clone());
    }
    world.note(host, "is up", String::new);
    loop {
        let reconciled = if world.makes(Mistake::NoReconciler) {
            Ok(())
        } else {
            checkout.reconcile().await.map(drop).map_err(told)
        };
        let handed = hand_out(&world, &checkout, host).await;
        // As the reconciler does that has no bell: not again before two seconds.
        world.sleep(Duration::from_secs(2)).await;
        if reconciled.is_ok() && handed.is_ok() {
            until_due(&world, host).await;
        }
    }
}

/// Ends when something is due by this host's clock.
async fn until_due(world: &World, host: usize) {
    loop {
        let (next, is_paid) = world.due().await;
        let off = world.state().hosts.get(host).map_or(0, |host| host.off);
        let next = next.map_or(Timestamp::MAX, |next| {
            let next = next.as_unix_millis();
            Timestamp::from_unix_millis(if off < 0 {
                next.saturating_add(off.unsigned_abs())
            } else {
                next.saturating_sub(off.unsigned_abs())
            })
        });
        let now = world.now();
        let next = if is_paid {
            next.min(now + PACKING)
        } else {
            next
        };
        if next <= now {
            return;
        }
        world.change_or(next).await;
        if world.due().await.1 {
            return;
        }
    }
}

async fn hand_out(world: &World, checkout: &Checkout, host: usize) -> Result<(), ()> {
    let paid = checkout.fulfilments(10, PACKING).await.map_err(told)?;
    for order in paid {
        // Goods leave, and it may die before it says so.
        world.state().witness.hand(order.number.as_str());
        world.note(host, "hands out", || order.number.to_string());
        world.step(host, Point::Before("packing")).await;
        checkout.fulfilled(&order.number).await.map_err(told)?;
    }
    Ok(())
}

/// What a customer wants of the shop.
pub(crate) enum Wish {
    /// To buy this.
    Buy(Purchase),
    /// To be told what became of it: what his browser says after the `?`.
    Return(String),
}

/// Serves a customer; where he is sent to pay, if he is.
pub(crate) async fn serve(
    world: &World,
    host: usize,
    mut checkout: Checkout,
    wish: Wish,
) -> Option<String> {
    if world.makes(Mistake::SessionNotShared) {
        checkout = open(world, host).await?;
    }
    match wish {
        Wish::Buy(purchase) => {
            let started = checkout.start(purchase).await.ok()?;
            Some(started.redirect_url)
        }
        Wish::Return(query) => {
            if world.makes(Mistake::BelievesCallbacks) {
                believe(world, host, &query).await;
            }
            let _ = checkout.handle_callback(&query).await;
            None
        }
    }
}

/// Takes a browser's word for the gateway's.
async fn believe(world: &World, host: usize, query: &str) {
    if !query.contains("PURCHASE_BY_USER") {
        return;
    }
    for order in world.orders().await {
        for attempt in order.attempts.iter().filter(|it| !it.state.is_final()) {
            let id = attempt.order_id.as_ref().map_or("none", |id| id.as_str());
            if query.contains(id) {
                let mut to = attempt.clone();
                to.version += 1;
                to.state = State::Paid;
                to.slot = true;
                to.next_ask = None;
                let change = steps::change(&order, attempt, to, world.now());
                let world = world.clone();
                let _ = Steps { world, host }.apply(&change).await;
            }
        }
    }
}
