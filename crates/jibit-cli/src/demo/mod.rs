//! `jibit demo`: a gateway, a shop and a customer on this machine, and one
//! payment between them over real sockets.

mod customer;
mod shop;
mod web;

use std::time::Instant;

use anstyle::{AnsiColor, Style};
use jibit_hyper::{Client, Config, HyperTransport, Roots, Secret};
use jibit_sandbox::Sandbox;
use serde::Serialize;

use crate::{
    args::Demo,
    print_line,
    report::{Exit, Failure, Report},
};
use customer::Customer;
use shop::Shop;

const USERNAME: &str = "7746";
const PASSWORD: &str = "123456";

/// What the demo came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    outcome: &'static str,
    order_id: &'a str,
    status: &'a str,
    amount: u64,
    merchant_order_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'a str>,
}

pub(crate) async fn run(args: &Demo, json: bool) -> Result<Option<Report>, Failure> {
    if args.web {
        return web::run(args.listen, json).await.map(|()| None);
    }
    let sandbox = Sandbox::start().await.map_err(|error| no_port(&error))?;
    let (client, transport) = client(&sandbox)?;
    let teller = Teller::new(!json);
    let shop = Shop::open(client.clone(), teller.clone())
        .await
        .map_err(|error| no_port(&error))?;
    let customer = Customer::new(transport);
    let paid = pay(&sandbox, &client, &shop, &customer, &teller).await?;
    Ok(Some(paid))
}

fn no_port(error: &std::io::Error) -> Failure {
    Failure::configuration(format!("the demo gets no port to listen on: {error}"))
}

/// The shop's client of this sandbox, and what it sends with.
fn client(sandbox: &Sandbox) -> Result<(Client, HyperTransport), Failure> {
    // No authority is needed for plain http to this machine.
    let transport = HyperTransport::builder().roots(Roots::none()).build()?;
    let config = Config::new(sandbox.url(), USERNAME, Secret::new(PASSWORD));
    let client = jibit_hyper::client_with(config, transport.clone())?;
    Ok((client, transport))
}

/// Goes the whole way once, as the customer.
async fn pay(
    sandbox: &Sandbox,
    client: &Client,
    shop: &Shop,
    customer: &Customer,
    teller: &Teller,
) -> Result<Report, Failure> {
    teller.title("One payment from end to end, over real sockets on this machine");
    teller.line(&format!(
        "gateway  {}   (a sandbox; no money moves)",
        sandbox.url()
    ));
    teller.line(&format!("shop     {}\n", shop.url()));

    client.authenticate().await?;
    teller.step(
        "authenticate",
        "the shop showed its password and got a pair of tokens",
    );

    let page = customer.buy(&shop.url()).await?;
    teller.step(
        "page",
        &format!("the customer opens {page} and presses “pay”"),
    );
    let back = customer.pay(&page).await?;
    customer.follow(&back).await?;

    let told = shop.last().ok_or_else(|| {
        Failure::configuration("the shop was told of no order; report this as a bug")
    })?;
    let inquired = client.inquiry(told.order_id.clone()).await?;
    let status = inquired.status.as_str();
    teller.step(
        "inquiry",
        &format!("asked once more, the gateway says {status}"),
    );
    let paid = told.paid && inquired.status == jibit_hyper::OrderStatus::PurchaseConfirmByMerchant;
    let json = Ended {
        outcome: if paid { "paid" } else { "undetermined" },
        order_id: told.order_id.as_str(),
        status,
        amount: told.amount.get(),
        merchant_order_id: told.merchant_order_id.as_str(),
        ref_id: told.ref_id.as_deref(),
    };
    let text = if paid {
        format!("\nOrder {} is paid: {status}.", told.order_id)
    } else {
        format!("\nOrder {} did not end paid: {status}.", told.order_id)
    };
    Ok(Report {
        exit: if paid { Exit::Done } else { Exit::Undetermined },
        ..Report::new(&json, text)
    })
}

/// Tells a person what happens, if one is there to read.
#[derive(Clone)]
struct Teller {
    speaks: bool,
    begun: Instant,
}

impl Teller {
    fn new(speaks: bool) -> Self {
        Self {
            speaks,
            begun: Instant::now(),
        }
    }

    fn title(&self, text: &str) {
        let bold = Style::new().bold();
        self.line(&format!("{bold}{text}{bold:#}\n"));
    }

    fn line(&self, text: &str) {
        if self.speaks {
            print_line(text);
        }
    }

    fn step(&self, name: &str, text: &str) {
        let (dim, green) = (Style::new().dimmed(), AnsiColor::Green.on_default());
        let millis = self.begun.elapsed().as_secs_f64() * 1000.0;
        self.line(&format!(
            "{dim}{millis:>6.1} ms{dim:#}  {green}{name:<13}{green:#} {text}"
        ));
    }
}
