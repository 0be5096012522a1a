//! Ten thousand connections that say next to nothing, and honest clients beside
//! them.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Bench, MEMORY, mib};
use crate::{
    Outcome,
    figures::{Figure, progress},
    honest::Paid,
    process::{Core, Running, Server, memory, open_files, peer, read_json},
    slow::Held,
};

/// How many have to be open all the time.
const ENOUGH: u32 = 10_000;

/// The sandbox closes each of them every ten seconds, and a few are then on their
/// way back.
const PEERS: u32 = 10_600;

const CLIENTS: u32 = 64;
const SECONDS: u64 = 30;

pub(super) fn measure(bench: &Bench) -> Outcome<Vec<Figure>> {
    let name = format!("{CLIENTS} honest clients beside them");
    let bound = format!("no request fails in {SECONDS} s");
    let wanted = u64::from(PEERS) + 200;
    let hard = rlimit::Resource::NOFILE.get_hard().unwrap_or_default();
    if hard < wanted {
        let why =
            format!("the hard limit of open files is {hard}, and it takes {wanted} (ulimit -Hn)");
        return Ok(vec![Figure::unmeasured(&name, &bound, &why)]);
    }
    progress(&format!("{PEERS} slow peers arrive"));
    let sandbox = Server::sandbox(&bench.jibit, Core(None))?;
    let own_files = open_files(sandbox.id())?;
    let mut slow = start(&[
        "slow".to_owned(),
        format!("--address={}", sandbox.address),
        format!("--peers={PEERS}"),
        format!("--enough={}", PEERS - 100),
        format!("--seconds={SECONDS}"),
    ])?;
    if slow.line()? != "ready" {
        return Err("the slow peers are not ready".to_owned());
    }
    progress(&format!("{CLIENTS} honest clients pay for {SECONDS} s"));
    let mut honest = start(&[
        "honest".to_owned(),
        format!("--address={}", sandbox.address),
        format!("--clients={CLIENTS}"),
        format!("--seconds={SECONDS}"),
    ])?;
    // The peers leave at the end, and are not counted any more just before it.
    let last_look = Instant::now() + Duration::from_secs(SECONDS - 1);
    let mut least = u32::MAX;
    while Instant::now() < last_look {
        // Honest clients' connections do not count.
        let files = open_files(sandbox.id())?;
        least = least.min(files.saturating_sub(own_files + CLIENTS));
        thread::sleep(Duration::from_millis(500));
    }
    let held: Held = read_json(&slow.line()?)?;
    let paid: Paid = read_json(&honest.line()?)?;
    let memory = memory(sandbox.id())?;
    for failure in &paid.first_failures {
        progress(&format!("an honest client failed: {failure}"));
    }
    Ok(vec![
        Figure {
            name: "slow connections".to_owned(),
            measured: format!(
                "{} on average, {} at the least; {least} by the sandbox's open files",
                held.average, held.least
            ),
            bound: format!("{ENOUGH} open at any time in {SECONDS} s"),
            held: held.least >= ENOUGH && least >= ENOUGH,
            details: json!({"peers": held, "leastInSandbox": least}),
        },
        Figure {
            name,
            measured: format!(
                "{} of {} failed, in {} payments; 99 of 100 took at most {:.1} ms, the slowest {:.1} ms",
                paid.failures, paid.requests, paid.payments, paid.p99_millis, paid.slowest_millis
            ),
            bound,
            held: paid.failures == 0 && paid.payments > 0,
            details: json!(paid),
        },
        Figure {
            name: "memory with all of them".to_owned(),
            measured: format!("{} at most", mib(memory.peak)),
            bound: format!("below {} of memory", mib(MEMORY)),
            held: memory.peak < MEMORY,
            details: json!({"peakBytes": memory.peak}),
        },
    ])
}

fn start(words: &[String]) -> Outcome<Running> {
    Running::start(peer(Core(None), words)?)
}
