//! The checkout's stores against what lies beneath them, its reconciler against a
//! backlog, and the agent against the checkout.

mod agent;
mod backlog;
mod postgres;
mod released;
mod scale;
mod settle;
mod sqlite;

use clap::{Args, ValueEnum};

use crate::{
    Outcome,
    figures::{Figure, Measured, median},
    runtime,
};

#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Measure only this; it can be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Sqlite,
    Postgres,
    Backlog,
    Scale,
    Agent,
}

pub(crate) fn measure(arguments: &Arguments) -> Outcome<Measured> {
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let mut figures = Vec::new();
    runtime()?.block_on(async {
        if wanted(Part::Sqlite) {
            figures.extend(sqlite::measure().await?);
        }
        if wanted(Part::Postgres) {
            figures.extend(postgres::measure().await?);
        }
        if wanted(Part::Backlog) {
            figures.extend(backlog::measure().await?);
        }
        if wanted(Part::Scale) {
            figures.extend(scale::measure().await?);
        }
        if wanted(Part::Agent) {
            figures.extend(agent::measure().await?);
            figures.extend(released::measure()?);
        }
        Outcome::Ok(())
    })?;
    Ok(Measured {
        name: "checkout",
        figures,
        notes: Vec::new(),
    })
}

/// How often a floor and what stands on it are measured, in turn.
const ROUNDS: usize = 5;

/// Rates of one round, each a second.
struct Round {
    floor: f64,
    ours: f64,
}

/// The figure of some rounds: the median of their ratios.
fn ratio(name: String, least: f64, floor: &str, rounds: &[Round]) -> Figure {
    let of = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick));
    let ratio = of(|round| round.ours / round.floor);
    let (ours, below) = (of(|round| round.ours), of(|round| round.floor));
    Figure {
        name,
        measured: format!("{ratio:.2} ({ours:.0} a second, {floor} {below:.0})"),
        bound: format!("at least {least} of {floor}"),
        held: ratio >= least,
        details: serde_json::json!({
            "ratio": ratio,
            "ratios": rounds.iter().map(|it| it.ours / it.floor).collect::<Vec<_>>(),
            "transitions_per_second": ours,
            "floor_per_second": below,
        }),
    }
}
