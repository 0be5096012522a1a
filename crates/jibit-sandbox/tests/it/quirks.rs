//! Each quirk alone, and the client that bears it.

use jibit_proto::{OrderStatus, wire};
use jibit_sandbox::{Profile, Quirk, Settings};
use serde_json::{Value, json};

use crate::bench::{Bench, read};

/// What inquiry and verify say of a paid order, with these quirks on and no others.
fn said(quirks: &[Quirk]) -> (Value, Value) {
    let settings = Settings::default().profile(Profile::Tidy);
    let settings = quirks
        .iter()
        .fold(settings, |settings, quirk| settings.quirk(*quirk, true));
    let mut bench = Bench::with(settings);
    let id = bench.initiate();
    bench.press(&id, "pay");
    let answer = bench.get(&format!("/order/inquiry/{id}"));
    // The client reads it whatever the quirk.
    let inquired = wire::inquiry::parse(&answer).unwrap();
    assert_eq!(inquired.status, OrderStatus::PurchaseByUser);
    assert_eq!(inquired.payment.amount().unwrap().get(), 100);
    let inquiry = read(&answer);
    (inquiry, bench.verify(&id))
}

#[test]
fn each_quirk_is_seen_in_the_answers_and_borne_by_the_client() {
    let (tidy, verified) = said(&[]);
    let result = &tidy["result"];
    assert_eq!(result["status"], "PURCHASE_BY_USER");
    assert!(
        result["merchantOrderId"]
            .as_str()
            .is_some_and(|id| !id.starts_with(' '))
    );
    assert!(result["clientIP"].is_string() && result["refId"].is_string());
    assert!(result["amount"].is_u64() && verified["result"]["refId"].is_string());

    assert!(said(&[Quirk::BareInquiry]).0.get("result").is_none());
    let one = |quirk| said(&[quirk]).0["result"].clone();
    assert_eq!(one(Quirk::StatusV)["statusV"], "PURCHASE_BY_USER");
    assert!(
        one(Quirk::BlankBeforeId)["merchantOrderId"]
            .as_str()
            .unwrap()
            .starts_with(' ')
    );
    assert!(one(Quirk::SmallClientIp)["clientIp"].is_string());
    assert_eq!(one(Quirk::AmountAsText)["amount"], "100");
    assert!(one(Quirk::RefIdAsNumber)["refId"].is_u64());
    let (inquiry, verify) = said(&[Quirk::NoRefId]);
    assert!(inquiry["result"].get("refId").is_none() && verify["result"].get("refId").is_none());
}

#[test]
fn printed_is_its_four_quirks() {
    let four = [
        Quirk::BareInquiry,
        Quirk::StatusV,
        Quirk::BlankBeforeId,
        Quirk::SmallClientIp,
    ];
    let mut bench = Bench::new();
    let id = bench.initiate();
    bench.press(&id, "pay");
    let printed = read(&bench.get(&format!("/order/inquiry/{id}")));
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&printed), keys(&said(&four).0));
    assert_eq!(Quirk::ALL.len(), 11);
    for quirk in Quirk::ALL {
        assert_eq!(quirk.to_string().parse(), Ok(*quirk));
    }
}

#[test]
fn quirks_of_tokens_and_of_a_second_verify() {
    let with = |quirk| Bench::with(Settings::default().quirk(quirk, true));
    let mut bench = with(Quirk::UnauthorizedInside200);
    bench.log_in("7746", "wrong");
    let request = http::Request::get("/order/inquiry/x").header("content-type", "application/json");
    let answer = bench.send(request.body(bytes::Bytes::new()).unwrap());
    assert_eq!(
        (answer.status().as_u16(), &read(&answer)["errorCode"]),
        (200, &json!(401))
    );
    let error = wire::inquiry::parse(&answer).unwrap_err();
    assert_eq!(error.kind(), jibit_proto::ErrorKind::Credentials);

    let mut bench = with(Quirk::LoginEndsOlderTokens);
    let id = bench.initiate();
    let old = bench.request("GET", &format!("/order/inquiry/{id}"));
    bench.log_in("7746", "123456");
    assert_eq!(
        bench.send(old.body(bytes::Bytes::new()).unwrap()).status(),
        401
    );
    assert_eq!(bench.state(&id), "INITIAL");

    for lives in [false, true] {
        let mut bench = Bench::with(Settings::default().quirk(Quirk::RefreshTokenLives, lives));
        let pair = bench.log_in("7746", "123456")["result"].clone();
        assert_eq!(
            read(&bench.post("/authenticate/refresh", &pair))["errorCode"],
            json!(0)
        );
        let again = read(&bench.post("/authenticate/refresh", &pair));
        assert_eq!(again["errorCode"] == json!(0), lives);
    }

    let mut bench = with(Quirk::VerifiedAgain);
    let id = bench.initiate();
    bench.press(&id, "pay");
    for _ in 0..2 {
        assert_eq!(bench.verify(&id)["errorCode"], json!(0));
    }
    assert_eq!(bench.merchant(), 100);
}
