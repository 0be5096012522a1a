//! One process of a client: so many customers pay at once, each again and again.

use std::{
    sync::{self, Arc},
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;

use super::{
    average, bare, blocking, floor, own,
    payer::{BlockingPayer, Payer, Paying},
};
use crate::{Outcome, process, runtime};

/// A payment is an initiate, an inquiry and a verify.
pub(crate) const REQUESTS: usize = 3;

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// `jibit-hyper`.
    Own,
    /// hyper-util's client, set up as ours is, with requests that are ready.
    Bare,
    /// As an average user writes it on reqwest.
    Average,
    /// A socket a flow, and bytes that are ready.
    Floor,
    /// `jibit-blocking`, a thread a flow; so are those that follow.
    BlockingOwn,
    /// Our transport on ureq, with nothing above it but the core's requests and answers.
    BlockingBare,
    /// The same on ureq as it can be set up from outside.
    BlockingUreq,
    /// As an average user writes it on reqwest's blocking client.
    BlockingAverage,
    /// minreq, which keeps no connection.
    BlockingMinreq,
}

impl By {
    /// As a reader knows it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Own => "jibit-hyper",
            Self::Bare => "bare hyper-util",
            Self::Average => "reqwest",
            Self::Floor => "sockets",
            Self::BlockingOwn => "jibit-blocking",
            Self::BlockingBare => "its bare transport",
            Self::BlockingUreq => "ureq",
            Self::BlockingAverage => "reqwest::blocking",
            Self::BlockingMinreq => "minreq",
        }
    }

    /// As the command line has it.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |it| it.get_name().to_owned())
    }
}

/// What a client is to do.
#[derive(Args)]
pub(crate) struct Flows {
    #[command(flatten)]
    paying: Paying,
    #[arg(long, value_enum)]
    by: By,
    /// How often each of them pays.
    #[arg(long, default_value_t = 1)]
    payments: usize,
    /// For how long that is repeated.
    #[arg(long)]
    seconds: Option<u64>,
}

/// What it came to, without the start.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Spent {
    pub(crate) requests: usize,
    pub(crate) seconds: f64,
    /// This process's own time.
    pub(crate) cpu_seconds: f64,
    pub(crate) allocations: u64,
    /// At the end, in bytes.
    pub(crate) memory: u64,
}

impl Flows {
    pub(crate) fn run(&self) -> Outcome<()> {
        let spent = match self.by {
            By::Own => self.spend(own::payers(&self.paying)?),
            By::Bare => self.spend(bare::payers(&self.paying)?),
            By::Average => self.spend(average::payers(&self.paying)?),
            By::Floor => self.spend(floor::payers(&self.paying)?),
            By::BlockingOwn => self.spend_threads(blocking::own(&self.paying)?),
            By::BlockingBare => self.spend_threads(blocking::bare(&self.paying)?),
            By::BlockingUreq => self.spend_threads(blocking::ureq(&self.paying)?),
            By::BlockingAverage => self.spend_threads(average::blocking_payers(&self.paying)?),
            By::BlockingMinreq => self.spend_threads(blocking::minreq(&self.paying)?),
        }?;
        println!("{}", serde_json::json!(spent));
        Ok(())
    }

    fn spend<P: Payer>(&self, payers: Vec<P>) -> Outcome<Spent> {
        let runtime = runtime()?;
        // Connections and tokens come before anything is counted.
        let (mut payers, _) = runtime.block_on(all(payers, 1))?;
        let before = process::cpu_time(std::process::id())?;
        let end = self
            .seconds
            .map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let (mut turns, mut time) = (0, Duration::ZERO);
        let mut paid = Ok(());
        let counted = allocation_counter::measure(|| {
            paid = runtime.block_on(async {
                while turns == 0 || end.is_some_and(|end| Instant::now() < end) {
                    let back = all(std::mem::take(&mut payers), self.payments).await?;
                    payers = back.0;
                    time += back.1;
                    turns += 1;
                }
                Ok::<_, String>(())
            });
        });
        paid?;
        self.spent(before, time, turns, counted.count_total)
    }

    fn spend_threads<P: BlockingPayer>(&self, payers: Vec<P>) -> Outcome<Spent> {
        // All are connected; this one looks at the time; all pay; it looks again.
        let gate = sync::Barrier::new(payers.len() + 1);
        let paid = |flow: usize, mut payer: P| {
            let first = payer.pay(flow * 1_000_000);
            gate.wait();
            gate.wait();
            let mut paid = Ok(());
            let counted = allocation_counter::measure(|| {
                paid = (0..self.payments).try_for_each(|it| payer.pay(flow * 1_000_000 + it));
            });
            // The system forgets a thread's time with the thread.
            gate.wait();
            gate.wait();
            first.and(paid).map(|()| counted.count_total)
        };
        thread::scope(|scope| {
            let paid = &paid;
            let threads: Vec<_> = payers
                .into_iter()
                .enumerate()
                .map(|(flow, payer)| scope.spawn(move || paid(flow, payer)))
                .collect();
            gate.wait();
            let before = process::cpu_time(std::process::id()).unwrap_or_default();
            let begun = Instant::now();
            gate.wait();
            gate.wait();
            let spent = self.spent(before, begun.elapsed(), 1, 0);
            gate.wait();
            let mut spent = spent?;
            for thread in threads {
                spent.allocations += thread.join().map_err(|_| "a thread panicked")??;
            }
            Ok(spent)
        })
    }

    fn spent(
        &self,
        before: Duration,
        time: Duration,
        turns: usize,
        allocations: u64,
    ) -> Outcome<Spent> {
        let own = std::process::id();
        Ok(Spent {
            requests: turns * self.paying.flows * self.payments * REQUESTS,
            seconds: time.as_secs_f64(),
            cpu_seconds: process::cpu_time(own)?.saturating_sub(before).as_secs_f64(),
            allocations,
            memory: process::memory(own)?.now,
        })
    }
}

/// Has all pay at once, each so often, and gives them back.
async fn all<P: Payer>(payers: Vec<P>, payments: usize) -> Outcome<(Vec<P>, Duration)> {
    let start = Arc::new(Barrier::new(payers.len()));
    let begun = Instant::now();
    let tasks: Vec<_> = payers
        .into_iter()
        .enumerate()
        .map(|(flow, mut payer)| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                for payment in 0..payments {
                    payer.pay(flow * 1_000_000 + payment).await?;
                }
                Ok::<_, String>(payer)
            })
        })
        .collect();
    let mut back = Vec::with_capacity(tasks.len());
    for task in tasks {
        let ended = task
            .await
            .map_err(|error| format!("a flow ended: {error}"))?;
        back.push(ended?);
    }
    Ok((back, begun.elapsed()))
}
