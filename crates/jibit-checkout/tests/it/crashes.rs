//! A process that dies before or after anything that it does to its store or sends
//! to the gateway (S14): each point, and pairs of points of the first two processes.

use std::time::Duration;

use jibit_checkout::State;
use jibit_sandbox::{Fate, Fault, Operation, State as GatewayState};

use crate::world::{World, purchase};

/// What goes wrong besides.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Fair,
    /// This operation's first answer is lost, after the gateway did what was asked.
    Lost(Operation),
    /// The gateway never sees this operation's first request.
    Unseen(Operation),
    /// The first verify is answered by 500, after it was done.
    Error,
}

const WEATHERS: [Weather; 6] = [
    Weather::Fair,
    Weather::Lost(Operation::Initiate),
    Weather::Lost(Operation::Verify),
    Weather::Lost(Operation::Inquiry),
    Weather::Unseen(Operation::Verify),
    Weather::Error,
];

/// A payment by a shop whose processes die at these points of their work, each
/// counted from its own start. Says how many died.
fn payment(deaths: &[usize], weather: Weather, calls_back: bool) -> usize {
    let world = World::new();
    let fault = match weather {
        Weather::Fair => None,
        Weather::Lost(operation) => Some(Fault::after(operation, Fate::Reset)),
        Weather::Unseen(operation) => Some(Fault::before(operation, Fate::Reset)),
        Weather::Error => Some(Fault::status_after(Operation::Verify, 500)),
    };
    if let Some(fault) = fault {
        world.gateway().inject(fault);
    }
    let mut deaths = deaths.iter().copied();
    // A process that dies is started again, and does what its customers want anew.
    let mut begin = || world.death.come_at(deaths.next().unwrap_or(0));
    let mut died = 0;

    // The customer tries until there is a page.
    let page = loop {
        begin();
        match world.process(|shop| async move { shop.start(purchase("o")).await }) {
            Some(Ok(started)) => break started,
            Some(Err(error)) => {
                assert!(
                    matches!(weather, Weather::Lost(Operation::Initiate)),
                    "{error}"
                );
            }
            None => died += 1,
        }
    };
    let id = world.id("o", page.attempt);
    world.pay(&id);
    if calls_back {
        let query = world.query("o", page.attempt);
        begin();
        let query = &*query;
        let back = world.process(|shop| async move { shop.handle_callback(query).await });
        died += usize::from(back.is_none());
    }
    // The reconciler runs every fifteen seconds, for ten minutes.
    let mut fulfilled = Vec::new();
    for _ in 0..40 {
        begin();
        let pass = world.process(|shop| async move { shop.reconcile().await });
        died += usize::from(pass.is_none());
        begin();
        let taken = world.process(|shop| async move {
            let taken = shop.fulfilments(10, Duration::from_secs(30)).await.unwrap();
            for paid in &taken {
                shop.fulfilled(&paid.number).await.unwrap();
            }
            taken.len()
        });
        died += usize::from(taken.is_none());
        fulfilled.push(taken.unwrap_or_default());
        world.clock.advance(Duration::from_secs(15));
    }
    let what = format!("{weather:?}, called back: {calls_back}");
    let order = world.order("o");
    let paid = order.attempts.iter().filter(|it| it.state == State::Paid);
    assert_eq!(paid.count(), 1, "{what}: {order:?}");
    assert_eq!(world.state("o", page.attempt), State::Paid, "{what}");
    {
        let gateway = world.gateway();
        let state = gateway.order(&id).unwrap().state();
        assert_eq!(state, GatewayState::PurchaseConfirmByMerchant, "{what}");
        assert_eq!(gateway.violations(), Vec::<String>::new());
    }
    // It was handed out, and nothing is left. A death may hand it out again, and no more.
    let handed: usize = fulfilled.iter().sum();
    assert!(handed <= 1 + died, "{what}: handed out {handed} times");
    assert_eq!(world.fulfil(), Vec::<String>::new(), "{what}");
    let number = "o".parse().unwrap();
    let again = world.process(|shop| async move { shop.fulfilled(&number).await });
    assert!(!again.unwrap().unwrap(), "{what}: it was never marked");
    died
}

/// More points than one process of these payments has.
const POINTS: usize = 60;

#[test]
fn a_death_at_any_point_loses_nothing() {
    for weather in WEATHERS {
        for calls_back in [true, false] {
            let died = (1..POINTS).map(|point| payment(&[point], weather, calls_back));
            let died: Vec<_> = died.collect();
            // Every point of the first process was met, and the last ones are beyond it.
            let points = died.iter().sum::<usize>();
            assert!((10..POINTS - 1).contains(&points), "{points}");
            assert!(died.iter().take(points).all(|died| *died == 1));
        }
    }
}

#[test]
fn nor_do_two() {
    for weather in WEATHERS {
        let pairs = (1..20).flat_map(|first| (1..40).map(move |second| [first, second]));
        let died = pairs.map(|pair| payment(&pair, weather, true));
        let both = died.filter(|died| *died == 2).count();
        assert!(both > 100, "{both}");
    }
}

/// Deaths of later processes, with those before them left alone.
#[test]
fn a_death_of_any_process_loses_nothing() {
    for weather in WEATHERS {
        for calls_back in [true, false] {
            for before in 1..6 {
                for point in 1..POINTS {
                    let mut deaths = vec![0; before];
                    deaths.push(point);
                    if payment(&deaths, weather, calls_back) == 0 {
                        break;
                    }
                }
            }
        }
    }
}
