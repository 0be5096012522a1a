//! What each command answers, field by field and status by status.

use std::time::Duration;

use jibit_sandbox::{Fault, Operation, Profile, Settings};
use serde_json::json;

use crate::bench::{Bench, INITIATE, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_goes_its_way() {
    let bench = Bench::new().await;
    assert_eq!(
        bench.json(&["authenticate"]).await,
        (0, json!({"authenticated": true, "username": "7746"}))
    );

    let additional = ["--additional-data", "{\"a\":1", "--description", "یک کتاب"];
    let (exit, order) = bench.json(&[&INITIATE[..], &additional].concat()).await;
    let id = order["orderId"].as_str().unwrap();
    assert_eq!(exit, 0);
    assert_eq!(
        order,
        json!({
            "orderId": id, "merchantOrderId": "m-1", "additionalData": "{\"a\":1",
            "redirectUrl": format!("{}/order/{id}", bench.sandbox.url()),
        })
    );

    assert_eq!(
        bench.verify(id).await,
        (
            9,
            json!({
                "outcome": "pending", "orderId": id, "status": "INITIAL",
                "amount": 1000, "merchantOrderId": "m-1",
            })
        )
    );
    assert_eq!(
        bench.json(&["inquiry", id]).await,
        (
            0,
            json!({
                "orderId": id, "status": "INITIAL", "merchantOrderId": "m-1", "amount": 1000,
                "additionalData": "{\"a\":1", "userIdentity": "09121234567",
            })
        )
    );

    let reference = bench.sandbox.pay(id).unwrap().ref_id().unwrap().to_owned();
    let paid = json!({
        "outcome": "paid", "orderId": id, "status": "PURCHASE_CONFIRM_BY_MERCHANT",
        "amount": 1000, "merchantOrderId": "m-1", "refId": reference,
    });
    assert_eq!(bench.verify(id).await, (0, paid.clone()));
    assert_eq!(bench.verify(id).await, (0, paid));
    assert_eq!(bench.sandbox.arrived(Operation::Verify), 1);
    assert_eq!(
        bench.json(&["inquiry", id]).await,
        (
            0,
            json!({
                "orderId": id, "status": "PURCHASE_CONFIRM_BY_MERCHANT", "merchantOrderId": "m-1",
                "amount": 1000, "refId": reference, "additionalData": "{\"a\":1",
                "userIdentity": "09121234567", "clientIp": "127.0.0.1",
            })
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tidy_gateway_looks_the_same() {
    let bench = Bench::with(Settings::default().profile(Profile::Tidy)).await;
    let id = bench.paid().await;
    assert_eq!(bench.verify(&id).await.1["outcome"], "paid");
    let (_, inquired) = bench.json(&["inquiry", &id]).await;
    assert_eq!(inquired["status"], "PURCHASE_CONFIRM_BY_MERCHANT");
    assert_eq!(inquired["clientIp"], "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_sentences() {
    let bench = Bench::new().await;
    let ran = bench.run(&INITIATE).await;
    assert_eq!(ran.exit, 0);
    assert!(ran.stdout.contains("is registered") && ran.stdout.contains("/order/"));
    assert_eq!(ran.stderr, "");
    let id = bench.paid().await;
    let words = [
        "verify",
        &id,
        "--amount",
        "1000",
        "--merchant-order-id",
        "m-1",
    ];
    assert!(
        bench
            .run(&words)
            .await
            .stdout
            .starts_with("Paid: 1000 Rial, refId ")
    );
    let inquired = bench.run(&["inquiry", &id]).await.stdout;
    assert!(
        inquired.contains("\nstatus           PURCHASE_CONFIRM_BY_MERCHANT ("),
        "{inquired}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_cancelled_is_not_paid() {
    let bench = Bench::new().await;
    let id = bench.initiate().await;
    bench.sandbox.cancel(&id).unwrap();
    let not_paid = |id: &str, status: &str| {
        json!({
            "outcome": "not-paid", "orderId": id, "status": status,
            "amount": 1000, "merchantOrderId": "m-1",
        })
    };
    assert_eq!(
        bench.verify(&id).await,
        (3, not_paid(&id, "CANCEL_BY_USER"))
    );
    let id = bench.paid().await;
    bench.sandbox.advance(Duration::from_secs(16 * 60));
    let (exit, answer) = bench.verify(&id).await;
    let mut refunded = not_paid(&id, "CANCEL_BY_SYSTEM");
    refunded["refId"] = answer["refId"].clone();
    assert_eq!((exit, answer), (3, refunded));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_or_order_is_a_mismatch_and_captures_nothing() {
    let bench = Bench::new().await;
    let id = bench.paid().await;
    for (amount, merchant_order_id) in [("100", "m-1"), ("10000", "m-1"), ("1000", "m-2")] {
        let words = [
            "verify",
            &id,
            "--amount",
            amount,
            "--merchant-order-id",
            merchant_order_id,
        ];
        let (exit, answer) = bench.json(&words).await;
        assert_eq!(exit, 4);
        assert_eq!(answer["outcome"], "mismatch");
        assert_eq!(answer["status"], "PURCHASE_BY_USER");
        assert_eq!(
            (&answer["amount"], &answer["merchantOrderId"]),
            (&json!(1000), &json!("m-1"))
        );
    }
    assert_eq!(bench.sandbox.arrived(Operation::Verify), 0);
    assert_eq!(bench.verify(&id).await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_carries_the_gateways_own_code_and_words() {
    let bench = Bench::new().await;
    let (exit, answer) = bench.json(&["inquiry", "nosuchid"]).await;
    assert_eq!(exit, 7);
    let error = &answer["error"];
    assert_eq!(
        (&error["kind"], &error["certainty"]),
        (&json!("no-such-order"), &json!("nothing-happened"))
    );
    assert_eq!(error["code"], 9020);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("this merchant has no such order")
    );

    let mut wrong = bench.command(&["authenticate", "--json"]);
    let ran = crate::bench::Ran::of(
        wrong
            .env("JIBIT_PASSWORD", "wrong-secret")
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(ran.exit, 6);
    assert_eq!(ran.json()["error"]["kind"], "credentials");
    assert_eq!(ran.json()["error"]["code"], 9001);
    assert!(!ran.stdout.contains("wrong-secret") && !ran.stderr.contains("wrong-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initiate_that_may_have_arrived_is_unknown_and_sent_once() {
    let bench = Bench::new().await;
    for fault in [
        Fault::after(Operation::Initiate, jibit_sandbox::Fate::Reset),
        Fault::after(Operation::Initiate, jibit_sandbox::Fate::Cut(20)),
        Fault::status_after(Operation::Initiate, 502),
        Fault::status_before(Operation::Initiate, 302),
    ] {
        let before = bench.sandbox.arrived(Operation::Initiate);
        bench.sandbox.inject(fault.clone());
        let (exit, answer) = bench.json(&INITIATE).await;
        assert_eq!(
            (exit, &answer["error"]["certainty"]),
            (5, &json!("unknown")),
            "{fault:?}: {answer}"
        );
        assert_eq!(bench.sandbox.arrived(Operation::Initiate), before + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_have_happened_is_unknown_and_one_before_an_order_is_not() {
    let bench = Bench::new().await;
    let sicken = || {
        for _ in 0..30 {
            bench
                .sandbox
                .inject(Fault::status_before(Operation::Authenticate, 500));
        }
    };
    sicken();
    let (exit, answer) = bench.json(&["authenticate", "--deadline", "1"]).await;
    assert_eq!(
        (exit, &answer["error"]["certainty"]),
        (5, &json!("unknown")),
        "{answer}"
    );
    assert_eq!(answer["error"]["kind"], "unavailable");
    sicken();
    let (exit, answer) = bench
        .json(&[&INITIATE[..], &["--deadline", "1"]].concat())
        .await;
    assert_eq!(
        (exit, &answer["error"]["certainty"]),
        (8, &json!("nothing-happened")),
        "{answer}"
    );
    assert_eq!(bench.sandbox.arrived(Operation::Initiate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_not_there_is_unreachable() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{closed}");
    let settings = [
        "--base-url",
        &url,
        "--username",
        "7746",
        "--deadline",
        "2",
        "--json",
    ];
    let words = [&settings[..], &["inquiry", "x"]].concat();
    let ran = crate::bench::command(&words)
        .env("JIBIT_PASSWORD", "x")
        .output()
        .await
        .unwrap();
    let ran = crate::bench::Ran::of(ran);
    assert_eq!(ran.exit, 8);
    let error = &ran.json()["error"];
    assert_eq!(
        (&error["kind"], &error["certainty"]),
        (&json!("transport"), &json!("nothing-happened"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_at_a_distant_host_only_when_told_to() {
    for settings in [
        &["--base-url", "https://pg.example"][..],
        &[], // production is the default
    ] {
        let words = [&INITIATE[..], settings, &["--username", "7746", "--json"]].concat();
        let ran = run(&words).await;
        assert_eq!(ran.exit, 2);
        let error = &ran.json()["error"];
        assert_eq!(
            (&error["kind"], &error["certainty"]),
            (&json!("configuration"), &json!("nothing-happened"))
        );
        assert!(error["message"].as_str().unwrap().contains("--live"));
    }
    // With it, the next thing that is missing is asked for.
    let words = [
        &INITIATE[..],
        &[
            "--base-url",
            "https://pg.example",
            "--live",
            "--username",
            "7746",
        ],
    ]
    .concat();
    assert!(run(&words).await.stderr.contains("password is missing"));
    // A host is loopback by what it is, not by how it begins.
    let words = [
        &INITIATE[..],
        &[
            "--base-url",
            "https://localhost.example",
            "--username",
            "7746",
        ],
    ]
    .concat();
    assert!(run(&words).await.stderr.contains("--live"));
}
