//! Shops, customers, faults and deaths at random: whatever happens, what the
//! gateway captured is fulfilled once, and what it did not is not.

use std::time::Duration;

use jibit_checkout::{Filter, State};
use jibit_sandbox::{Settings, State as GatewayState, WindowFrom};
use proptest::{prelude::*, sample::select};

use crate::world::World;

#[derive(Clone, Debug)]
enum Op {
    Start(usize),
    Pay(usize, u32),
    Cancel(usize, u32),
    CallBack(usize, u32),
    Withdraw(usize),
    Reconcile,
    Fulfil,
    Pass(u64),
    Trouble(&'static str),
    /// The next process dies at this point.
    Die(usize),
}

const ORDERS: [&str; 3] = ["o-0", "o-1", "o-2"];

const TROUBLES: [&str; 10] = [
    "",
    "seed=3; any before chance=30% reset",
    "seed=4; any after chance=30% reset",
    "verify after nth=1 reset; verify before nth=2 status=500",
    "verify after always status=502",
    "inquiry before always html",
    "initiate after always drop",
    "seed=5; any before chance=20% garbage; inquiry after chance=50% no-error-code",
    "any before every=2 unauthorized",
    "seed=6; any before chance=30% too-many=3; inquiry before chance=20% status=404",
];

fn op() -> impl Strategy<Value = Op> {
    let order = 0..ORDERS.len();
    let attempt = 1..4_u32;
    prop_oneof![
        4 => order.clone().prop_map(Op::Start),
        4 => (order.clone(), attempt.clone()).prop_map(|(o, a)| Op::Pay(o, a)),
        1 => (order.clone(), attempt.clone()).prop_map(|(o, a)| Op::Cancel(o, a)),
        3 => (order.clone(), attempt).prop_map(|(o, a)| Op::CallBack(o, a)),
        1 => order.prop_map(Op::Withdraw),
        4 => Just(Op::Reconcile),
        2 => Just(Op::Fulfil),
        4 => select(vec![1, 10, 20, 60, 300, 660, 1800]).prop_map(Op::Pass),
        2 => select(TROUBLES.to_vec()).prop_map(Op::Trouble),
        2 => (1..30_usize).prop_map(Op::Die),
    ]
}

/// One walk, and what the shop handed out in it.
struct Walk {
    world: World,
    handed: Vec<String>,
}

impl Walk {
    fn id(&self, order: usize, attempt: u32) -> Option<String> {
        let order = self.world.stored(ORDERS[order])?;
        let id = order.attempt(attempt)?.order_id.clone()?;
        Some(id.to_string())
    }

    fn step(&mut self, op: &Op) {
        let world = self.world.clone();
        let now = world.clock.now();
        match *op {
            Op::Start(order) => {
                let purchase = crate::world::purchase(ORDERS[order]);
                let _ = world.process(|shop| async move { shop.start(purchase).await });
            }
            Op::Pay(order, attempt) => {
                if let Some(id) = self.id(order, attempt) {
                    let ip = std::net::Ipv4Addr::LOCALHOST.into();
                    let _ = world.gateway().pay(&id, ip, now);
                }
            }
            Op::Cancel(order, attempt) => {
                if let Some(id) = self.id(order, attempt) {
                    let _ = world.gateway().cancel(&id, now);
                }
            }
            Op::CallBack(order, attempt) => {
                if self.id(order, attempt).is_some() {
                    let query = &*world.query(ORDERS[order], attempt);
                    let back = |shop: jibit_checkout::Checkout| async move {
                        shop.handle_callback(query).await.unwrap();
                    };
                    world.process(back);
                }
            }
            Op::Withdraw(order) => {
                let number = ORDERS[order].parse().unwrap();
                let _ = world.process(|shop| async move { shop.withdraw(&number).await });
            }
            Op::Reconcile => {
                world.process(|shop| async move { shop.reconcile().await });
            }
            Op::Fulfil => {
                // A death between taking and marking hands it out again, by its number.
                let taken = world.process(|shop| async move {
                    let taken = shop.fulfilments(9, Duration::from_secs(30)).await.unwrap();
                    let mut marked = Vec::new();
                    for paid in taken {
                        if shop.fulfilled(&paid.number).await.unwrap() {
                            marked.push(paid.number.to_string());
                        }
                    }
                    marked
                });
                self.handed.extend(taken.unwrap_or_default());
            }
            Op::Pass(seconds) => world.clock.advance(Duration::from_secs(seconds)),
            Op::Trouble(plan) => world.trouble(plan, None),
            Op::Die(point) => world.death.come_at(point),
        }
    }

