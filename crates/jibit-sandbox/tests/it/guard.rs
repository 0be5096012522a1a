//! Who may use the controls: this machine's programs, or who has the token;
//! never another site's page.

use bytes::Bytes;
use http::{Response, header};
use jibit_proto::Secret;
use jibit_sandbox::Settings;
use serde_json::json;

use crate::bench::{Bench, read};

fn asks(bench: &mut Bench, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    bench.send(request.body(Bytes::from("{}")).unwrap())
}

fn code(answer: &Response<Bytes>) -> u64 {
    read(answer)["errorCode"].as_u64().unwrap_or(0)
}

#[test]
fn another_site_s_page_can_do_nothing() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    for (host, origin, refused) in [
        ("127.0.0.1:8090", None, false),
        ("127.0.0.1:8090", Some("http://127.0.0.1:8090"), false),
        ("localhost:8090", Some("http://localhost:8090"), false),
        ("[::1]:8090", Some("http://[::1]:8090"), false),
        // Behind somebody's TLS.
        ("127.0.0.1:8090", Some("https://127.0.0.1:8090"), false),
        ("127.0.0.1:8090", Some("http://127.0.0.1:3000"), true),
        ("127.0.0.1:8090", Some("http://localhost:8090"), true),
        ("127.0.0.1:8090", Some("https://evil.example"), true),
        ("127.0.0.1:8090", Some("null"), true),
        ("127.0.0.1:8090", Some(""), true),
        // A name that was pointed here.
        ("evil.example", Some("http://evil.example"), true),
        ("evil.example:8090", None, true),
        ("127.0.0.1.evil.example", None, true),
        ("localhost.evil.example", None, true),
        ("not a host", None, true),
    ] {
        let mut headers = vec![("host", host)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = asks(&mut bench, "POST", "/_sandbox/assert", &headers);
        let expected = if refused { 9040 } else { 0 };
        assert_eq!(code(&answer), expected, "{host} {origin:?}");
    }
    let foreign = [
        ("host", "127.0.0.1:8090"),
        ("origin", "https://evil.example"),
    ];
    for path in ["pay", "cancel"] {
        let path = format!("/order/{id}/{path}");
        assert_eq!(asks(&mut bench, "POST", &path, &foreign).status(), 403);
    }
    assert_eq!(bench.state(&id), "INITIAL");
    // Everything that is done by a method, and what is read under a foreign name.
    let rebound = [("host", "evil.example")];
    for path in ["", "events", "orders", "book", "journal", "openapi.json"] {
        let path = format!("/_sandbox/{path}");
        assert_eq!(code(&asks(&mut bench, "GET", &path, &rebound)), 9040);
    }
    assert_eq!(
        asks(&mut bench, "DELETE", "/_sandbox/faults", &foreign).status(),
        403
    );
}

#[test]
fn the_public_url_s_name_is_the_sandbox_s_own() {
    let mut bench = Bench::new();
    let headers = [("host", "pay.test:8090")];
    assert_eq!(
        code(&asks(&mut bench, "GET", "/_sandbox/book", &headers)),
        9040
    );
    let settings = Settings::default().public_url("http://Pay.test:8090/");
    let mut gateway = jibit_sandbox::Gateway::new(settings);
    let request = http::Request::get("/_sandbox/book").header("host", "pay.test:8090");
    let answer = gateway.handle(request.body(Bytes::new()).unwrap(), bench.now);
    assert_eq!(answer.response.status(), 200);
}

