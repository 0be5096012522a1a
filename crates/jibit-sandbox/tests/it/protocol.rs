use bytes::Bytes;
use http::Method;
use jibit_sandbox::{Profile, Refusal, Settings};
use serde_json::{Value, json};

use crate::bench::{Bench, order, read, text};

#[test]
fn an_order_goes_through_its_states() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    assert_eq!(bench.state(&id), "INITIAL");
    assert_eq!(bench.get(&format!("/order/{id}")).status(), 200);
    assert_eq!(bench.state(&id), "PGENTRY");
    let paid = read(&bench.press(&id, "pay"));
    assert_eq!(paid["status"], "PURCHASE_BY_USER");
    assert_eq!(
        paid["returnUrl"],
        format!("http://callbackurl.com/success?orderId={id}&status=PURCHASE_BY_USER")
    );
    assert_eq!(bench.state(&id), "PURCHASE_BY_USER");
    assert_eq!(bench.verify(&id)["errorCode"], 0);
    assert_eq!(bench.state(&id), "PURCHASE_CONFIRM_BY_MERCHANT");

    let cancelled = bench.initiate();
    bench.press(&cancelled, "cancel");
    assert_eq!(bench.state(&cancelled), "CANCEL_BY_USER");
    assert_eq!(
        bench.verify(&cancelled)["errorCode"],
        Refusal::Cancelled.code()
    );

    let forgotten = bench.initiate();
    bench.advance(30 * 60);
    assert_eq!(bench.state(&forgotten), "CANCEL_BY_SYSTEM");
}

