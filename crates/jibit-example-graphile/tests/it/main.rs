//! The example with a real Postgres, a real gateway and workers that are killed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::{
    process::{Child, Command},
    time::{Duration, Instant},
};

use jibit_checkout::{CallbackUrl, Checkout, PostgresStore, Purchase};
use jibit_hyper::{Config, HyperTransport, Roots, Secret};
use jibit_sandbox::{Account, Operation, Sandbox, State};
use jibit_test_postgres::{Server, client};

/// A worker, killed when nobody needs it any more.
struct Worker(Child);

impl Worker {
    fn start(database: &str, gateway: &str) -> Self {
        let worker = Command::new(env!("CARGO_BIN_EXE_jibit-example-graphile"))
            .env("DATABASE_URL", database)
            .env("JIBIT_BASE_URL", gateway)
            .env("JIBIT_USERNAME", "7746")
            .env("JIBIT_PASSWORD", "123456")
            .spawn();
        Self(worker.unwrap())
    }
}

impl Drop for Worker {
    /// SIGKILL: nothing is told, and nothing is given back.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for what has to come, however slow this machine is.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{what} did not come"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_in_the_middle_loses_nothing() {
    const ORDERS: usize = 12;
    let Some(server) = Server::shared() else {
        return;
    };
    let database = server.database().await;
    let sandbox = Sandbox::start().await.unwrap();
    let store = PostgresStore::connect(&database).await.unwrap();
    let config = Config::new(sandbox.url(), "7746", Secret::new("123456"));
    let transport = HyperTransport::builder()
        .roots(Roots::none())
        .build()
        .unwrap();
    let shop = jibit_hyper::client_with(config, transport).unwrap();
    let back = CallbackUrl::new("https://shop.example/paid").unwrap();
    let shop = Checkout::open(shop, store, back).await.unwrap();

    // Customers who pay and never come back.
    let mut pages = Vec::new();
    for order in 0..ORDERS {
        let number = format!("order-{order}").parse().unwrap();
        let (amount, mobile) = ("125000".parse().unwrap(), "09121234567".parse().unwrap());
        let purchase = Purchase::new(number, amount, mobile).unwrap();
        let url = shop.start(purchase).await.unwrap().redirect_url;
        let id = url.rsplit('/').next().unwrap().to_owned();
        sandbox.pay(&id).unwrap();
        pages.push(id);
    }
    // As if the time to ask had come; and the lease of whoever has died is over.
    let own = client(&database).await;
    let pass_time = async || {
        let due = "UPDATE jibit.attempts SET next_ask = 0 WHERE next_ask > 0";
        own.batch_execute(due).await.unwrap();
    };
    pass_time().await;

    // Each verify captures, and its answer is long in coming: the worker is killed then.
    sandbox.arm("verify after always delay=9s".parse().unwrap());
    let worker = Worker::start(&database, &sandbox.url());
    until("a verify", async || sandbox.arrived(Operation::Verify) > 0).await;
    drop(worker);
    let killed_in_the_middle = "SELECT count(*) FROM jibit.attempts WHERE state = 'verify-intent'";
    let row = own.query_one(killed_in_the_middle, &[]).await.unwrap();
    assert!(row.get::<_, i64>(0) > 0, "nobody was killed in the middle");

    // Another one takes over, is killed at some moment, and a third one ends it.
    sandbox.arm("".parse().unwrap());
    pass_time().await;
    let worker = Worker::start(&database, &sandbox.url());
    let verifies = sandbox.arrived(Operation::Verify);
    until("another verify", async || {
        sandbox.arrived(Operation::Verify) > verifies
    })
    .await;
    drop(worker);
    pass_time().await;
    let _worker = Worker::start(&database, &sandbox.url());
    let paid = "SELECT count(*) FROM jibit.attempts WHERE state = 'paid'";
    until("the last payment", async || {
        let row = own.query_one(paid, &[]).await.unwrap();
        row.get::<_, i64>(0) == ORDERS as i64
    })
    .await;

    // The gateway's book: each was captured, and by its amount once.
    for id in &pages {
        assert_eq!(
            sandbox.state(id),
            Some(State::PurchaseConfirmByMerchant),
            "{id}"
        );
    }
    let merchant = sandbox.balance(&Account::Merchant("7746".into()));
    assert_eq!(merchant, 125_000 * ORDERS as i128);
    let handed = shop
        .fulfilments(100, Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(handed.len(), ORDERS, "each is to be fulfilled once");
    let again = shop
        .fulfilments(100, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(again.is_empty());
}
