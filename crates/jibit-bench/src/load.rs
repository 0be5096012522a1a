//! One timed round: everything that a request needs is made before it, and the
//! server's own time on its core is read before and after.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{
    Outcome, process,
    requests::{Merchant, hello},
    wire::{Connection, connections, drive},
};

/// How many orders inquiries go round.
const INQUIRED: usize = 1_000;

/// What is asked in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    Hello,
    Authenticate,
    Refresh,
    Initiate,
    Verify,
    Inquiry,
}

impl Target {
    /// As the command line has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Authenticate => "authenticate",
            Self::Refresh => "refresh",
            Self::Initiate => "initiate",
            Self::Verify => "verify",
            Self::Inquiry => "inquiry",
        }
    }
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the server listens.
    #[arg(long)]
    address: SocketAddr,
    /// Where the timed requests go, if it is elsewhere.
    #[arg(long)]
    to: Option<SocketAddr>,
    /// The process that the timed requests go to.
    #[arg(long)]
    server: u32,
    #[arg(long)]
    target: Target,
    #[arg(long)]
    requests: usize,
    #[arg(long)]
    connections: usize,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Round {
    pub(crate) requests: usize,
    pub(crate) seconds: f64,
    /// The server's own time.
    pub(crate) server_seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let mut timed = connections(arguments.address, arguments.connections)?;
    let requests = prepare(arguments, &mut timed)?;
    if let Some(elsewhere) = arguments.to {
        timed = connections(elsewhere, arguments.connections)?;
    }
    rest();
    let before = process::cpu_time(arguments.server)?;
    let begun = Instant::now();
    drive(&mut timed, &requests, |answer| answer.success().map(drop))?;
    let seconds = begun.elapsed().as_secs_f64();
    rest();
    let spent = process::cpu_time(arguments.server)?.saturating_sub(before);
    let round = Round {
        requests: requests.len(),
        seconds,
        server_seconds: spent.as_secs_f64(),
    };
    println!("{}", serde_json::json!(round));
    Ok(())
}

/// The system counts a process's time when it stops: have the server stop.
fn rest() {
    thread::sleep(Duration::from_millis(20));
}

/// The round's requests, and whatever has to happen before them.
fn prepare(arguments: &Arguments, connections: &mut [Connection]) -> Outcome<Vec<Vec<u8>>> {
    let &Arguments {
        address,
        target,
        requests: count,
        ..
    } = arguments;
    if target == Target::Hello {
        return Ok(vec![hello(address); count]);
    }
    let merchant = log_in(address, connections)?;
    Ok(match target {
        Target::Hello | Target::Authenticate => vec![merchant.authenticate(); count],
        Target::Refresh => {
            // A refresh token works once.
            let logins = vec![merchant.authenticate(); count];
            let mut requests = Vec::with_capacity(count);
            drive(connections, &logins, |pair| {
                let (token, refresh) = (pair.result("token")?, pair.result("refreshToken")?);
                requests.push(merchant.refresh(&token, &refresh));
                Ok(())
            })?;
            requests
        }
        Target::Initiate => (0..count).map(|number| merchant.initiate(number)).collect(),
        Target::Verify => {
            // So does a verify.
            let orders = paid(&merchant, connections, count)?;
            orders.iter().map(|order| merchant.verify(order)).collect()
        }
        Target::Inquiry => {
            let orders = paid(&merchant, connections, INQUIRED)?;
            let orders = orders.iter().cycle().take(count);
            orders.map(|order| merchant.inquiry(order)).collect()
        }
    })
}

fn log_in(address: SocketAddr, connections: &mut [Connection]) -> Outcome<Merchant> {
    let mut merchant = Merchant::new(address);
    let login = [merchant.authenticate()];
    drive(connections, &login, |pair| {
        merchant.token = pair.result("token")?;
        Ok(())
    })?;
    Ok(merchant)
}

/// New orders that their customers have paid.
fn paid(merchant: &Merchant, connections: &mut [Connection], count: usize) -> Outcome<Vec<String>> {
    let initiated: Vec<_> = (0..count).map(|number| merchant.initiate(number)).collect();
    let mut orders = Vec::with_capacity(count);
    drive(connections, &initiated, |order| {
        orders.push(order.result("orderId")?);
        Ok(())
    })?;
    let payments: Vec<_> = orders.iter().map(|order| merchant.pay(order)).collect();
    drive(connections, &payments, |paid| match paid.status {
        200 => Ok(()),
        status => Err(format!("an order could not be paid: {status}")),
    })?;
    Ok(orders)
}
