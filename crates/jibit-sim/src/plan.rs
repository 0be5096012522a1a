//! What happens in a history, drawn from its seed before it begins.

use std::{fmt::Write as _, time::Duration};

use fastrand::Rng;
use jibit_client::Secret;
use jibit_sandbox::{Profile, Quirk, Settings, WindowFrom};

/// Where the gateway is.
pub(crate) const BASE: &str = "http://127.0.0.1:8090";

/// The shop's name there.
pub(crate) const MERCHANT: &str = "7746";

/// What each order costs, in Rial.
pub(crate) const PRICE: u64 = 125_000;

/// A history before it happens.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) gateway: Knobs,
    pub(crate) hosts: usize,
    pub(crate) customers: Vec<Customer>,
    /// When the shop withdraws an order, if it does.
    pub(crate) withdrawals: Vec<(usize, Duration)>,
    /// A plan of the sandbox's faults, and until when it strikes.
    pub(crate) faults: String,
    pub(crate) healed_at: Duration,
    /// When a host reaches nothing, from and to.
    pub(crate) cut_off: Vec<(usize, Duration, Duration)>,
    /// The chance that a connection is refused, in percent.
    pub(crate) refused: u8,
    /// What the sandbox does not do to answers, with its chance in percent.
    pub(crate) altered: Option<(Alteration, u8)>,
    /// At which of their steps hosts die, counted together.
    pub(crate) deaths: Vec<u64>,
    /// Which host's wall clock jumps, when, and by how many seconds.
    pub(crate) jumps: Vec<(usize, Duration, i64)>,
    /// When a backup of the store is made, and when it is restored.
    pub(crate) restored: Option<(Duration, Duration)>,
}

/// What becomes of an answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alteration {
    /// Inquiry names a state that nobody knows.
    UnknownState,
    /// Initiate sends the customer elsewhere, and without TLS.
    ForeignPage,
}

/// What the protocol leaves open.
#[derive(Clone, Debug)]
pub(crate) struct Knobs {
    pub(crate) window: Duration,
    pub(crate) from_initiate: bool,
    quirks: Vec<(Quirk, bool)>,
    tidy: bool,
}

/// Somebody who buys.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    /// Which order of the shop's: two customers may pay for one.
    pub(crate) order: usize,
    pub(crate) comes: Duration,
    /// How long he looks at the page.
    pub(crate) thinks: Duration,
    pub(crate) does: Deed,
    /// How long after that his browser is back, each time.
    pub(crate) returns: Vec<Duration>,
    /// Whether his browser claims what is not so.
    pub(crate) lies: bool,
    /// How long he waits for the shop to answer. Who goes takes the work with him, as
    /// a server drops it when a connection closes.
    pub(crate) patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Pays,
    Cancels,
    /// He closes the page.
    Leaves,
}

/// Each strikes by itself.
const FAULTS: [&str; 33] = [
    "any before chance=20% reset",
    "any after chance=20% reset",
    "any before chance=10% drop",
    "any after chance=15% drop",
    "any before chance=5% hang",
    "any after chance=5% hang",
    "any before chance=15% status=503",
    "any after chance=15% status=502",
    "any before chance=10% html",
    "any after chance=10% garbage",
    "any after chance=10% no-error-code",
    "any after chance=10% error=9",
    "any after chance=10% gzip",
    "any before chance=10% too-many=3",
    "any before every=3 unauthorized",
    "any before every=5 revoke",
    "any body chance=20% cut=17",
    "any after chance=20% delay=4s",
    "any after chance=5% dribble=100ms",
    "any before chance=15% redirect=307",
    "any after chance=10% huge",
    "any before chance=10% status=408",
    "any before chance=10% status=400",
    "any before chance=10% status=404",
    "initiate after chance=30% drop",
    "verify after chance=50% reset",
    "verify after chance=30% verified-again",
    "inquiry after chance=40% reset",
    "inquiry after chance=10% amount=-10",
    "verify after chance=30% amount=-10",
    "inquiry after chance=10% other-order",
    "verify after chance=30% other-order",
    "refresh after chance=50% drop; any before every=4 revoke",
];

const MINUTE: u64 = 60;

impl Plan {
    /// One in which nothing happens by itself.
    pub(crate) fn calm(hosts: usize) -> Self {
        Self {
            seed: 0,
            gateway: Knobs {
                window: Duration::from_secs(15 * MINUTE),
                from_initiate: false,
                quirks: Vec::new(),
                tidy: false,
            },
            hosts,
            customers: Vec::new(),
            withdrawals: Vec::new(),
            faults: String::new(),
            healed_at: Duration::ZERO,
            cut_off: Vec::new(),
            refused: 0,
            altered: None,
            deaths: Vec::new(),
            jumps: Vec::new(),
            restored: None,
        }
    }