    /// What must hold at any time.
    fn check(&self) {
        let gateway = self.world.gateway();
        assert_eq!(gateway.violations(), Vec::<String>::new());
        for number in ORDERS {
            let Some(order) = self.world.stored(number) else {
                continue;
            };
            let mut captured = 0;
            for attempt in &order.attempts {
                let id = attempt.order_id.as_ref().map(|id| id.as_str());
                let at_gateway = id.and_then(|id| gateway.order(id)).map(|it| it.state());
                let is_captured = at_gateway == Some(GatewayState::PurchaseConfirmByMerchant);
                captured += usize::from(is_captured);
                assert!(
                    attempt.state != State::Paid || is_captured,
                    "S2: {attempt:?}"
                );
                let ended = matches!(attempt.state, State::Cancelled | State::Lapsed);
                let cancelled = [GatewayState::CancelByUser, GatewayState::CancelBySystem];
                assert!(
                    !ended || at_gateway.is_some_and(|it| cancelled.contains(&it)),
                    "S3: {attempt:?}"
                );
                assert!(!is_captured || attempt.slot, "S8: {attempt:?}");
            }
            assert!(captured <= 1, "S8: {order:?}");
            assert!(
                captured == 0 || order.withdrawn_at.is_none(),
                "withdrawn: {order:?}"
            );
        }
    }

    /// All heals, and time passes: then everything is settled (S1, S4).
    fn end(mut self) {
        self.world.death.come_at(0);
        self.world.heal();
        self.world.reconcile_for(Duration::from_secs(40 * 60));
        self.check();
        self.handed.extend(self.world.fulfil());
        self.world.clock.advance(Duration::from_secs(3600));
        self.handed.extend(self.world.fulfil());
        self.handed.sort();
        let orders = ORDERS.iter().filter(|number| {
            let order = self.world.stored(number);
            let mut attempts = order.iter().flat_map(|order| &order.attempts);
            attempts.any(|attempt| {
                let gateway = self.world.gateway();
                let id = attempt.order_id.as_ref().map(|id| id.as_str());
                let state = id.and_then(|id| gateway.order(id)).map(|it| it.state());
                state == Some(GatewayState::PurchaseConfirmByMerchant)
            })
        });
        let captured: Vec<_> = orders.map(|number| (*number).to_owned()).collect();
        assert_eq!(self.handed, captured, "captured is fulfilled, once");
        // No attempt is left that anybody would still have to ask about.
        let orders = self
            .world
            .process(|shop| async move { shop.orders(&Filter::default(), 10).await.unwrap() });
        for attempt in orders.unwrap().iter().flat_map(|order| &order.attempts) {
            assert!(attempt.state.is_final(), "it is left open: {attempt:?}");
        }
    }
}

/// The protocol's open questions.
fn settings() -> impl Strategy<Value = Settings> {
    let window = select(vec![15_u64, 30]).prop_map(|minutes| Duration::from_secs(minutes * 60));
    let from = select(vec![WindowFrom::Payment, WindowFrom::Initiate]);
    (window, from).prop_map(|(window, from)| {
        let settings = Settings::default().verify_window(window);
        settings.window_from(from)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn money_is_neither_lost_nor_doubled(
        settings in settings(),
        ops in proptest::collection::vec(op(), 1..40),
    ) {
        let mut walk = Walk { world: World::with(settings), handed: Vec::new() };
        for op in &ops {
            walk.step(op);
            walk.check();
        }
        walk.end();
    }
}
