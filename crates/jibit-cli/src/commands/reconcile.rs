use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jibit_checkout::{Backlog, Checkout, Happened};
use serde::Serialize;

use crate::{
    account::{self, Moves},
    args::{Reconcile, Settings},
    interrupt, progress,
    report::{Exit, Failure, Report, with_sources},
    store,
};

/// How long it rests when nothing is due.
const REST: Duration = Duration::from_secs(2);

/// How long it rests at most when the store does not work.
const MAX_REST: Duration = Duration::from_secs(30);

/// What came of it, counted.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    /// Attempts that were asked about.
    asked: usize,
    /// Those that could not be written down.
    failed: usize,
    /// Inquiries from which nothing was learnt.
    unanswered: u64,
    /// Verifies that may have left, and nobody knows.
    undetermined: u64,
    /// Attempts that came to an end, by state.
    settled: BTreeMap<&'static str, u64>,
    /// What was raised.
    alarms: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    due: u64,
    near_deadline: u64,
    undetermined: u64,
    quarantined: u64,
    unfulfilled: u64,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    counts: &'a Counts,
    waiting: Waiting,
}

#[derive(Clone, Default)]
struct Tally(Arc<Mutex<Counts>>);

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: Happened) {
        let mut counts = self.counts();
        match what {
            Happened::Unanswered => counts.unanswered += 1,
            Happened::Undetermined => counts.undetermined += 1,
            Happened::Settled(state) => *counts.settled.entry(state.as_str()).or_default() += 1,
            Happened::Raised(alarm) => *counts.alarms.entry(alarm.as_str()).or_default() += 1,
            _ => {}
        }
    }
}

pub(crate) async fn run(settings: &Settings, args: &Reconcile) -> Result<Report, Failure> {
    let account = account::open(settings, Moves::Money)?;
    let store = store::open(&args.store).await?;
    let tally = Tally::default();
    let noted = tally.clone();
    let checkout = store::checkout(account.client, store)
        .await?
        .observed_by(move |what| noted.note(what));
    work(&checkout, &tally, args.once).await?;
    let backlog = checkout.backlog().await;
    let backlog = backlog.map_err(|error| Failure::store(&error))?;
    let counts = tally.counts().clone();
    Ok(report(&counts, &backlog, args.once))
}

/// Reconciles until nothing is due, or until somebody stops it.
async fn work(checkout: &Checkout, tally: &Tally, once: bool) -> Result<(), Failure> {
    let bar = progress::bar(None);
    let mut stopped = pin!(interrupt::pressed());
    let mut rest = REST;
    loop {
        let mut batch = pin!(checkout.reconcile_some());
        let (batch, is_last) = tokio::select! {
            batch = &mut batch => (batch, false),
            () = &mut stopped => {
                // Others would have to wait until what it has taken is free again.
                progress::say("Ending after the calls under way; Ctrl-C again ends it now.");
                tokio::select! {
                    batch = &mut batch => (batch, true),
                    () = interrupt::pressed() => return Ok(()),
                }
            }
        };
        let asked = match batch {
            Ok(batch) => {
                let mut counts = tally.counts();
                counts.asked += batch.asked;
                counts.failed += batch.failed;
                bar.set_position(counts.asked as u64);
                bar.set_message(format!("asked; {}", list(&counts.settled)));
                rest = REST;
                batch.asked
            }
            Err(error) if once => return Err(Failure::store(&error)),
            Err(error) => {
                tracing::error!(
                    "nothing can be reconciled for now: {}",
                    with_sources(&error)
                );
                rest = (rest * 2).min(MAX_REST);
                0
            }
        };
        if is_last || once && asked == 0 {
            return Ok(());
        }
        if asked == 0 {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = &mut stopped => return Ok(()),
            }
        }
    }
}

fn report(counts: &Counts, backlog: &Backlog, once: bool) -> Report {
    let json = Shown {
        counts,
        waiting: Waiting {
            due: backlog.due,
            near_deadline: backlog.near_deadline,
            undetermined: backlog.undetermined,
            quarantined: backlog.quarantined,
            unfulfilled: backlog.unfulfilled,
        },
    };
    let mut text = format!(
        "Attempts asked about: {}; {}.",
        counts.asked,
        list(&counts.settled)
    );
    if !counts.alarms.is_empty() {
        text.push_str(&format!(
            "\nA person should look: {}.",
            list(&counts.alarms)
        ));
    }
    let open = counts.failed as u64 + counts.unanswered + counts.undetermined;
    if open > 0 {
        text.push_str(&format!(
            "\nAsked again later: {} without an answer, {} verifies of unknown end, {} not written down.",
            counts.unanswered, counts.undetermined, counts.failed
        ));
    }
    text.push_str(&format!(
        "\nWaiting: {} due, {} near the deadline, {} undetermined, {} quarantined, {} paid and not \
         fulfilled.",
        backlog.due,
        backlog.near_deadline,
        backlog.undetermined,
        backlog.quarantined,
        backlog.unfulfilled
    ));
    let mut report = Report::new(&json, text);
    // Who runs it for ever looks at what it says meanwhile.
    if once && open > 0 {
        report.exit = Exit::Undetermined;
    }
    report
}

/// `1 cancelled, 3 paid`.
fn list(counts: &BTreeMap<&'static str, u64>) -> String {
    if counts.is_empty() {
        return "none settled".to_owned();
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    counts.join(", ")
}
