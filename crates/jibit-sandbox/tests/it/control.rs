//! What scripts see and do.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::bench::{Bench, read, text};

fn get(bench: &mut Bench, path: &str) -> Value {
    read(&bench.get(&format!("/_sandbox/{path}")))
}

fn post(bench: &mut Bench, path: &str, body: &Value) -> (u16, Value) {
    let answer = bench.post(&format!("/_sandbox/{path}"), body);
    (answer.status().as_u16(), read(&answer))
}

#[test]
fn orders_are_listed_and_shown() {
    let mut bench = Bench::new();
    let ids: Vec<_> = (0..3)
        .map(|_| {
            bench.advance(1);
            bench.initiate()
        })
        .collect();
    bench.press(&ids[1], "pay");
    let all = get(&mut bench, "orders");
    let listed = all["orders"].as_array().unwrap().iter();
    let listed = listed.map(|order| order["orderId"].as_str().unwrap());
    assert!(
        listed.eq(ids.iter().rev().map(String::as_str)),
        "the latest first"
    );
    assert_eq!(
        get(&mut bench, "orders?limit=1")["orders"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(get(&mut bench, "orders?limit=x")["errorCode"], json!(9017));
    let one = get(&mut bench, &format!("orders/{}", ids[1]));
    assert_eq!(one["status"], json!("PURCHASE_BY_USER"));
    assert_eq!(get(&mut bench, "orders/none")["errorCode"], json!(9020));
    assert_eq!(
        get(&mut bench, "wallets/09121234567")["balance"],
        json!(999_999_900)
    );
}

#[test]
fn the_journal_keeps_the_last_thousand_and_no_secret() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    bench.press(&id, "pay");
    bench.verify(&id);
    let journal = get(&mut bench, "journal");
    let entries = journal["entries"].as_array().unwrap();
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| {
            format!(
                "{} {} {}",
                entry["number"],
                entry["path"].as_str().unwrap(),
                entry["status"]
            )
        })
        .collect();
    let verify = format!("3 /order/verify/{id} 200");
    assert_eq!(
        lines,
        ["1 /authenticate 200", "2 /order/initiate 200", &verify]
    );
    assert_eq!(entries[1]["request"]["amount"], json!(100));
    let text = journal.to_string();
    for secret in ["123456", "eyJ", "09121234567", "127.0.0.1\""] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.contains("[redacted]"));

    for _ in 0..1_000 {
        bench.state(&id);
    }
    let journal = get(&mut bench, "journal");
    assert_eq!(journal["entries"].as_array().unwrap().len(), 1_000);
    assert_eq!(journal["dropped"], json!(3));
}

#[test]
fn a_body_that_is_long_or_no_json_is_told_by_its_length() {
    let mut bench = Bench::new();
    for body in [
        Bytes::from_static(b"\xff\xfe"),
        Bytes::from(vec![b' '; 5_000]),
    ] {
        let length = body.len();
        let request = bench.request("POST", "/authenticate").body(body);
        bench.send(request.unwrap());
        let journal = get(&mut bench, "journal");
        let last = journal["entries"].as_array().unwrap().last().unwrap();
        assert_eq!(last["request"], json!(format!("({length} bytes)")));
    }
    let now = bench.now;
    bench
        .gateway
        .arm("authenticate after drop".parse().unwrap(), now);
    bench.log_in("7746", "123456");
    let journal = get(&mut bench, "journal");
    assert_eq!(
        journal["entries"].as_array().unwrap().last().unwrap()["fate"],
        json!("Close")
    );
}

#[test]
fn tests_say_what_they_expect() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    bench.press(&id, "pay");
    bench.verify(&id);
    let right = json!({
        "orders": {&id: "PURCHASE_CONFIRM_BY_MERCHANT"}, "arrived": {"verify": 1},
        "wallets": {"09121234567": 999_999_900}, "merchants": {"7746": 100},
    });
    let holds = json!({"holds": true, "failures": []});
    assert_eq!(post(&mut bench, "assert", &right), (200, holds.clone()));
    assert_eq!(post(&mut bench, "assert", &json!({})), (200, holds));
    let wrong = json!({
        "orders": {"none": "INITIAL"}, "arrived": {"verify": 2, "pay": 1}, "merchants": {"7746": 0},
    });
    let (status, found) = post(&mut bench, "assert", &wrong);
    assert_eq!((status, &found["holds"]), (409, &json!(false)));
    assert_eq!(
        found["failures"],
        json!([
            "order none is unknown, and should be INITIAL",
            "the count of pay is no operation, and should be 1",
            "the count of verify is 1, and should be 2",
            "merchant 7746 is 100, and should be 0",
        ])
    );
    assert_eq!(
        post(&mut bench, "assert", &json!({"order": {}})).0,
        400,
        "a word it does not know"
    );
}

