//! One order on a real SQLite file, its shop killed at each call that it makes to the
//! system, and each of its writes failing once and from then on. Whatever was struck,
//! the order comes to one capture and its goods leave once.
//!
//! Debian's strace does it. It shows the death of a process, not the loss of power.

mod life;
mod trace;

use std::{
    env,
    io::{IsTerminal as _, Write as _, stderr},
    path::Path,
    process::Command,
};

use jibit_sandbox::{Account, Sandbox};

use crate::{
    Outcome, runtime, said,
    shop::{MERCHANT, PRICE},
};
use life::{Life, Strike};
use trace::Trace;

/// What a full or a broken disk answers to a write.
const ERRORS: [&str; 2] = ["ENOSPC", "EIO"];

/// The calls that change a file or make a change last.
const WRITES: [&str; 6] = [
    "fdatasync",
    "fsync",
    "ftruncate",
    "pwrite64",
    "pwritev",
    "write",
];

/// What the lives came to.
#[derive(Default)]
struct Counts {
    lives: u64,
    killed: u64,
    failed: u64,
    /// Strikes that met nothing: a thread makes a call more or less from life to life.
    missed: u64,
    disagreements: Vec<String>,
}

pub(crate) fn command() -> Outcome<()> {
    if !has_strace() {
        let how = "system calls cannot be struck: there is no strace (apt-get install strace)";
        if env::var_os("JIBIT_NO_SKIP").is_some() {
            return Err(how.to_owned());
        }
        println!("skipped: {how}");
        return Ok(());
    }
    runtime()?.block_on(strike_all())
}

fn has_strace() -> bool {
    let asked = Command::new("strace").arg("--version").output();
    asked.is_ok_and(|output| output.status.success())
}

async fn strike_all() -> Outcome<()> {
    let sandbox = Sandbox::start().await.map_err(said)?;
    let mut counts = Counts::default();

    let undisturbed = live(&sandbox, Strike::None, &mut counts).await?;
    undisturbed.sends_after_the_disk()?;
    let calls = undisturbed.most_by_a_thread(|_| true);
    // On the files of the store and of the shop's book alone, as a full disk would.
    let written = live(&sandbox, Strike::Watch, &mut counts).await?;
    let writes = written.most_by_a_thread(|name| WRITES.contains(&name));
    if calls.is_empty() || !writes.keys().any(|name| name.contains("sync")) {
        return Err("the trace of an undisturbed life shows no calls".to_owned());
    }

    let kills = each(&calls).map(|(name, nth)| Strike::Kill { name, nth });
    let errors = ERRORS.into_iter().flat_map(|error| {
        [false, true].into_iter().flat_map({
            let writes = &writes;
            move |lasting| {
                each(writes).map(move |(name, nth)| Strike::Fail {
                    name,
                    nth,
                    error,
                    lasting,
                })
            }
        })
    });
    let strikes: Vec<_> = kills.chain(errors).collect();
    let all = strikes.len() as u64;
    for strike in strikes {
        live(&sandbox, strike, &mut counts).await?;
        show(&counts, all);
    }
    if stderr().is_terminal() {
        eprintln!();
    }
    check_money(&sandbox, &mut counts);
    report(&counts)
}

/// Every call of every name, from the first to the last.
fn each(calls: &trace::Calls) -> impl Iterator<Item = (&str, u64)> {
    calls
        .iter()
        .flat_map(|(name, most)| (1..=*most).map(move |nth| (name.as_str(), nth)))
}

/// One life of a shop and what came after it. Without a strike there is one of its own.
async fn live(sandbox: &Sandbox, strike: Strike<'_>, counts: &mut Counts) -> Outcome<Trace> {
    let said = strike.to_string();
    let life = Life::new(sandbox)?;
    let trace = life.lead(&strike).await?;
    counts.lives += 1;
    match strike {
        Strike::None | Strike::Watch => {
            if let Some(trouble) = trace.trouble() {
                return Err(format!("an undisturbed shop: {trouble}"));
            }
        }
        Strike::Kill { .. } if trace.was_killed() => counts.killed += 1,
        Strike::Fail { .. } if trace.met_errors() => {
            counts.failed += 1;
            // An error is reported; nothing falls over.
            if let Some(trouble) = trace.trouble() {
                counts.disagreements.push(format!("{said}: {trouble}"));
            }
        }
        Strike::Kill { .. } | Strike::Fail { .. } => counts.missed += 1,
    }
    if let Err(trouble) = life.recover().await {
        let kept = life.keep();
        let where_ = Path::display(&kept);
        (counts.disagreements).push(format!("{said}: {trouble} (kept in {where_})"));
    }
    Ok(trace)
}

/// The sandbox's book: one price a life, and nothing left over.
fn check_money(sandbox: &Sandbox, counts: &mut Counts) {
    let merchant = sandbox.balance(&Account::Merchant(MERCHANT.to_owned()));
    let escrow = sandbox.balance(&Account::Escrow);
    let due = i128::from(counts.lives * PRICE);
    if merchant != due || escrow != 0 {
        counts.disagreements.push(format!(
            "the merchant has {merchant} Rial of {due}, and {escrow} wait to be captured"
        ));
    }
}

fn show(counts: &Counts, all: u64) {
    let done = counts.killed + counts.failed + counts.missed;
    let line = format!(
        "{done} of {all} lives, {} disagree",
        counts.disagreements.len()
    );
    if stderr().is_terminal() {
        eprint!("\r{line}\x1b[K");
        let _ = stderr().flush();
    } else if done.is_multiple_of(100) {
        eprintln!("{line}");
    }
}

fn report(counts: &Counts) -> Outcome<()> {
    println!("  lives            {:>6}", counts.lives);
    println!("  killed at a call {:>6}", counts.killed);
    println!("  a write failed   {:>6}", counts.failed);
    println!("  nothing struck   {:>6}", counts.missed);
    println!("  disagreements    {:>6}", counts.disagreements.len());
    println!("  the disk had each intent before initiate and before verify left");
    for disagreement in &counts.disagreements {
        println!("  {disagreement}");
    }
    // A strike may miss; if most do, the trace is not read right.
    let struck = counts.killed + counts.failed;
    if struck < counts.missed * 9 {
        return Err(format!(
            "only {struck} strikes met something, and {} did not",
            counts.missed
        ));
    }
    if counts.disagreements.is_empty() {
        return Ok(());
    }
    Err(format!("{} lives disagree", counts.disagreements.len()))
}
