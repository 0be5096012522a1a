//! What a checkout tells whoever watches it.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    order::{Alarm, State},
    store::Backlog,
};

/// Something that happened in a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happened {
    /// A customer was given somewhere to pay.
    Started,
    /// The gateway gave no orderId for an attempt.
    NotInitiated,
    /// A callback came with one of our codes.
    Called,
    /// A callback came with a code that is none of ours.
    Strange,
    /// The gateway was asked about an attempt, and answered.
    Asked,
    /// It was asked, and nothing was learnt.
    Unanswered,
    /// An attempt came to this final state.
    Settled(State),
    /// A verify may have left, and nobody knows what became of it.
    Undetermined,
    /// This was raised.
    Raised(Alarm),
    /// The store did not work.
    StoreFailed,
}

/// Watches a checkout. It is called between two steps of a payment: be quick.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn happened(&self, what: Happened);
}

impl<F: Fn(Happened) + Send + Sync> Observer for F {
    fn happened(&self, what: Happened) {
        self(what);
    }
}

/// Counts what happens, and tells it to Prometheus.
///
/// ```
/// use jibit_checkout::{Backlog, Happened, Metrics, Observer};
///
/// let metrics = Metrics::default();
/// metrics.happened(Happened::Called);
/// let text = metrics.prometheus(&Backlog::default());
/// assert!(text.contains("jibit_checkout_events_total{event=\"called\"} 1\n"));
/// ```
#[derive(Debug, Default)]
pub struct Metrics {
    events: [AtomicU64; EVENTS.len()],
    settled: [AtomicU64; State::ALL.len()],
    alarms: [AtomicU64; Alarm::ALL.len()],
}

/// The events that are counted by themselves.
const EVENTS: [(Happened, &str); 8] = [
    (Happened::Started, "started"),
    (Happened::NotInitiated, "not-initiated"),
    (Happened::Called, "called"),
    (Happened::Strange, "strange"),
    (Happened::Asked, "asked"),
    (Happened::Unanswered, "unanswered"),
    (Happened::Undetermined, "undetermined"),
    (Happened::StoreFailed, "store-failed"),
];

impl Observer for Metrics {
    fn happened(&self, what: Happened) {
        let counter = match what {
            Happened::Settled(state) => counter(&self.settled, State::ALL.iter(), &state),
            Happened::Raised(alarm) => counter(&self.alarms, Alarm::ALL.iter(), &alarm),
            event => counter(&self.events, EVENTS.iter().map(|(event, _)| event), &event),
        };
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn counter<'a, T: PartialEq + 'a>(
    counters: &'a [AtomicU64],
    mut of: impl Iterator<Item = &'a T>,
    which: &T,
) -> Option<&'a AtomicU64> {
    of.position(|it| it == which)
        .and_then(|place| counters.get(place))
}

impl Metrics {
    /// The counters since the start and what waits now, as Prometheus reads them.
    #[must_use]
    pub fn prometheus(&self, backlog: &Backlog) -> String {
        let mut text = String::new();
        let events = EVENTS.iter().map(|(_, name)| *name).zip(&self.events);
        counters(&mut text, "events", "event", "What happened.", events);
        let finals = State::ALL.iter().zip(&self.settled);
        let finals = finals.filter(|(state, _)| state.is_final());
        let finals = finals.map(|(state, count)| (state.as_str(), count));
        counters(
            &mut text,
            "settled",
            "state",
            "Attempts that came to an end.",
            finals,
        );
        let alarms = Alarm::ALL.iter().map(|alarm| alarm.as_str());
        let alarms = alarms.zip(&self.alarms);
        counters(
            &mut text,
            "alarms",
            "alarm",
            "What a person should look at.",
            alarms,
        );
        for (name, help, value) in [
            ("due", "Attempts to be asked about now.", backlog.due),
            (
                "near_deadline",
                "Attempts paid ten minutes ago or more, and not captured.",
                backlog.near_deadline,
            ),
            (
                "undetermined",
                "Attempts whose verify may have left, and nobody knows.",
                backlog.undetermined,
            ),
            (
                "quarantined",
                "Attempts that a person has to decide.",
                backlog.quarantined,
            ),
            (
                "unfulfilled",
                "Paid orders that are not fulfilled.",
                backlog.unfulfilled,
            ),
        ] {
            let name = format!("jibit_checkout_{name}");
            // Writing to a String does not fail.
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"
            );
        }
        text
    }
}

fn counters<'a>(
    text: &mut String,
    name: &str,
    label: &str,
    help: &str,
    counters: impl Iterator<Item = (&'a str, &'a AtomicU64)>,
) {
    let name = format!("jibit_checkout_{name}_total");
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
    for (value, count) in counters {
        let count = count.load(Ordering::Relaxed);
        let _ = writeln!(text, "{name}{{{label}=\"{value}\"}} {count}");
    }
}