    pub(crate) fn draw(seed: u64) -> Self {
        let mut dice = Rng::with_seed(seed);
        let hosts = dice.usize(1..=3);
        let orders = dice.usize(1..=2);
        let calm = dice.u8(..) < 50;
        let healed_at = seconds(&mut dice, 1, 40 * MINUTE);
        let mut restored = (dice.u8(..) < 20).then(|| {
            let made = seconds(&mut dice, 1, 20 * MINUTE);
            (made, made + seconds(&mut dice, 1, 20 * MINUTE))
        });
        // What is captured and forgotten is found by whoever pays for it again.
        let shares = if restored.is_some() { 180 } else { 60 };
        let mut customers: Vec<_> = (0..orders)
            .flat_map(|order| customers(&mut dice, order, shares))
            .collect();
        if let Some(restored) = &mut restored
            && dice.bool()
            && let [first, second, ..] = customers.as_mut_slice()
        {
            *restored = meanwhile(&mut dice, first, second);
        }
        Self {
            seed,
            gateway: Knobs::draw(&mut dice),
            hosts,
            customers,
            withdrawals: (0..orders)
                .filter_map(|order| {
                    let at = seconds(&mut dice, 1, 30 * MINUTE);
                    (dice.u8(..) < 40).then_some((order, at))
                })
                .collect(),
            faults: if calm {
                String::new()
            } else {
                faults(&mut dice)
            },
            healed_at,
            cut_off: (0..hosts)
                .filter_map(|host| {
                    let from = seconds(&mut dice, 0, 30 * MINUTE);
                    let to = from + seconds(&mut dice, 1, 10 * MINUTE);
                    (dice.u8(..) < 60).then_some((host, from, to))
                })
                .collect(),
            refused: if dice.u8(..) < 20 { 20 } else { 0 },
            altered: match dice.u8(..) {
                0..10 => Some((Alteration::UnknownState, 30)),
                10..20 => Some((Alteration::ForeignPage, 50)),
                _ => None,
            },
            // Most while something happens, some while all only wait.
            deaths: (0..dice.usize(0..=4))
                .map(|_| {
                    let most = if dice.u8(..) < 50 { 600 } else { 150 };
                    dice.u64(1..most)
                })
                .collect(),
            jumps: (0..dice.usize(0..=2))
                .filter_map(|_| {
                    let jump = (dice.usize(0..hosts), seconds(&mut dice, 1, 30 * MINUTE));
                    let by = dice.i64(-600..600);
                    (dice.u8(..) < 80).then_some((jump.0, jump.1, by))
                })
                .collect(),
            restored,
        }
    }
}

fn seconds(dice: &mut Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(dice.u64(from * 1000..to * 1000))
}

/// A backup from just before the first one's payment is restored just after it, while
/// the second one pays: when a store knows least of what it was about to do.
fn meanwhile(dice: &mut Rng, first: &mut Customer, second: &mut Customer) -> (Duration, Duration) {
    first.comes += Duration::from_secs(MINUTE);
    first.thinks = seconds(dice, 1, MINUTE);
    second.comes = first.comes + seconds(dice, 0, MINUTE);
    second.thinks = seconds(dice, 1, MINUTE);
    let pays = first.comes + first.thinks;
    (
        pays.saturating_sub(seconds(dice, 0, 40)),
        pays + seconds(dice, 1, MINUTE),
    )
}

fn customers(dice: &mut Rng, order: usize, shares: u8) -> Vec<Customer> {
    let payers = if dice.u8(..) < shares { 2 } else { 1 };
    (0..payers)
        .map(|_| Customer {
            order,
            comes: seconds(dice, 0, 20 * MINUTE),
            // Most are quick: while he thinks, hosts only ask.
            thinks: match dice.u8(0..8) {
                0 => seconds(dice, 1, 12 * MINUTE),
                _ => seconds(dice, 1, MINUTE),
            },
            does: match dice.u8(0..32) {
                0 => Deed::Leaves,
                1..6 => Deed::Cancels,
                _ => Deed::Pays,
            },
            returns: (0..[1, 1, 1, 0, 2, 3]
                .get(dice.usize(0..6))
                .copied()
                .unwrap_or(1))
                .map(|_| match dice.u8(0..4) {
                    0 => seconds(dice, 60, 40 * MINUTE),
                    _ => Duration::from_millis(dice.u64(1..3000)),
                })
                .collect(),
            lies: dice.u8(..) < 50,
            patience: if dice.u8(..) < 40 {
                Duration::from_millis(dice.u64(1..2000))
            } else {
                Duration::from_secs(60)
            },
        })
        .collect()
}

fn faults(dice: &mut Rng) -> String {
    let mut plan = format!("seed={}", dice.u32(1..));
    for _ in 0..dice.usize(1..=3) {
        let rule = FAULTS.get(dice.usize(0..FAULTS.len())).copied();
        let rule = rule.unwrap_or_default();
        let _ = write!(plan, "; {rule}");
    }
    plan
}

impl Knobs {
    fn draw(dice: &mut Rng) -> Self {
        Self {
            window: Duration::from_secs(if dice.bool() { 15 } else { 30 } * MINUTE),
            from_initiate: dice.bool(),
            quirks: [
                Quirk::VerifiedAgain,
                Quirk::RefreshTokenLives,
                Quirk::LoginEndsOlderTokens,
                Quirk::UnauthorizedInside200,
                Quirk::NoRefId,
            ]
            .map(|quirk| (quirk, dice.u8(..) < 80))
            .to_vec(),
            tidy: dice.bool(),
        }
    }

    /// These with one quirk less.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let on =
            (0..self.quirks.len()).filter(|place| self.quirks.get(*place).is_some_and(|it| it.1));
        on.map(|place| {
            let mut knobs = self.clone();
            knobs.quirks.remove(place);
            knobs
        })
        .collect()
    }

    pub(crate) fn settings(&self) -> Settings {
        let merchant = [(MERCHANT, Secret::new(jibit_canary::PASSWORD))];
        let mut settings = Settings::default()
            .merchants(merchant)
            .verify_window(self.window);
        if self.tidy {
            settings = settings.profile(Profile::Tidy);
        }
        if self.from_initiate {
            settings = settings.window_from(WindowFrom::Initiate);
        }
        for (quirk, on) in &self.quirks {
            settings = settings.quirk(*quirk, *on);
        }
        settings
    }
}
