//! A shop that takes one order from its start to its goods and ends, to be killed at
//! whatever it asks of the system.

use std::{
    env,
    io::{Write as _, stdin, stdout},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use jibit_checkout::{Checkout, Purchase, Started};
use jibit_hyper::Rial;

use crate::{
    Outcome,
    goods::Goods,
    runtime, said,
    shop::{self, PRICE, STORE},
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    gateway: String,
    /// The shop's book of what it handed out.
    #[arg(long)]
    goods: PathBuf,
}

/// The only order there is.
pub(crate) const NUMBER: &str = "order-1";

/// How long whoever packs has an order for himself.
const LEASE: Duration = Duration::from_secs(5);

/// Prints the page; reads the query that the customer came back with.
pub(crate) fn command(arguments: &Arguments) -> Outcome<()> {
    let store = env::var(STORE).map_err(|_| format!("{STORE} is not set"))?;
    runtime()?.block_on(async {
        let checkout = shop::checkout(&arguments.gateway, &store).await?;
        let goods = Goods::open(&arguments.goods)?;
        let started = start(&checkout).await?;
        writeln!(stdout(), "{}", started.redirect_url).map_err(said)?;
        let mut query = String::new();
        stdin().read_line(&mut query).map_err(said)?;
        let back = checkout.handle_callback(query.trim()).await;
        back.map_err(said)?.ok_or("the callback is not ours")?;
        hand_out(&checkout, &goods).await
    })
}

/// Begins the order, or takes it up again.
pub(crate) async fn start(checkout: &Checkout) -> Outcome<Started> {
    let number = NUMBER.parse().map_err(said)?;
    let mobile = "09121234567".parse().map_err(said)?;
    let amount = Rial::new(PRICE).map_err(said)?;
    let purchase = Purchase::new(number, amount, mobile).map_err(said)?;
    checkout.start(purchase).await.map_err(said)
}

/// Hands out what is paid by now.
pub(crate) async fn hand_out(checkout: &Checkout, goods: &Goods) -> Outcome<()> {
    for order in checkout.fulfilments(1, LEASE).await.map_err(said)? {
        goods.hand(order.number.as_str(), false)?;
        checkout.fulfilled(&order.number).await.map_err(said)?;
    }
    Ok(())
}
