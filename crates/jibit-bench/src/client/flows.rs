//! One process of a client: so many customers pay at once, each again and again.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use tokio::sync::Barrier;

use super::{average, bare, floor, own};
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
}

/// What a client is to do.
#[derive(Args)]
pub(crate) struct Flows {
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// The gateway speaks TLS and this is its certificate.
    #[arg(long)]
    pub(crate) certificate: Option<PathBuf>,
    #[arg(long, value_enum)]
    by: By,
    /// How many pay at once.
    #[arg(long)]
    pub(crate) flows: usize,
    /// How often each of them pays.
    #[arg(long)]
    payments: usize,
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

/// A client that pays.
pub(crate) trait Payer: Send + 'static {
    /// The payment with this number, all of it.
    fn pay(&mut self, number: usize) -> impl Future<Output = Outcome<()>> + Send;
}

impl Flows {
    pub(crate) fn run(&self) -> Outcome<()> {
        let spent = match self.by {
            By::Own => self.spend(own::payers(self)?),
            By::Bare => self.spend(bare::payers(self)?),
            By::Average => self.spend(average::payers(self)?),
            By::Floor => self.spend(floor::payers(self)?),
        }?;
        println!("{}", serde_json::json!(spent));
        Ok(())
    }

    /// Where the gateway is.
    pub(crate) fn gateway(&self) -> String {
        let scheme = match self.certificate {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    pub(crate) fn certificate(&self) -> Outcome<Option<Vec<u8>>> {
        let read = |file| std::fs::read(file).map_err(|error| format!("no certificate: {error}"));
        self.certificate.as_ref().map(read).transpose()
    }

    fn spend<P: Payer>(&self, payers: Vec<P>) -> Outcome<Spent> {
        let runtime = runtime()?;
        // Connections and tokens come before anything is counted.
        let (payers, _) = runtime.block_on(all(payers, 1))?;
        let own = std::process::id();
        let before = process::cpu_time(own)?;
        let mut paid = None;
        let counted = allocation_counter::measure(|| {
            paid = Some(runtime.block_on(all(payers, self.payments)));
        });
        let (_payers, time) = paid.ok_or("nothing was paid")??;
        let spent = process::cpu_time(own)?.saturating_sub(before);
        Ok(Spent {
            requests: self.flows * self.payments * REQUESTS,
            seconds: time.as_secs_f64(),
            cpu_seconds: spent.as_secs_f64(),
            allocations: counted.count_total,
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
