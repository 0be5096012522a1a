//! How far a run has come, on standard error.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::sleep;

/// Counts that a run's parts count up.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) store: &'static str,
    pub(crate) payments: u64,
    pub(crate) kills: u64,
    /// How many customers came to the end of what they do.
    pub(crate) served: AtomicU64,
    pub(crate) killed: AtomicU64,
    /// How many orders the shops have yet to catch up with.
    pub(crate) waiting: AtomicU64,
}

impl Progress {
    fn line(&self) -> String {
        let (served, killed) = (self.served.load(Relaxed), self.killed.load(Relaxed));
        let mut line = format!(
            "{}: {served} of {} customers, {killed} of {} kills",
            self.store, self.payments, self.kills
        );
        let waiting = self.waiting.load(Relaxed);
        if waiting > 0 {
            line = format!("{line}, catching up with {waiting}");
        }
        line
    }
}

/// Shows the runs, for ever: over one line if somebody watches, and else rarely.
pub(crate) async fn show(runs: &[Arc<Progress>]) {
    let watched = stderr().is_terminal();
    let pause = Duration::from_secs(if watched { 1 } else { 15 });
    loop {
        sleep(pause).await;
        let lines: Vec<_> = runs.iter().map(|run| run.line()).collect();
        let line = lines.join("; ");
        if watched {
            eprint!("\r{line}\x1b[K");
            let _ = stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }
}
