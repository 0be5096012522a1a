//! A shop as anybody would write it, in a process of its own.

use std::{
    env,
    future::IntoFuture as _,
    net,
    os::{fd::AsFd as _, unix::process::parent_id},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    routing::{get, post},
};
use clap::{Args, ValueEnum};
use jibit_checkout::{
    CallbackUrl, Checkout, CheckoutError, CheckoutErrorKind, Purchase, open_store,
};
use jibit_hyper::{Client, Config, HyperTransport, Rial, Roots, Secret};
use tokio::{net::TcpListener, time::sleep};

use crate::{Outcome, goods::Goods, runtime, said};

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    pub(crate) gateway: String,
    /// The shop's book of what it handed out.
    #[arg(long)]
    pub(crate) goods: PathBuf,
    #[arg(long)]
    pub(crate) mistake: Option<Mistake>,
}

/// What a shop can do wrong, to see that the run finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mistake {
    /// It believes the browser.
    BelievesCallbacks,
    /// It hands goods out each time that the outbox asks.
    IgnoresKeys,
    /// It drops what the outbox gives it.
    LosesGoods,
}

/// What every order costs, in Rial.
pub(crate) const PRICE: u64 = 125_000;

pub(crate) const MERCHANT: &str = "7746";
const PASSWORD: &str = "123456";

/// The variable that names the store: an address may carry a password.
pub(crate) const STORE: &str = "JIBIT_STORE";

/// Where customers come back to.
pub(crate) const BACK: &str = "https://shop.example/back";

/// How long whoever packs has an order for himself.
const LEASE: Duration = Duration::from_secs(5);

/// How long packing takes: goods leave before the outbox hears of it.
pub(crate) const PACKING: Duration = Duration::from_millis(20);

pub(crate) fn command(arguments: &Arguments) -> Outcome<()> {
    log();
    runtime()?.block_on(serve(arguments))
}

/// Has a process to be killed write what it says to its log.
pub(crate) fn log() {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
}

/// A checkout with this gateway and the store that the address names.
pub(crate) async fn checkout(gateway: &str, store: &str) -> Outcome<Checkout> {
    let store = open_store(store).await.map_err(said)?;
    let back = CallbackUrl::new(BACK).map_err(said)?;
    Checkout::open(client(gateway)?, store, back)
        .await
        .map_err(said)
}

/// A client of this gateway.
pub(crate) fn client(gateway: &str) -> Outcome<Client> {
    let config = Config::new(gateway, MERCHANT, Secret::new(PASSWORD))
        .attempt_timeout(Duration::from_secs(3))
        .deadline(Duration::from_secs(10));
    jibit_hyper::client_with(config, plain()?).map_err(said)
}

/// What speaks plain http with this machine.
pub(crate) fn plain() -> Outcome<HyperTransport> {
    let transport = HyperTransport::builder().roots(Roots::none());
    transport.build().map_err(said)
}

#[derive(Clone)]
struct Shop {
    checkout: Checkout,
    goods: Arc<PathBuf>,
    mistake: Option<Mistake>,
}

async fn serve(arguments: &Arguments) -> Outcome<()> {
    let store = env::var(STORE).map_err(|_| format!("{STORE} is not set"))?;
    let shop = Shop {
        checkout: checkout(&arguments.gateway, &store).await?,
        goods: Arc::new(arguments.goods.clone()),
        mistake: arguments.mistake,
    };
    let goods = Goods::open(&arguments.goods)?;
    let routes = Router::new()
        .route("/buy", post(buy))
        .route("/back", get(back))
        .with_state(shop.clone());
    let served = axum::serve(listener()?, routes).into_future();
    tokio::select! {
        served = served => served.map_err(said),
        () = shop.checkout.run_reconciler() => Ok(()),
        () = shop.hand_out(&goods) => Ok(()),
        () = orphaned() => Ok(()),
    }
}

/// The socket that is the standard input: whoever started us keeps the port.
pub(crate) fn socket() -> Outcome<net::TcpListener> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned();
    Ok(net::TcpListener::from(socket.map_err(said)?))
}

pub(crate) fn listener() -> Outcome<TcpListener> {
    let socket = socket()?;
    socket.set_nonblocking(true).map_err(said)?;
    TcpListener::from_std(socket).map_err(said)
}

/// Returns when whoever started us is gone.
pub(crate) async fn orphaned() {
    let parent = parent_id();
    while parent_id() == parent {
        sleep(Duration::from_secs(1)).await;
    }
}

pub(crate) type Answer = (StatusCode, String);

fn refused(error: &CheckoutError) -> Answer {
    let status = match error.kind() {
        CheckoutErrorKind::AlreadyPaid | CheckoutErrorKind::Settling => StatusCode::CONFLICT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, said(error))
}

/// The body is an order's number, a blank, and the customer's mobile number.
async fn buy(State(shop): State<Shop>, body: String) -> Answer {
    let (number, mobile) = body.split_once(' ').unwrap_or_default();
    let purchase = || Purchase::new(number.parse()?, Rial::new(PRICE)?, mobile.parse()?);
    let started = match purchase() {
        Ok(purchase) => shop.checkout.start(purchase).await,
        Err(error) => return (StatusCode::BAD_REQUEST, said(error)),
    };
    match started {
        Ok(started) => (StatusCode::OK, started.redirect_url),
        Err(error) => refused(&error),
    }
}

async fn back(State(shop): State<Shop>, RawQuery(query): RawQuery) -> Answer {
    let query = query.unwrap_or_default();
    match shop.checkout.handle_callback(&query).await {
        Ok(Some(order)) => {
            if shop.mistake == Some(Mistake::BelievesCallbacks) && query.contains("PURCHASE_BY") {
                let handed = Goods::open(&shop.goods);
                let _ = handed.and_then(|goods| goods.hand(order.number.as_str(), false));
            }
            (StatusCode::OK, order.standing.as_str().to_owned())
        }
        Ok(None) => (StatusCode::NOT_FOUND, "unknown".to_owned()),
        Err(error) => refused(&error),
    }
}

impl Shop {
    /// Hands out whatever is paid, for ever.
    async fn hand_out(&self, goods: &Goods) {
        let careless = self.mistake == Some(Mistake::IgnoresKeys);
        loop {
            let paid = self.checkout.fulfilments(10, LEASE).await;
            let paid = paid.unwrap_or_default();
            for order in &paid {
                let handed = match self.mistake {
                    Some(Mistake::LosesGoods) => Ok(()),
                    _ => goods.hand(order.number.as_str(), careless),
                };
                sleep(PACKING).await;
                if handed.is_ok() {
                    // If that cannot be written down, the outbox asks again.
                    let _ = self.checkout.fulfilled(&order.number).await;
                }
            }
            if paid.is_empty() {
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