#[test]
fn a_reset_forgets_everything() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    bench.press(&id, "pay");
    bench.advance(60);
    let now = bench.now;
    bench.gateway.arm("any after drop".parse().unwrap(), now);
    let (status, clock) = post(&mut bench, "reset", &json!({}));
    assert_eq!(
        (status, &clock["unixMillis"]),
        (200, &json!(now.as_unix_millis()))
    );
    assert_eq!(get(&mut bench, "orders")["orders"], json!([]));
    assert_eq!(get(&mut bench, "faults")["plan"], json!("seed=0"));
    assert_eq!(get(&mut bench, "journal")["entries"], json!([]));
    assert_eq!(
        get(&mut bench, "wallets/09121234567")["balance"],
        json!(1_000_000_000)
    );
    bench.log_in("7746", "123456");
    bench.initiate();
}

#[test]
fn the_description_names_what_is_served_and_nothing_else() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    let description = get(&mut bench, "openapi.json");
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 22);
    for (path, operations) in paths {
        let served = path
            .replace("{orderId}", &id)
            .replace("{mobile}", "09121234567");
        for method in ["GET", "POST", "PUT", "DELETE"] {
            let described = operations.get(method.to_lowercase()).is_some();
            let request = bench.request(method, &served).body(Bytes::from("{}"));
            let answer = bench.send(request.unwrap());
            assert_eq!(answer.status() != 405, described, "{method} {path}");
            if let Some(allowed) = answer.headers().get("allow") {
                let allowed: Vec<&str> = allowed.to_str().unwrap().split(", ").collect();
                let described = operations.as_object().unwrap().keys();
                let described: Vec<String> = described.map(|name| name.to_uppercase()).collect();
                assert_eq!(allowed.len(), described.len(), "{path}");
                assert!(
                    described
                        .iter()
                        .all(|name| allowed.contains(&name.as_str()))
                );
            } else {
                assert_ne!(answer.status(), 405, "{method} {path}");
            }
            let nothing = text(&answer).contains(r#""errorCode":9030"#);
            assert!(!nothing, "{path} is not served");
            if described {
                let status = answer.status().as_str().to_owned();
                let answers = &operations[method.to_lowercase()]["responses"];
                assert!(
                    answers.get(&status).is_some(),
                    "{method} {path} answers {status}"
                );
            }
            bench.log_in("7746", "123456");
        }
    }
    assert_eq!(bench.get("/_sandbox/elsewhere").status(), 404);
}

#[test]
fn an_order_s_time_can_end_at_once() {
    let mut bench = Bench::new();
    let [open, paid, verified, other] = [(); 4].map(|()| bench.initiate());
    bench.press(&paid, "pay");
    bench.press(&verified, "pay");
    bench.verify(&verified);
    for id in [&open, &paid] {
        let order = read(&bench.press(id, "expire"));
        assert_eq!(order["status"], json!("CANCEL_BY_SYSTEM"));
        let again = read(&bench.press(id, "expire"));
        assert_eq!(again["errorCode"], json!(9023));
    }
    assert_eq!(
        read(&bench.press(&verified, "expire"))["errorCode"],
        json!(9022)
    );
    assert_eq!((bench.wallet(), bench.merchant()), (999_999_900, 100));
    // The others' time goes on as it did, and passes over what is over.
    assert_eq!(bench.state(&other), "INITIAL");
    bench.advance(3_600);
    assert_eq!(bench.state(&paid), "CANCEL_BY_SYSTEM");
    assert_eq!(bench.state(&other), "CANCEL_BY_SYSTEM");
    assert_eq!(bench.wallet(), 999_999_900);
}