#[test]
fn with_a_token_only_who_shows_it_gets_in() {
    let token = Secret::new("open sesame");
    let mut bench = Bench::with(Settings::default().control_token(token));
    let basic = |pair: &str| {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    };
    for (authorization, refused) in [
        (None, true),
        (Some("Bearer open sesame".to_owned()), false),
        (Some("bearer open sesame".to_owned()), false),
        (Some("Bearer open".to_owned()), true),
        (Some("Bearer ".to_owned()), true),
        (Some("open sesame".to_owned()), true),
        (Some(basic("anybody:open sesame")), false),
        (Some(basic(":open sesame")), false),
        (Some(basic("open sesame")), true),
        (Some(basic("open sesame:")), true),
        (Some("Basic !".to_owned()), true),
    ] {
        // By any name: only who has the token gets here.
        let mut headers = vec![("host", "sandbox.test")];
        headers.extend(
            authorization
                .as_deref()
                .map(|shown| ("authorization", shown)),
        );
        let answer = asks(&mut bench, "POST", "/_sandbox/reset", &headers);
        let expected = if refused { 9041 } else { 0 };
        assert_eq!(code(&answer), expected, "{authorization:?}");
        assert_eq!(
            answer.headers().contains_key(header::WWW_AUTHENTICATE),
            refused
        );
    }
    // With the token, too, no page of another site; and the gateway itself is open.
    let headers = [
        ("host", "sandbox.test"),
        ("origin", "http://evil.example"),
        ("authorization", "Bearer open sesame"),
    ];
    assert_eq!(
        code(&asks(&mut bench, "POST", "/_sandbox/reset", &headers)),
        9040
    );
    bench.log_in("7746", "123456");
    let id = bench.initiate();
    assert_eq!(bench.get(&format!("/order/{id}")).status(), 200);
}

#[test]
fn what_cannot_be_kept_is_refused_and_said() {
    let mut bench = Bench::with(Settings::default().max_orders(2));
    let kept = [bench.initiate(), bench.initiate()];
    let more = read(&bench.post("/order/initiate", &crate::bench::order()));
    assert_eq!(more["errorCode"], json!(9035));
    bench.press(&kept[0], "pay");
    assert_eq!(bench.state(&kept[0]), "PURCHASE_BY_USER");
    for (n, refused) in [(1, false), (2, true), (1, false)] {
        let path = format!("/_sandbox/wallets/0935000000{n}");
        let wallet = json!({"balance": 5, "blocked": false});
        let expected = if refused { 9035 } else { 0 };
        assert_eq!(code(&bench.post(&path, &wallet)), expected, "{n}");
        // A look opens none.
        assert_eq!(bench.get("/_sandbox/wallets/09350000009").status(), 200);
    }
    let set = bench.gateway.set_wallet("0912", 5, false);
    assert_eq!(set, Err(jibit_sandbox::Refusal::UserIdentity));
    assert_eq!(read(&bench.get("/_sandbox/book"))["violations"], json!([]));
}

#[test]
fn what_is_wrong_with_a_control_s_body_is_said() {
    let mut bench = Bench::new();
    for (path, body, said) in [
        ("clock/advance", r#"{}"#, "missing field `seconds`"),
        ("clock/advance", r#"{"seconds": -1}"#, "invalid value"),
        (
            "clock/advance",
            r#"{"seconds": 1, "minutes": 2}"#,
            "unknown field `minutes`",
        ),
        (
            "clock/advance",
            r#"{"seconds": 1, "seconds": 2}"#,
            "duplicate field `seconds`",
        ),
        ("clock/advance", r#"[5]"#, "not an object"),
        ("clock/advance", r#"{"seconds": 1e400}"#, "out of range"),
        (
            "faults",
            r#"{"plan": "verify sometimes"}"#,
            "rule 1: `sometimes`",
        ),
        ("assert", r#"{"order": {}}"#, "unknown field `order`"),
        (
            "assert",
            r#"{"arrived": {"verify": 1, "verify": 2}}"#,
            "stands twice",
        ),
        ("wallets/09121234567", r#"{"balance": "5"}"#, "invalid type"),
    ] {
        let request = bench.request("POST", &format!("/_sandbox/{path}"));
        let answer = bench.send(request.body(Bytes::from(body)).unwrap());
        let message = read(&answer)["message"].as_str().unwrap().to_owned();
        assert_eq!(answer.status(), 400, "{path} {body}");
        assert!(message.contains(said), "{path} {body}: {message}");
    }
}
