//! The whole client over real sockets, against the sandbox and its faults.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jibit_hyper::{
    CallbackUrl, Certainty, Client, Config, ErrorKind, Expected, NewOrder, OrderId, Secret, Verdict,
};
use jibit_sandbox::{Account, Effect, Fate, Fault, Operation, Phase, Sandbox};

use super::transport;

fn client(sandbox: &Sandbox, password: &str) -> Client {
    let config = Config::new(sandbox.url(), "7746", Secret::new(password))
        .attempt_timeout(Duration::from_secs(1));
    jibit_hyper::client_with(config, transport()).unwrap()
}

fn expected() -> Expected {
    Expected {
        amount: "1000".parse().unwrap(),
        merchant_order_id: "m-1".parse().unwrap(),
    }
}

fn order() -> NewOrder {
    NewOrder::new(
        "1000".parse().unwrap(),
        CallbackUrl::new("https://shop.example/return").unwrap(),
        "09121234567".parse().unwrap(),
        "m-1".parse().unwrap(),
    )
    .unwrap()
}

fn garbage() -> Effect {
    Effect::Answer(Response::new(Bytes::from_static(b"\xff{{{")))
}

#[tokio::test]
async fn a_verify_ends_paid_whatever_becomes_of_its_answer() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "123456");
    let fates = [
        Fate::Close,
        Fate::Reset,
        Fate::Cut(0),
        Fate::Cut(30),
        Fate::Hang,
        Fate::Flood(512 * 1024 * 1024),
    ];
    let mut faults = Vec::new();
    for fate in fates {
        faults.push(Fault::before(Operation::Verify, fate.clone()));
        faults.push(Fault::after(Operation::Verify, fate));
    }
    for status in [302, 401, 429, 500, 503] {
        faults.push(Fault::status_before(Operation::Verify, status));
        faults.push(Fault::status_after(Operation::Verify, status));
    }
    faults.push(Fault::new(Operation::Verify, Phase::Before, garbage()));
    faults.push(Fault::new(Operation::Verify, Phase::After, garbage()));

    let mut runs = Vec::new();
    for fault in faults {
        let id = client.initiate(order()).await.unwrap().order_id;
        sandbox.pay(id.as_str()).unwrap();
        sandbox.inject(fault.clone());
        let verdict = client.settle(id, expected()).await.unwrap();
        assert!(
            matches!(verdict, Verdict::Paid(_)),
            "{fault:?}: {verdict:?}"
        );
        runs.push(fault);
    }
    let merchant = Account::Merchant("7746".to_owned());
    assert_eq!(sandbox.balance(&merchant), 1000 * runs.len() as i128);
    assert_eq!(sandbox.balance(&Account::Escrow), 0);
}

#[tokio::test]
async fn an_initiate_whose_answer_is_lost_is_on_the_wire_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "123456");
    for (sent, fault) in (1..).zip([
        Fault::after(Operation::Initiate, Fate::Reset),
        Fault::after(Operation::Initiate, Fate::Cut(9)),
        Fault::before(Operation::Initiate, Fate::Hang),
        Fault::status_after(Operation::Initiate, 500),
        Fault::new(Operation::Initiate, Phase::After, garbage()),
    ]) {
        sandbox.inject(fault);
        let error = client.initiate(order()).await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::Unknown);
        assert_eq!(sandbox.arrived(Operation::Initiate), sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_calls_at_once_authenticate_once() {
    let sandbox = Sandbox::start().await.unwrap();
    for (logins, password) in [(1, "123456"), (2, "wrong")] {
        let client = client(&sandbox, password);
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let client = client.clone();
                let id = OrderId::new("nosuchid").unwrap();
                tokio::spawn(async move { client.inquiry(id).await.unwrap_err().kind() })
            })
            .collect();
        let kind = if password == "wrong" {
            ErrorKind::Credentials
        } else {
            ErrorKind::NoSuchOrder
        };
        for call in calls {
            assert_eq!(call.await.unwrap(), kind);
        }
        assert_eq!(sandbox.arrived(Operation::Authenticate), logins);
    }
    assert_eq!(sandbox.arrived(Operation::Inquiry), 100);
}

#[tokio::test]
async fn an_order_id_cannot_change_what_is_asked() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "123456");
    for id in [
        "../../authenticate",
        "a?x=1#y",
        "initiate/../../x",
        "%2e%2e",
    ] {
        let id = OrderId::new(id).unwrap();
        let error = client.inquiry(id.clone()).await.unwrap_err();
        assert_eq!(error.answer().and_then(|answer| answer.code()), Some(9020));
        assert!(matches!(
            client.settle(id, expected()).await,
            Err(error) if error.kind() == ErrorKind::NoSuchOrder
        ));
    }
    assert_eq!(sandbox.arrived(Operation::Authenticate), 1);
    assert_eq!(sandbox.arrived(Operation::Inquiry), 8);
    assert!(OrderId::new("a\r\nX: y").is_err());
}
