//! The driver on a real runtime, over a transport of the test's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jibit_client::{
    Client, Clock, Config, Error, ErrorKind, Expected, Secret, Timestamp, Transport,
    TransportError, Verdict,
};
use tokio::time::{Instant, sleep, sleep_until};

struct TokioClock(Instant);

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000) + self.0.elapsed()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        sleep_until(Instant::now() + instant.since(self.now())).await;
    }
}

/// A gateway behind no wire, which counts what arrives.
#[derive(Default)]
struct Gateway {
    logins: AtomicU32,
    verifies: AtomicU32,
    refuses: bool,
    /// The first login never answers.
    first_login_hangs: bool,
    first_login_panics: bool,
    /// The first verify captures, and its answer never comes.
    first_verify_hangs: bool,
}

#[async_trait]
impl Transport for Gateway {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        sleep(Duration::from_millis(20)).await;
        let body = match request.uri().path() {
            "/authenticate" => {
                let earlier = self.logins.fetch_add(1, SeqCst);
                assert!(
                    !(earlier == 0 && self.first_login_panics),
                    "a transport's own bug"
                );
                if earlier == 0 && self.first_login_hangs {
                    std::future::pending::<()>().await;
                }
                if self.refuses {
                    r#"{"errorCode":3}"#.to_owned()
                } else {
                    r#"{"errorCode":0,"result":{"token":"t","refreshToken":"r"}}"#.to_owned()
                }
            }
            path if path.starts_with("/order/verify/") => {
                if self.verifies.fetch_add(1, SeqCst) == 0 && self.first_verify_hangs {
                    std::future::pending::<()>().await;
                }
                r#"{"errorCode":0,"result":{"merchantOrderId":"m-1","amount":100}}"#.to_owned()
            }
            _ => {
                let paid = if self.verifies.load(SeqCst) > 0 {
                    "PURCHASE_CONFIRM_BY_MERCHANT"
                } else {
                    "PURCHASE_BY_USER"
                };
                format!(r#"{{"statusV":"{paid}","merchantOrderId":"m-1","amount":100}}"#)
            }
        };
        Ok(Response::new(body.into()))
    }
}

fn client(gateway: Gateway) -> (Client, Arc<Gateway>) {
    let gateway = Arc::new(gateway);
    let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
    (
        Client::new(config, 7, gateway.clone(), TokioClock(Instant::now())).unwrap(),
        gateway,
    )
}

fn order() -> jibit_client::OrderId {
    "o1".parse().unwrap()
}

/// The outcomes of a hundred inquiries at once.
async fn hundred(client: &Client) -> Vec<Result<(), Error>> {
    let calls = (0..100).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.inquiry(order()).await.map(drop) })
    });
    let mut outcomes = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        outcomes.push(call.await.unwrap());
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_authenticate_once() {
    let (client, gateway) = client(Gateway::default());
    assert!(hundred(&client).await.iter().all(Result::is_ok));
    assert_eq!(gateway.logins.load(SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_calls_with_a_wrong_password_ask_once_on_many_threads() {
    let (client, gateway) = client(Gateway {
        refuses: true,
        ..Gateway::default()
    });
    for outcome in hundred(&client).await {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Credentials);
    }
    assert_eq!(gateway.logins.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_verify_whose_answer_never_comes_still_ends_paid() {
    let (client, gateway) = client(Gateway {
        first_verify_hangs: true,
        ..Gateway::default()
    });
    let expected = Expected {
        amount: "100".parse().unwrap(),
        merchant_order_id: "m-1".parse().unwrap(),
    };
    let verdict = client.settle(order(), expected).await.unwrap();
    assert!(matches!(verdict, Verdict::Paid(_)));
    assert_eq!(gateway.verifies.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_leader_lets_the_others_go_on_at_once() {
    let (client, gateway) = client(Gateway {
        first_login_hangs: true,
        ..Gateway::default()
    });
    let leader = tokio::spawn({
        let client = client.clone();
        async move { client.authenticate().await }
    });
    sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    let others = tokio::spawn({
        let client = client.clone();
        async move { hundred(&client).await }
    });
    sleep(Duration::from_millis(100)).await;
    leader.abort();
    assert!(others.await.unwrap().iter().all(Result::is_ok));
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "after the lease: {:?}",
        begun.elapsed()
    );
    assert_eq!(gateway.logins.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_takes_nobody_with_it() {
    let (client, gateway) = client(Gateway {
        first_login_panics: true,
        ..Gateway::default()
    });
    let leader = tokio::spawn({
        let client = client.clone();
        async move { client.authenticate().await }
    });
    tokio::task::yield_now().await;
    let begun = Instant::now();
    assert!(hundred(&client).await.iter().all(Result::is_ok));
    assert!(leader.await.unwrap_err().is_panic());
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(gateway.logins.load(SeqCst), 2);
}

/// A store that never answers.
struct Silent;

#[async_trait]
impl jibit_client::TokenStore for Silent {
    async fn claim(
        &self,
        _: &jibit_client::Account,
        _: Duration,
    ) -> Result<jibit_client::Claim, jibit_client::StoreError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_holds_a_call_up_for_two_seconds() {
    let (client, gateway) = client(Gateway::default());
    client.share_tokens(Silent);
    let begun = Instant::now();
    client.inquiry(order()).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(gateway.logins.load(SeqCst), 1);
}

#[cfg(feature = "file-tokens")]
#[tokio::test]
async fn clients_share_tokens_by_a_folder() {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("shared-{}", std::process::id()));
    let mut logins = 0;
    for _ in 0..3 {
        let (client, gateway) = client(Gateway::default());
        client.share_tokens(jibit_client::FileTokens::new(&folder));
        client.inquiry(order()).await.unwrap();
        logins += gateway.logins.load(SeqCst);
    }
    assert_eq!(logins, 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn tokens_go_from_one_client_to_the_next() {
    let (first, _) = client(Gateway::default());
    first.authenticate().await.unwrap();
    let (next, gateway) = client(Gateway::default());
    next.restore_tokens(&first.export_tokens().unwrap())
        .unwrap();
    next.inquiry(order()).await.unwrap();
    assert_eq!(gateway.logins.load(SeqCst), 0);
    assert_eq!(format!("{next:?}"), "Client { .. }");
}

#[test]
fn a_client_and_its_futures_travel_between_threads() {
    fn travels<T: Send>(_: T) {}
    fn shared<T: Send + Sync>() {}
    shared::<Client>();
    let (client, _) = client_outside();
    travels(client.settle(
        order(),
        Expected {
            amount: "1".parse().unwrap(),
            merchant_order_id: "m".parse().unwrap(),
        },
    ));
}

fn client_outside() -> (Client, Arc<Gateway>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    client(Gateway::default())
}
