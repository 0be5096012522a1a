//! Clients that pay and are paid: a login, then whole payments, each over a
//! connection of its own, as customers come. Nothing is tried twice.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    Outcome,
    figures::quantile,
    requests::Merchant,
    wire::{Answer, Connection},
};

/// Between two payments of one client: these are shops and not a load.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    clients: usize,
    #[arg(long)]
    seconds: u64,
}

/// What became of them.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Paid {
    pub(crate) payments: usize,
    pub(crate) requests: usize,
    /// In the words of the first ones.
    pub(crate) failures: usize,
    pub(crate) first_failures: Vec<String>,
    /// How long 99 of 100 requests took at most, and the slowest.
    pub(crate) p99_millis: f64,
    pub(crate) slowest_millis: f64,
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    payments: usize,
    failures: Vec<String>,
    millis: Vec<f64>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    let clients: Vec<_> = (0..arguments.clients)
        .map(|number| {
            let merchant = Merchant::new(arguments.address);
            thread::spawn(move || client(merchant, number, end))
        })
        .collect();
    let mut paid = Paid::default();
    let mut millis = Vec::new();
    for client in clients {
        let seen = client.join().map_err(|_| "a client panicked")?;
        paid.payments += seen.payments;
        paid.failures += seen.failures.len();
        let first = seen.failures.into_iter();
        paid.first_failures
            .extend(first.take(5 - paid.first_failures.len().min(5)));
        millis.extend(seen.millis);
    }
    paid.requests = millis.len();
    paid.p99_millis = quantile(&mut millis, 0.99);
    paid.slowest_millis = quantile(&mut millis, 1.0);
    println!("{}", serde_json::json!(paid));
    Ok(())
}

fn client(mut merchant: Merchant, number: usize, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let login = merchant.authenticate();
    let token = Connection::open(merchant.address)
        .and_then(|mut connection| seen.ask(&mut connection, &login, |pair| pair.result("token")));
    match token {
        Ok(token) => merchant.token = token,
        Err(error) => seen.failures.push(format!("authenticate: {error}")),
    }
    let mut orders = (number * 100_000)..;
    while Instant::now() < end
        && let Some(order) = orders.next()
    {
        match payment(&merchant, order, &mut seen) {
            Ok(()) => seen.payments += 1,
            Err(error) => seen.failures.push(error),
        }
        thread::sleep(PAUSE);
    }
    seen
}

fn payment(merchant: &Merchant, number: usize, seen: &mut Seen) -> Outcome<()> {
    let said = |call: &'static str| move |error| format!("{call}: {error}");
    let mut connection = Connection::open(merchant.address)?;
    let connection = &mut connection;
    let initiate = merchant.initiate(number);
    let order = seen
        .ask(connection, &initiate, |order| order.result("orderId"))
        .map_err(said("initiate"))?;
    seen.ask(connection, &merchant.pay(&order), |paid| paid.json())
        .map_err(said("pay"))?;
    seen.ask(connection, &merchant.verify(&order), |verified| {
        verified.success().map(drop)
    })
    .map_err(said("verify"))?;
    let inquired = seen
        .ask(connection, &merchant.inquiry(&order), |order| order.json())
        .map_err(said("inquiry"))?;
    match inquired.get("statusV").and_then(|status| status.as_str()) {
        Some("PURCHASE_CONFIRM_BY_MERCHANT") => Ok(()),
        status => Err(format!("inquiry: the status is {status:?}")),
    }
}

impl Seen {
    /// One request, and how long it took.
    fn ask<T>(
        &mut self,
        connection: &mut Connection,
        request: &[u8],
        read: impl FnOnce(Answer<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        let begun = Instant::now();
        let answer = connection.exchange(request).and_then(read);
        self.millis.push(begun.elapsed().as_secs_f64() * 1000.0);
        answer
    }
}
