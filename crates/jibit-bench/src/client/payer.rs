//! What everybody who pays has in common.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use jibit_proto::{Expected, wire::Payment};

use crate::Outcome;

/// Whom to pay, and how many do so at once.
#[derive(Args)]
pub(crate) struct Paying {
    #[arg(long)]
    pub(super) address: SocketAddr,
    /// The gateway speaks TLS and this is its certificate.
    #[arg(long)]
    certificate: Option<PathBuf>,
    /// How many pay at once.
    #[arg(long)]
    pub(super) flows: usize,
    /// How many requests may be under way; as many as pay if it is not given.
    #[arg(long)]
    pub(super) in_flight: Option<usize>,
}

impl Paying {
    /// Where the gateway is.
    pub(super) fn gateway(&self) -> String {
        let scheme = match self.certificate {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    pub(super) fn certificate(&self) -> Outcome<Option<Vec<u8>>> {
        let read = |file| std::fs::read(file).map_err(|error| format!("no certificate: {error}"));
        self.certificate.as_ref().map(read).transpose()
    }
}

/// A client that pays.
pub(super) trait Payer: Send + 'static {
    /// The payment with this number, all of it.
    fn pay(&mut self, number: usize) -> impl Future<Output = Outcome<()>> + Send;
}

/// A client that pays on a thread of its own.
pub(super) trait BlockingPayer: Send {
    /// The payment with this number, all of it.
    fn pay(&mut self, number: usize) -> Outcome<()>;
}

/// Whether what was found and what was verified is what was to be paid.
pub(super) fn paid(found: &Payment, verified: &Payment, expected: &Expected) -> Outcome<()> {
    let paid = [found, verified].map(Payment::amount) == [Some(expected.amount); 2];
    if paid {
        Ok(())
    } else {
        Err("another amount".to_owned())
    }
}
