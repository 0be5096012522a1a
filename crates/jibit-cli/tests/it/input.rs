//! Input that cannot be sent: exit 2, the field, the problem and the remedy,
//! and nothing on the wire.

use serde_json::json;

use crate::bench::{Bench, INITIATE};

/// INITIATE with one value replaced.
fn with<'a>(option: &str, value: &'a str) -> Vec<&'a str> {
    let mut words: Vec<&str> = INITIATE.to_vec();
    let at = words.iter().position(|word| *word == option).unwrap();
    words[at + 1] = value;
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_an_order_is_not_sent() {
    let bench = Bench::new().await;
    let cases = [
        ("--amount", "0", "amount"),
        ("--amount", "-5", "amount"),
        ("--amount", "1.5", "amount"),
        ("--amount", "9007199254740992", "amount"),
        ("--amount", "", "amount"),
        ("--amount", "1e3", "amount"),
        ("--mobile", "0935123456", "userIdentity"),
        ("--mobile", "08121234567", "userIdentity"),
        ("--mobile", "nobody", "userIdentity"),
        ("--callback-url", "ftp://shop.example/", "callBackUrl"),
        ("--callback-url", "javascript:alert(1)", "callBackUrl"),
        ("--callback-url", "/come-back", "callBackUrl"),
        (
            "--callback-url",
            "https://shop.example/\r\nX: y",
            "callBackUrl",
        ),
        ("--merchant-order-id", "", "merchantOrderId"),
        ("--merchant-order-id", "  ", "merchantOrderId"),
    ];
    for (option, value, field) in cases {
        let (exit, answer) = bench.json(&with(option, value)).await;
        assert_eq!(exit, 2, "{option} {value:?}: {answer}");
        let error = &answer["error"];
        assert_eq!(
            (&error["kind"], &error["certainty"]),
            (&json!("invalid-input"), &json!("nothing-happened"))
        );
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with(field) && message.contains("; "),
            "{option} {value:?}: {message}"
        );
        assert!(
            value.len() < 6 || !message.contains(value),
            "it repeats the value: {message}"
        );
    }
    for (id, amount) in [
        (".", "1000"),
        ("..", "1000"),
        ("", "1000"),
        ("a\r\nb", "1000"),
        ("x", "0"),
        ("x", "-1"),
    ] {
        let words = [
            "verify",
            id,
            "--amount",
            amount,
            "--merchant-order-id",
            "m-1",
        ];
        let (exit, answer) = bench.json(&words).await;
        assert_eq!(exit, 2, "{id:?} {amount}: {answer}");
        assert_eq!(answer["error"]["kind"], "invalid-input");
    }
    for id in [".", "..", "a\r\nX: y", ""] {
        assert_eq!(bench.json(&["inquiry", id]).await.0, 2, "{id:?}");
    }
    assert_eq!(bench.arrived(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_id_cannot_change_what_is_asked() {
    let bench = Bench::new().await;
    for id in [
        "../../authenticate",
        "a?x=1#y",
        "a/b",
        "%2e%2e",
        "initiate",
        "سفارش",
    ] {
        let (exit, answer) = bench.json(&["inquiry", id]).await;
        assert_eq!((exit, &answer["error"]["code"]), (7, &json!(9020)), "{id}");
    }
    let asked = bench.sandbox.arrived(jibit_sandbox::Operation::Inquiry);
    // And one login, whose tokens the others found.
    assert_eq!((asked, bench.arrived()), (6, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_named() {
    let bench = Bench::new().await;
    for (setting, value, said) in [
        ("--base-url", "http://gateway.example", "plain http"),
        (
            "--base-url",
            "https://user:pass@gateway.example",
            "user info",
        ),
        ("--base-url", "gateway", "base URL"),
        ("--username", "", "username"),
    ] {
        let (exit, answer) = bench.json(&["inquiry", "x", setting, value]).await;
        assert_eq!(exit, 2, "{answer}");
        assert_eq!(answer["error"]["kind"], "configuration");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(said),
            "{answer}"
        );
        assert!(!answer.to_string().contains("pass"), "{answer}");
    }
    for (setting, value) in [
        ("--timeout", "0"),
        ("--deadline", "soon"),
        ("--timeout", "-1"),
    ] {
        let (exit, answer) = bench.json(&["inquiry", "x", setting, value]).await;
        assert_eq!(
            (exit, &answer["error"]["kind"]),
            (2, &json!("invalid-input"))
        );
    }
    assert_eq!(bench.arrived(), 0);
}
