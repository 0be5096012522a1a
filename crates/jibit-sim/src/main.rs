//! Shops, customers and the gateway in one thread: many short histories, each with
//! faults, deaths and a clock of its own, and each judged against the invariants.
//!
//! `cargo xtask sim` builds this and runs it. The client and the checkout are the
//! real ones, over a store in memory and the sandbox's gateway without a socket. A
//! history follows from its seed alone: `--replay SEED` plays it again and prints what
//! happened in it.

#![forbid(unsafe_code)]

mod executor;
mod explore;
mod history;
mod judge;
mod mistake;
mod plan;
mod rows;
mod shop;
mod shrink;
mod steps;
mod wire;
mod witness;
mod world;

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum as _};
use explore::Scene;
use mistake::Mistake;
use plan::Plan;
use world::{Counts, Played};

/// A history is small allocations for the most part: with this one, a quarter more of
/// them are played in the same time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Plays histories of shops, customers and the gateway, and judges them.")]
struct Arguments {
    /// How many histories.
    #[arg(long, default_value_t = 10_000)]
    histories: u64,
    /// The first history's seed; each other has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// On how many threads. Each history is played on one.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Makes the shop careless in this way: it has to be found.
    #[arg(long)]
    mistake: Option<Mistake>,
    /// In place of histories: walks through every order in which hosts can do a few
    /// things, and every place at which one can die.
    #[arg(long, conflicts_with_all = ["histories", "seed", "threads", "replay"])]
    explore: bool,
    /// Plays the history of this seed alone, and prints it.
    #[arg(long, conflicts_with_all = ["histories", "seed", "threads"])]
    replay: Option<u64>,
    /// Also judges S10: reads every log, at trace level, for secrets. It takes its time.
    #[arg(long, conflicts_with = "explore")]
    listen: bool,
    /// With --replay: also what a failure does not need.
    #[arg(long, requires = "replay")]
    whole: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.replay {
        return replay(seed, &arguments);
    }
    if arguments.explore {
        return explore(arguments.mistake);
    }
    let run = Run::default();
    let begun = Instant::now();
    thread::scope(|scope| {
        let players: Vec<_> = (0..arguments.threads.max(1))
            .map(|_| scope.spawn(|| run.play(&arguments)))
            .collect();
        while !players.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(200));
            run.show(&arguments, begun);
        }
    });
    run.report(&arguments, begun)
}

fn explore(mistake: Option<Mistake>) -> ExitCode {
    let mut holds = true;
    for scene in Scene::value_variants() {
        let begun = Instant::now();
        let walked = explore::walk(*scene, mistake);
        println!(
            "  {scene:<12?} {:>8} states, {:>8} walks, {:>7} to an end, {} violations, {:.1} s",
            walked.states,
            walked.walks,
            walked.ends,
            walked.violations.len(),
            begun.elapsed().as_secs_f64(),
        );
        for violation in walked.violations.iter().take(3) {
            println!("    {violation}");
        }
        holds &= walked.violations.is_empty();
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// From so many histories on, each row of the decision table has to have been taken.
const ENOUGH: u64 = 10_000;

impl Arguments {
    fn play(&self, plan: &Plan, is_told: bool) -> Played {
        let play = if self.listen {
            history::listen
        } else {
            history::play
        };
        play(plan, self.mistake, is_told)
    }
}

fn replay(seed: u64, arguments: &Arguments) -> ExitCode {
    let plan = Plan::draw(seed);
    let holds = arguments.play(&plan, false).violations.is_empty();
    if holds || arguments.whole {
        tell(&plan, arguments);
    } else {
        println!("without what its failure does not need (--whole has all of it):");
        let least = shrink::shrink(&plan, |plan| arguments.play(plan, false));
        tell(&least, arguments);
    }
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn tell(plan: &Plan, arguments: &Arguments) {
    println!("{plan:#?}");
    let played = arguments.play(plan, true);
    for line in &played.transcript {
        println!("{line}");
    }
    println!("trace {:016x}", played.hash);
    for violation in &played.violations {
        println!("VIOLATED {violation}");
    }
}

/// Histories under way on some threads.
#[derive(Default)]
struct Run {
    taken: AtomicU64,
    done: AtomicU64,
    sum: Mutex<Sum>,
}

#[derive(Default)]
struct Sum {
    /// Of the histories' hashes: the same whatever the order they were played in.
    trace: u64,
    counts: Counts,
    /// Seeds, and what did not hold.
    failed: Vec<(u64, Vec<String>)>,
}

impl Run {
    fn play(&self, arguments: &Arguments) {
        let mut own = Sum::default();
        loop {
            let place = self.taken.fetch_add(1, Relaxed);
            if place >= arguments.histories {
                break;
            }
            let seed = arguments.seed.wrapping_add(place);
            let played = arguments.play(&Plan::draw(seed), false);
            own.trace = own.trace.wrapping_add(played.hash);
            own.counts.add(&played.counts);
            if !played.violations.is_empty() {
                own.failed.push((seed, played.violations));
            }
            self.done.fetch_add(1, Relaxed);
        }
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.trace = sum.trace.wrapping_add(own.trace);
        sum.counts.add(&own.counts);
        sum.failed.append(&mut own.failed);
    }

    fn show(&self, arguments: &Arguments, begun: Instant) {
        if stderr().is_terminal() {
            let done = self.done.load(Relaxed);
            let pace = done as f64 / begun.elapsed().as_secs_f64();
            eprint!(
                "\r{done} of {} histories, {pace:.0} a second\x1b[K",
                arguments.histories
            );
            let _ = stderr().flush();
        }
    }

    fn report(&self, arguments: &Arguments, begun: Instant) -> ExitCode {
        let took = begun.elapsed().as_secs_f64();
        let done = self.done.load(Relaxed);
        if stderr().is_terminal() {
            eprintln!();
        }
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        println!(
            "  histories     {done:>10}  ({:.0} a second)",
            done as f64 / took
        );
        sum.counts.print();
        println!("  trace   {:016x}", sum.trace);
        println!("  violations    {:>10}", sum.failed.len());
        sum.failed.sort();
        for (seed, violations) in sum.failed.iter().take(10) {
            for violation in violations.iter().take(3) {
                println!("  {violation}");
            }
            let with = arguments
                .mistake
                .and_then(|mistake| mistake.to_possible_value());
            let mut with = with.map_or(String::new(), |it| format!(" --mistake {}", it.get_name()));
            if arguments.listen {
                with += " --listen";
            }
            println!("    again: cargo xtask sim --replay {seed}{with}");
        }
        if done < arguments.histories {
            println!("  a thread ended early");
            return ExitCode::FAILURE;
        }
        // A few histories cannot have met everything.
        let missing = sum.counts.rows.missing();
        if arguments.mistake.is_none() && done >= ENOUGH && !missing.is_empty() {
            println!("  rows of the decision table that nothing came to:");
            missing.iter().for_each(|cell| println!("    {cell}"));
            return ExitCode::FAILURE;
        }
        if sum.failed.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests;
