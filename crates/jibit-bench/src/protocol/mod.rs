//! The protocol core beside a naive builder, owned structs and the floor: time,
//! instructions, allocations.

pub(crate) mod instructions;
mod time;
mod work;

use std::path::PathBuf;

use clap::{Args, ValueEnum as _};
use serde_json::json;

use crate::{
    Outcome,
    figures::{Figure, Measured},
};
use work::{By, Task};

/// Rounds of every piece of work by everybody, one after the other.
const ROUNDS: usize = 5;

/// One piece of work, so many times.
#[derive(Args)]
pub(crate) struct Work {
    #[arg(long, value_enum)]
    task: Task,
    #[arg(long, value_enum)]
    by: By,
    #[arg(long)]
    times: usize,
}

/// Times everything, and leaves what it found in a folder.
#[derive(Args)]
pub(crate) struct Time {
    #[arg(long)]
    folder: PathBuf,
}

impl Time {
    pub(crate) fn run(&self) -> Outcome<()> {
        time::measure(&self.folder, ROUNDS)
    }
}

impl Work {
    pub(crate) fn run(&self) -> Outcome<()> {
        let mut work = self.task.prepare(self.by)?;
        for _ in 0..self.times {
            work();
        }
        Ok(())
    }
}

/// What one piece of work costs one of those who do it.
struct Cost {
    /// A round's nanoseconds, a round after the other.
    nanos: Vec<f64>,
    /// Nothing without valgrind.
    instructions: Option<f64>,
    allocations: u64,
}

/// What the core must not exceed.
struct Bound {
    /// Of the naive time.
    ratio: Option<f64>,
    allocations: Option<u64>,
}

const fn bound(task: Task) -> Bound {
    let (ratio, allocations) = match task {
        Task::BuildInitiate => (Some(0.45), Some(4)),
        Task::BuildVerify | Task::BuildInquiry => (None, Some(3)),
        Task::ReadVerify => (Some(0.75), Some(2)),
        _ => (None, None),
    };
    Bound { ratio, allocations }
}

pub(crate) fn measure() -> Outcome<Measured> {
    let times = time::told(ROUNDS)?;
    let valgrind = instructions::available();
    let mut figures = Vec::new();
    for task in Task::value_variants() {
        let cost = |by: By| -> Outcome<Cost> {
            let counted = valgrind
                .then(|| instructions::each(*task, by))
                .transpose()?;
            Ok(Cost {
                nanos: times.of(*task, by)?,
                instructions: counted,
                allocations: allocations(*task, by)?,
            })
        };
        figures.push(figure(
            *task,
            &cost(By::Core)?,
            &cost(By::Naive)?,
            &cost(By::Floor)?,
        ));
    }
    let notes = if valgrind {
        Vec::new()
    } else {
        vec![instructions::MISSING.to_owned()]
    };
    Ok(Measured {
        name: "core",
        figures,
        notes,
    })
}

/// What the work allocates each time, once it has been done before.
fn allocations(task: Task, by: By) -> Outcome<u64> {
    let mut work = task.prepare(by)?;
    work();
    Ok(allocation_counter::measure(&mut work).count_total)
}

fn figure(task: Task, core: &Cost, naive: &Cost, floor: &Cost) -> Figure {
    // The least of the rounds': what disturbs one only adds to it.
    let least = |cost: &Cost| cost.nanos.iter().copied().fold(f64::INFINITY, f64::min);
    let ratio_to = |other: &Cost| least(core) / least(other);
    let (ratio, to_floor) = (ratio_to(naive), ratio_to(floor));
    let bound = bound(task);
    let within = |limit: Option<f64>, value: f64| limit.is_none_or(|limit| value <= limit);
    let held = within(bound.ratio, ratio)
        && bound
            .allocations
            .is_none_or(|limit| core.allocations <= limit);
    let bounds = [
        bound
            .ratio
            .map(|ratio| format!("{ratio:.2} of the naive time")),
        bound
            .allocations
            .map(|count| format!("{count} allocations")),
    ];
    let bounds: Vec<_> = bounds.into_iter().flatten().collect();
    let counted = |cost: &Cost| {
        let instructions = cost
            .instructions
            .map(|it| format!(", {it:.0} instructions"));
        let nanos = least(cost);
        format!(
            "{nanos:.0} ns{}, {} allocations",
            instructions.unwrap_or_default(),
            cost.allocations
        )
    };
    let details = |cost: &Cost| {
        json!({
            "nanos": least(cost),
            "instructions": cost.instructions,
            "allocations": cost.allocations,
        })
    };
    Figure {
        name: task.name(),
        measured: format!(
            "{ratio:.2} of the naive time, {to_floor:.1} of the floor's ({}; naive {}; floor {})",
            counted(core),
            counted(naive),
            counted(floor)
        ),
        bound: if bounds.is_empty() {
            "none".to_owned()
        } else {
            bounds.join(", ")
        },
        held,
        details: json!({
            "ratio": ratio,
            "ratioToFloor": to_floor,
            "core": details(core),
            "naive": details(naive),
            "floor": details(floor),
            "rounds": core.nanos.len(),
        }),
    }
}
