//! `jibit sandbox` against its floors.

mod endpoints;
mod orders;
mod peers;
mod start;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    Outcome,
    figures::Measured,
    process::{Core, cores, jibit},
};

const MIB: u64 = 1024 * 1024;

/// The bound on memory, in bytes.
const MEMORY: u64 = 512 * MIB;

#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Measure only this; it can be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Endpoints,
    Orders,
    Start,
    Peers,
}

/// What the parts share.
struct Bench {
    /// The measured program.
    jibit: PathBuf,
    /// For servers that are timed, and for their load.
    server: Core,
    load: Core,
}

pub(crate) fn measure(arguments: &Arguments) -> Outcome<Measured> {
    let jibit = jibit()?;
    let cores = cores();
    let (server, load) = cores.unwrap_or((Core(None), Core(None)));
    let bench = Bench {
        jibit,
        server,
        load,
    };
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let mut figures = Vec::new();
    if wanted(Part::Endpoints) {
        figures.extend(endpoints::measure(&bench)?);
    }
    if wanted(Part::Orders) {
        figures.extend(orders::measure(&bench)?);
    }
    if wanted(Part::Start) {
        figures.push(start::measure(&bench)?);
    }
    if wanted(Part::Peers) {
        figures.extend(peers::measure(&bench)?);
    }
    let pinned = if cores.is_some() {
        "The five operations and hello ran on core 0, their load on core 1."
    } else {
        "NOT PINNED: this system has no taskset or no second core, so the five operations' figures say little."
    };
    Ok(Measured {
        name: "sandbox",
        figures,
        notes: vec![pinned.to_owned()],
    })
}

fn mib(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / MIB as f64)
}
