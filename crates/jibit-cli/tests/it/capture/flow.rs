//! Whole payments through the proxy.

use std::{collections::BTreeSet, fs};

use bytes::Bytes;
use http::Response;
use jibit_hyper::Secret;
use jibit_proto::{
    BaseUrl, CallbackUrl, HttpHosts, OrderId,
    wire::{
        Payment,
        authenticate::{self, Tokens},
        initiate::{self, NewOrder},
        inquiry::{self, Inquired},
        refresh, verify,
    },
};
use jibit_sandbox::Sandbox;
use jibit_testkit::Fixture;
use serde_json::{Value, json};

use super::{Capture, PASSWORD, ask, fixtures, login, order, sandbox};
use crate::bench::{INITIATE, Ran, command};

/// What a shop saw of a payment.
struct Went {
    tokens: [Tokens; 2],
    id: OrderId,
    paid: Inquired,
    receipt: Payment,
    /// The answer to a second verify.
    refused: Response<Bytes>,
}

async fn pay(base: &BaseUrl, sandbox: &Sandbox) -> Went {
    let hosts = HttpHosts::loopback();
    let first = login(base).await;
    let renewed = ask(refresh::request(base, &first).unwrap()).await;
    let second = refresh::parse(&renewed, &first).unwrap();
    let token = &second.token;
    let registered =
        ask(initiate::request(base, &token.bearer().unwrap(), &order()).unwrap()).await;
    let id = initiate::parse(&registered, &order(), &hosts)
        .unwrap()
        .order_id;
    sandbox.pay(id.as_str()).unwrap();
    let seen = ask(inquiry::request(base, &token.bearer().unwrap(), &id).unwrap()).await;
    let captured = ask(verify::request(base, &token.bearer().unwrap(), &id).unwrap()).await;
    let refused = ask(verify::request(base, &token.bearer().unwrap(), &id).unwrap()).await;
    Went {
        paid: inquiry::parse(&seen).unwrap(),
        receipt: verify::parse(&captured).unwrap(),
        refused,
        id,
        tokens: [first, second],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_payment_is_passed_on_and_recorded_without_what_is_private() {
    let sandbox = sandbox().await;
    let mut capture = Capture::of(&sandbox.url(), "whole").await;
    let went = pay(&capture.base(), &sandbox).await;
    let expected = [
        "authenticate",
        "refresh",
        "initiate",
        "inquiry",
        "verify",
        "verify",
    ];
    for (number, operation) in (1..).zip(expected) {
        let file = capture
            .folder
            .join(format!("{operation}/{number:04}-200.http"));
        let line = json!({"operation": operation, "status": 200, "file": file});
        assert_eq!(capture.line().await, line);
    }
    // What the shop got is what the gateway says without the proxy.
    let direct = BaseUrl::new(&sandbox.url(), &HttpHosts::loopback()).unwrap();
    let token = &went.tokens[1].token;
    let again = ask(verify::request(&direct, &token.bearer().unwrap(), &went.id).unwrap()).await;
    assert_eq!(went.refused.status(), again.status());
    assert_eq!(went.refused.body(), again.body());
    let names = |answer: &Response<Bytes>| {
        let names = answer.headers().keys().map(ToString::to_string);
        names.collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&went.refused), names(&again));

    let folder = capture.folder.clone();
    let (summary, said) = capture.end().await;
    let all = json!({"exchanges": 6, "files": 6, "unanswered": 0});
    assert_eq!(summary, all);
    let files = fixtures(&folder);
    let source = format!(
        "# source: captured from {} by jibit capture\n# date: ",
        sandbox.address()
    );
    assert!(files.values().all(|text| text.starts_with(&source)));
    let read = |name: &str| files[name].parse::<Fixture>().unwrap();

    let password = Secret::new(PASSWORD);
    let tokens = authenticate::parse(&read("authenticate/0001-200.http").answer, &password);
    let (tokens, refresh) = (tokens.unwrap(), read("refresh/0002-200.http"));
    let fresh = refresh::parse(&refresh.answer, &tokens).unwrap();
    // The login's tokens are those that the refresh shows.
    let shown: Value = serde_json::from_slice(refresh.request.body()).unwrap();
    assert_eq!(shown["token"], tokens.token.expose());
    assert_eq!(shown["refreshToken"], tokens.refresh_token.expose());
    let bearer = fresh.token.expose().rsplit('.').next().unwrap();
    let bearer = format!("# bearer: {bearer}\n");

    assert!(files["initiate/0003-200.http"].contains(&bearer));
    let initiated = read("initiate/0003-200.http");
    let sent: Value = serde_json::from_slice(initiated.request.body()).unwrap();
    let expected = json!({
        "amount": 125_000,
        "callBackUrl": "https://shop.example/return?n=1",
        "userIdentity": "09120000001",
        "merchantOrderId": "aaaaaa-00-1",
        "additionalData": "text-1",
        "description": "text-2",
    });
    assert_eq!(sent, expected);
    let as_recorded = NewOrder::new(
        "125000".parse().unwrap(),
        CallbackUrl::new("https://shop.example/return?n=1").unwrap(),
        "09120000001".parse().unwrap(),
        "aaaaaa-00-1".parse().unwrap(),
    );
    let hosts = HttpHosts::loopback();
    let parsed = initiate::parse(&initiated.answer, &as_recorded.unwrap(), &hosts).unwrap();
    let other_id = parsed.order_id.as_str();
    assert!(parsed.redirect_url.as_str().ends_with(other_id));

    let inquired = read("inquiry/0004-200.http");
    let path = inquired.request.uri().path();
    assert_eq!(path, format!("/order/inquiry/{other_id}"));
    let seen = inquiry::parse(&inquired.answer).unwrap();
    assert_eq!(seen.status, went.paid.status);
    assert_eq!(seen.payment.amount(), went.paid.payment.amount());
    assert_eq!(seen.payment.merchant_order_id(), Some(" aaaaaa-00-1"));
    let verified = verify::parse(&read("verify/0005-200.http").answer).unwrap();
    assert_eq!(verified.amount(), went.receipt.amount());
    assert_eq!(verified.user_identity().unwrap().as_str(), "09120000001");
    assert_eq!(verified.client_ip().unwrap().as_str(), "192.0.2.1");
    let refused = verify::parse(&read("verify/0006-200.http").answer).unwrap_err();
    let original = verify::parse(&went.refused).unwrap_err();
    let words = |error: &jibit_proto::Error| error.answer().map(|a| format!("{a:?}"));
    assert_eq!(words(&refused), words(&original));

    for text in files.values().chain([&said]) {
        nothing_private(text, &went);
    }
    assert!(files.values().all(|text| !text.contains("127.0.0.1\"")));
    fs::remove_dir_all(folder).unwrap();
}

fn nothing_private(text: &str, went: &Went) {
    let words = [PASSWORD, "4477", "9354443322", "canary", "قناری"];
    let mut private: Vec<&str> = words.to_vec();
    let ref_id = went.receipt.ref_id().unwrap();
    private.extend([went.id.as_str(), ref_id.as_str()]);
    for tokens in &went.tokens {
        for token in [&tokens.token, &tokens.refresh_token] {
            private.extend(token.expose().split('.').skip(1));
        }
    }
    for private in private {
        assert!(!text.contains(private), "{private} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_itself_pays_through_the_proxy() {
    let sandbox = sandbox().await;
    let capture = Capture::of(&sandbox.url(), "command").await;
    let shop = |words: &[&str]| {
        let mut command = command(words);
        command.args(["--json", "--no-token-cache", "--base-url", &capture.url]);
        command
            .env("JIBIT_USERNAME", "4477")
            .env("JIBIT_PASSWORD", PASSWORD);
        async move { Ran::of(command.output().await.unwrap()) }
    };
    let order = shop(&INITIATE).await;
    let id = order.json()["orderId"].as_str().unwrap().to_owned();
    sandbox.pay(&id).unwrap();
    let words = [
        "verify",
        &id,
        "--amount",
        "1000",
        "--merchant-order-id",
        "m-1",
    ];
    let verified = shop(&words).await;
    assert_eq!(
        (verified.exit, &verified.json()["outcome"]),
        (0, &json!("paid"))
    );
    let folder = capture.folder.clone();
    let (summary, _) = capture.end().await;
    assert_eq!(summary["unanswered"], 0);
    assert!(OrderId::new(id).is_ok_and(|id| {
        let texts = fixtures(&folder);
        texts.len() >= 5 && texts.values().all(|text| !text.contains(id.as_str()))
    }));
    fs::remove_dir_all(folder).unwrap();
}
