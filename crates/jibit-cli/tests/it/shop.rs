//! A shop on jibit-checkout beside the command: it starts payments, and remembers
//! them in a file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jibit_checkout::{CallbackUrl, Checkout, OrderNumber, Purchase, SqliteStore, Store};
use jibit_hyper::{Config, HyperTransport, Rial, Roots, Secret, Timestamp};

use crate::bench::{Bench, Ran};

/// The number that a customer gives; the command shows its end alone.
pub(crate) const MOBILE: &str = "09121234567";

pub(crate) struct Shop {
    pub(crate) bench: Bench,
    pub(crate) checkout: Checkout,
    /// The store's file.
    pub(crate) file: String,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let bench = Bench::new().await;
        std::fs::create_dir_all(&bench.state).unwrap();
        let file = bench.state.join("shop.sqlite3");
        let store = SqliteStore::open(&file).await.unwrap();
        let checkout = checkout(&bench, store).await;
        Self {
            bench,
            checkout,
            file: file.to_str().unwrap().to_owned(),
        }
    }

    /// Begins a payment; gives back the gateway's id.
    pub(crate) async fn start(&self, number: &str) -> String {
        start(&self.checkout, number).await
    }

    /// An order whose customer paid, and never came back.
    pub(crate) async fn paid(&self, number: &str) -> String {
        let id = self.start(number).await;
        self.bench.sandbox.pay(&id).unwrap();
        id
    }

    /// An order that somebody else captured, with this account.
    pub(crate) async fn strangers(&self, number: &str) -> String {
        let id = self.paid(number).await;
        let attempt = format!("{number}-1");
        let words = ["verify", &id, "--amount", "1000"];
        let words = [&words[..], &["--merchant-order-id", &attempt]].concat();
        assert_eq!(self.bench.run(&words).await.exit, 0);
        id
    }

    /// Runs the command on this store.
    pub(crate) async fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.bench.command(words);
        let ran = command.env("JIBIT_STORE", &self.file).output();
        Ran::of(ran.await.unwrap())
    }

    pub(crate) async fn json(&self, words: &[&str]) -> (i32, serde_json::Value) {
        let ran = self.run(&[words, &["--json"]].concat()).await;
        (ran.exit, ran.json())
    }

    pub(crate) async fn state(&self, number: &str) -> String {
        let number: OrderNumber = number.parse().unwrap();
        let order = self.checkout.order(&number).await.unwrap();
        order.attempts.last().unwrap().state.to_string()
    }
}

/// A shop's checkout, a minute ago: what it starts is due.
pub(crate) async fn checkout(bench: &Bench, store: impl Store + 'static) -> Checkout {
    let config = Config::new(
        bench.sandbox.url(),
        "7746",
        Secret::new(jibit_canary::PASSWORD),
    );
    let transport = HyperTransport::builder().roots(Roots::none());
    let client = jibit_hyper::client_with(config, transport.build().unwrap()).unwrap();
    let url = CallbackUrl::new("https://shop.example/return").unwrap();
    let checkout = Checkout::open(client, store, url).await.unwrap();
    checkout.timed_by(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::default() + (since - Duration::from_secs(60))
    })
}

pub(crate) async fn start(checkout: &Checkout, number: &str) -> String {
    let number: OrderNumber = number.parse().unwrap();
    let amount = Rial::new(1000).unwrap();
    let purchase = Purchase::new(number.clone(), amount, MOBILE.parse().unwrap()).unwrap();
    checkout.start(purchase).await.unwrap();
    let order = checkout.order(&number).await.unwrap();
    let id = order.attempts.last().unwrap().order_id.clone();
    id.unwrap().to_string()
}
