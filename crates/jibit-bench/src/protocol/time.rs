//! Time by criterion, in rounds that take everybody in turn: what disturbs the machine
//! for a while disturbs all who are compared.
//!
//! Criterion prints as it goes, so it runs in a process of its own and leaves its
//! estimates in a folder.

use std::{fs, path::Path, process::Stdio, time::Duration};

use clap::ValueEnum as _;
use criterion::{Criterion, SamplingMode};
use serde::Deserialize;
use tempfile::TempDir;

use super::work::{By, Task};
use crate::{
    Outcome,
    process::{Core, peer, read_json},
};

const WARM_UP: Duration = Duration::from_millis(30);
const MEASURED: Duration = Duration::from_millis(100);
const SAMPLES: usize = 20;

/// What a run of [`measure`] left.
pub(super) struct Times {
    folder: TempDir,
    rounds: usize,
}

/// Runs [`measure`] in another process.
pub(super) fn told(rounds: usize) -> Outcome<Times> {
    let folder = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
    let words = [
        "core-time".to_owned(),
        format!("--folder={}", folder.path().display()),
    ];
    let output = peer(Core(None), &words)?
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("a peer cannot be started: {error}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        return Err(format!("criterion's process failed: {told}"));
    }
    Ok(Times { folder, rounds })
}

impl Times {
    /// A round's nanoseconds for one piece of work, a round after the other.
    pub(super) fn of(&self, task: Task, by: By) -> Outcome<Vec<f64>> {
        #[derive(Deserialize)]
        struct Estimates {
            median: Estimate,
        }
        #[derive(Deserialize)]
        struct Estimate {
            point_estimate: f64,
        }

        let round = |round: usize| {
            let place = format!("{}/{round}/new/estimates.json", name(task, by));
            let text = fs::read_to_string(self.folder.path().join(&place))
                .map_err(|error| format!("criterion left no {place}: {error}"))?;
            let estimates: Estimates = read_json(&text)?;
            Ok(estimates.median.point_estimate)
        };
        (0..self.rounds).map(round).collect()
    }
}

pub(super) fn measure(folder: &Path, rounds: usize) -> Outcome<()> {
    let mut criterion = Criterion::default()
        .output_directory(folder)
        .without_plots()
        .warm_up_time(WARM_UP)
        .measurement_time(MEASURED)
        .sample_size(SAMPLES)
        .nresamples(1_001);
    for task in Task::value_variants() {
        for round in 0..rounds {
            for by in By::value_variants() {
                let mut work = task.prepare(*by)?;
                let mut group = criterion.benchmark_group(name(*task, *by));
                group.sampling_mode(SamplingMode::Flat);
                group.bench_function(round.to_string(), |bencher| bencher.iter(&mut work));
            }
        }
    }
    Ok(())
}

fn name(task: Task, by: By) -> String {
    format!("{} by {by:?}", task.name())
}
