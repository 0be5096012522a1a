//! Initiates orders, each with texts and a customer of its own.

use std::net::SocketAddr;

use clap::Args;

use crate::{
    Outcome,
    requests::Merchant,
    wire::{connections, drive},
};

/// How many requests are made at a time: all of them would take memory, too.
const BATCH: usize = 20_000;

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    orders: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let mut connections = connections(arguments.address, 64)?;
    let mut merchant = Merchant::new(arguments.address);
    let login = [merchant.authenticate()];
    drive(&mut connections, &login, |pair| {
        merchant.token = pair.result("token")?;
        Ok(())
    })?;
    let mut stored = 0_u64;
    for from in (0..arguments.orders).step_by(BATCH) {
        let to = arguments.orders.min(from + BATCH);
        let batch: Vec<_> = (from..to).map(|number| merchant.initiate(number)).collect();
        drive(&mut connections, &batch, |order| {
            stored += 1;
            order.success().map(drop)
        })?;
    }
    println!("{stored}");
    Ok(())
}