#[test]
fn answers_are_printed_as_in_the_document() {
    let mut bench = Bench::new();
    let answer = bench.post("/order/initiate", &order());
    let id = read(&answer)["result"]["orderId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        text(&answer),
        format!(
            r#"{{"errorCode":0,"result":{{"orderId":"{id}","merchantOrderId":"merchant-1234-123","redirectUrl":"http://127.0.0.1:8090/order/{id}","additionalData":"{{\"additionaldata1\":1234,\"additionaldata1\":\"test2\"}}"}}}}"#
        )
    );
    let reference = read(&bench.press(&id, "pay"))["refId"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = bench.get(&format!("/order/inquiry/{id}"));
    let rest = format!(
        r#""amount":100,"refId":"{reference}","additionalData":"{{\"additionaldata1\":1234,\"additionaldata1\":\"test2\"}}","userIdentity":"09121234567""#
    );
    assert_eq!(
        text(&answer),
        format!(
            r#"{{"statusV":"PURCHASE_BY_USER","merchantOrderId":" merchant-1234-123",{rest},"clientIp":"127.0.0.1"}}"#
        )
    );
    let request = bench.request("POST", &format!("/order/verify/{id}"));
    let answer = bench.send(request.body(Bytes::new()).unwrap());
    assert_eq!(
        text(&answer),
        format!(
            r#"{{"errorCode":0,"result":{{"merchantOrderId":"merchant-1234-123",{rest},"clientIP":"127.0.0.1"}}}}"#
        )
    );
}

#[test]
fn the_tidy_profile_has_no_quirks() {
    let mut bench = Bench::with(Settings::default().profile(Profile::Tidy));
    let id = bench.initiate();
    let unpaid = bench.inquire(&id);
    assert_eq!(
        unpaid,
        json!({"errorCode": 0, "result": {
            "status": "INITIAL", "merchantOrderId": "merchant-1234-123", "amount": 100,
            "additionalData": order()["additionalData"], "userIdentity": "09121234567",
        }})
    );
    bench.press(&id, "pay");
    assert_eq!(bench.inquire(&id)["result"]["clientIP"], "127.0.0.1");
}

#[test]
fn a_field_that_is_not_the_documents_is_refused_and_named() {
    let cases: [(&str, Value, Refusal); 24] = [
        ("amount", json!(0), Refusal::Amount),
        ("amount", json!(-5), Refusal::Amount),
        ("amount", json!(1.5), Refusal::Amount),
        ("amount", json!(1e300), Refusal::Amount),
        ("amount", json!("100"), Refusal::Amount),
        ("amount", json!(9_007_199_254_740_992_u64), Refusal::Amount),
        ("callBackUrl", json!("ftp://shop"), Refusal::CallbackUrl),
        ("callBackUrl", json!("/return"), Refusal::CallbackUrl),
        (
            "callBackUrl",
            json!("http://shop/\r\nX: y"),
            Refusal::CallbackUrl,
        ),
        ("callBackUrl", json!("http://a;b/"), Refusal::CallbackUrl),
        ("userIdentity", json!("9121234567"), Refusal::UserIdentity),
        (
            "userIdentity",
            json!("+989121234567"),
            Refusal::UserIdentity,
        ),
        ("userIdentity", json!("۰۹۱۲۱۲۳۴۵۶۷"), Refusal::UserIdentity),
        ("userIdentity", json!("0912123456"), Refusal::UserIdentity),
        ("userIdentity", json!("08121234567"), Refusal::UserIdentity),
        ("merchantOrderId", json!(""), Refusal::MerchantOrderId),
        ("merchantOrderId", json!("  "), Refusal::MerchantOrderId),
        (
            "merchantOrderId",
            json!(-5),
            Refusal::Text("merchantOrderId"),
        ),
        (
            "merchantOrderId",
            json!(1.5),
            Refusal::Text("merchantOrderId"),
        ),
        ("amount", Value::Null, Refusal::Amount),
        ("callBackUrl", Value::Null, Refusal::Text("callBackUrl")),
        (
            "userIdentity",
            json!(9_121_234_567_u64),
            Refusal::Text("userIdentity"),
        ),
        (
            "additionalData",
            json!({"a": 1}),
            Refusal::Text("additionalData"),
        ),
        ("description", json!([]), Refusal::Text("description")),
    ];
    for (field, value, refusal) in cases {
        let mut bench = Bench::new();
        let mut asked = order();
        asked[field] = value.clone();
        let answer = bench.post("/order/initiate", &asked);
        assert_eq!(answer.status(), 400, "{field} {value}");
        assert_eq!(
            read(&answer)["errorCode"],
            refusal.code(),
            "{field} {value}"
        );
        let message = read(&answer)["message"].as_str().unwrap().to_owned();
        assert!(message.contains(field), "{message}");
    }
}

#[test]
fn the_largest_amount_and_absent_optional_fields_are_taken() {
    let mut bench = Bench::new();
    let mut asked = order();
    asked["amount"] = json!(9_007_199_254_740_991_u64);
    asked.as_object_mut().unwrap().remove("additionalData");
    asked.as_object_mut().unwrap().remove("description");
    let answer = read(&bench.post("/order/initiate", &asked));
    assert_eq!(answer["errorCode"], 0);
    assert_eq!(answer["result"].get("additionalData"), None);
}

#[test]
fn orders_of_one_merchant_are_invisible_to_another() {
    let mut bench = Bench::two_merchants();
    let id = bench.initiate();
    bench.press(&id, "pay");
    bench.log_in("7747", "654321");
    assert_eq!(bench.get(&format!("/order/inquiry/{id}")).status(), 404);
    assert_eq!(bench.verify(&id)["errorCode"], Refusal::NoSuchOrder.code());
    bench.log_in("7746", "123456");
    assert_eq!(bench.state(&id), "PURCHASE_BY_USER");
}

#[test]
fn what_is_not_the_protocols_is_refused() {
    let mut bench = Bench::new();
    assert_eq!(bench.get("/authenticate").status(), 405);
    assert_eq!(bench.get("/order/verify/x").status(), 405);
    assert_eq!(bench.post("/order/inquiry/x", &json!({})).status(), 405);
    assert_eq!(bench.get("/nowhere").status(), 404);
    assert_eq!(bench.post("/_sandbox/nothing", &json!({})).status(), 404);
    assert_eq!(bench.get("/_sandbox/clock/advance").status(), 405);
    assert_eq!(
        bench
            .post("/_sandbox/clock/advance", &json!({"seconds": -1}))
            .status(),
        400
    );
    assert_eq!(bench.press("nosuchid", "pay").status(), 404);

    let mut untyped = bench
        .request("GET", "/order/inquiry/x")
        .body(Bytes::new())
        .unwrap();
    untyped.headers_mut().remove("content-type");
    assert_eq!(bench.send(untyped).status(), 415);
    let mut charset = bench
        .request("GET", "/order/inquiry/x")
        .body(Bytes::new())
        .unwrap();
    let kind = "application/json; charset=utf-8".parse().unwrap();
    charset.headers_mut().insert("content-type", kind);
    assert_eq!(bench.send(charset).status(), 404);

    let broken = bench
        .request("POST", "/order/initiate")
        .body("{".into())
        .unwrap();
    assert_eq!(read(&bench.send(broken))["errorCode"], Refusal::Body.code());
}

#[test]
fn every_refusal_has_its_own_code_in_the_marked_range() {
    let mut codes: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
    assert!(codes.iter().all(|code| (9000..9100).contains(code)));
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Refusal::ALL.len());
    let listed = include_str!("../../../../docs/sandbox.md");
    for refusal in Refusal::ALL {
        let row = format!(
            "| {} | {} | {refusal} |",
            refusal.code(),
            refusal.status().as_u16()
        );
        assert!(listed.contains(&row), "docs/sandbox.md lacks: {row}");
    }
}

#[test]
fn any_request_gets_an_answer() {
    use proptest::prelude::*;
    let methods = prop_oneof![Just(Method::GET), Just(Method::POST), Just(Method::DELETE)];
    let paths = prop_oneof![
        "/(authenticate|order|_sandbox|refresh|initiate|verify|inquiry|clock|advance|pay|/|[a-z0-9%.]){0,8}",
        "/[!-~&&[^?#<>\"`{}|\\\\^]]{0,40}",
    ];
    let bodies = prop_oneof![
        any::<Vec<u8>>(),
        "[{}\":a-zA-Z0-9,]{0,60}".prop_map(String::into_bytes)
    ];
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&(methods, paths, bodies), |(method, path, body)| {
            let mut bench = Bench::new();
            let Ok(request) = bench
                .request(method.as_str(), &path)
                .body(Bytes::from(body))
            else {
                return Ok(());
            };
            let answer = bench.send(request);
            prop_assert!(!answer.status().is_server_error());
            Ok(())
        })
        .unwrap();
}
