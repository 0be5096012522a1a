//! The five operations on one core, each beside the floor.
//!
//! What is compared is requests in a second of the server's own time on its core,
//! which is what a saturated core does in a second. On a machine that others use
//! as well it is steadier than the wall clock, whose ratio is printed beside it.

use serde_json::json;

use super::Bench;
use crate::{
    Outcome,
    figures::{Figure, median, progress},
    load::{Round, Target},
    process::{Core, Server, peer, told},
};

/// Of the floor's requests a second, this part at least.
const BOUND: f64 = 0.7;

const ROUNDS: usize = 5;
const REQUESTS: usize = 30_000;
const CONNECTIONS: usize = 64;

const OPERATIONS: [Target; 5] = [
    Target::Authenticate,
    Target::Refresh,
    Target::Initiate,
    Target::Verify,
    Target::Inquiry,
];

/// A round of the floor, and the operation's right after it.
type Pair = (Round, Round);

pub(super) fn measure(bench: &Bench) -> Outcome<Vec<Figure>> {
    let hello = Server::start(peer(bench.server, &["hello".to_owned()])?)?;
    let mut figures = Vec::new();
    for operation in OPERATIONS {
        // A sandbox of its own, so that no operation finds what another left.
        let sandbox = Server::sandbox(&bench.jibit, bench.server)?;
        progress(&format!("{}, {ROUNDS} rounds", operation.name()));
        let mut pairs = Vec::new();
        for _ in 0..=ROUNDS {
            let floor = round(bench.load, &hello, Target::Hello)?;
            pairs.push((floor, round(bench.load, &sandbox, operation)?));
        }
        // The first round warms up.
        pairs.remove(0);
        figures.push(figure(operation, &pairs));
    }
    Ok(figures)
}

fn round(core: Core, server: &Server, target: Target) -> Outcome<Round> {
    let words = [
        "load".to_owned(),
        format!("--address={}", server.address),
        format!("--server={}", server.id()),
        format!("--target={}", target.name()),
        format!("--requests={REQUESTS}"),
        format!("--connections={CONNECTIONS}"),
    ];
    told(peer(core, &words)?)
}

/// Medians over one side's rounds.
struct Side {
    per_second: f64,
    /// Of the server's own time, for a request.
    micros: f64,
    /// The part of the time that the server's core was at work.
    busy: f64,
}

impl Side {
    fn of(rounds: impl Iterator<Item = Round> + Clone) -> Self {
        let median_of = |value: fn(Round) -> f64| median(rounds.clone().map(value));
        Self {
            per_second: median_of(|round| 1.0 / wall(round)),
            micros: median_of(own) * 1e6,
            busy: median_of(|round| round.server_seconds / round.seconds),
        }
    }
}

/// The server's own time for a request, in seconds.
fn own(round: Round) -> f64 {
    round.server_seconds / round.requests as f64
}

fn wall(round: Round) -> f64 {
    round.seconds / round.requests as f64
}

fn figure(operation: Target, pairs: &[Pair]) -> Figure {
    let ratio = median(pairs.iter().map(|(floor, it)| own(*floor) / own(*it)));
    let by_wall = median(pairs.iter().map(|(floor, it)| wall(*floor) / wall(*it)));
    let floor = Side::of(pairs.iter().map(|(floor, _)| *floor));
    let it = Side::of(pairs.iter().map(|(_, it)| *it));
    Figure {
        name: operation.name().to_owned(),
        measured: format!(
            "{ratio:.2} ({:.1} µs of the core, hello {:.1}); by the wall clock {by_wall:.2} \
             ({:.0} a second, hello {:.0}; core {:.0} % busy, hello's {:.0} %)",
            it.micros,
            floor.micros,
            it.per_second,
            floor.per_second,
            it.busy * 100.0,
            floor.busy * 100.0,
        ),
        bound: format!("{BOUND} of hello's requests on one core"),
        held: ratio >= BOUND,
        details: json!({
            "ratio": ratio,
            "bound": BOUND,
            "ratioByWallClock": by_wall,
            "coreMicros": it.micros,
            "helloCoreMicros": floor.micros,
            "perSecond": it.per_second,
            "helloPerSecond": floor.per_second,
            "coreBusy": it.busy,
            "helloCoreBusy": floor.busy,
            "rounds": pairs.len(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round of a server that takes so many microseconds.
    fn round(micros: f64) -> Round {
        let seconds = micros * 1e-6 * 1000.0;
        Round {
            requests: 1000,
            seconds,
            server_seconds: seconds,
        }
    }

    #[test]
    fn one_disturbed_round_decides_nothing() {
        let pairs = [
            (round(10.0), round(12.5)),
            (round(10.0), round(90.0)),
            (round(12.0), round(15.0)),
        ];
        let figure = figure(Target::Verify, &pairs);
        assert!(figure.held, "{}", figure.measured);
        assert!(
            figure
                .measured
                .starts_with("0.80 (15.0 µs of the core, hello 10.0)")
        );
    }

    #[test]
    fn a_slow_operation_misses_its_bound() {
        let pairs = [(round(6.9), round(10.0)); 3];
        assert!(!figure(Target::Verify, &pairs).held);
    }
}
