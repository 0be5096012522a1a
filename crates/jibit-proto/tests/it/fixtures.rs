//! The fixtures from the merchant's side: the document's own samples field by
//! field, and what is made of every answer, as a snapshot.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use http::{Request, header};
use jibit_proto::wire::{authenticate, initiate, inquiry, refresh, verify};
use jibit_proto::{
    BaseUrl, Bearer, CallbackUrl, Error, HttpHosts, OrderId, OrderStatus, Private, Secret,
};
use jibit_testkit::Fixture;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn fixture(name: &str) -> Fixture {
    let text = std::fs::read_to_string(folder().join(format!("{name}.http"))).unwrap();
    text.parse().unwrap()
}

/// What we build is what the fixture prints: line, headers, and the same JSON
/// once the document's own `flaw` is mended.
fn assert_request(fixture: &Fixture, built: &Request<bytes::Bytes>, mend: fn(&str) -> String) {
    let printed = &fixture.request;
    assert_eq!(printed.method(), built.method());
    assert_eq!(printed.uri().path(), built.uri().path());
    let mut headers = printed.headers().clone();
    if headers.contains_key(header::AUTHORIZATION) {
        headers.insert(header::AUTHORIZATION, "Bearer a.token".parse().unwrap());
    }
    assert_eq!(&headers, built.headers());
    if printed.body().is_empty() {
        assert!(built.body().is_empty());
        return;
    }
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let mended = mend(std::str::from_utf8(printed.body()).unwrap());
    assert_eq!(json(built.body()), json(mended.as_bytes()));
}

/// What we make of an answer, in a word or two. It shows what `Debug` shows.
fn made_of(name: &str, fixture: &Fixture) -> String {
    fn say<T: std::fmt::Debug>(parsed: Result<T, Error>) -> String {
        match parsed {
            Ok(value) => format!("{value:#?}"),
            Err(error) => {
                let answer = error.answer().unwrap();
                format!(
                    "Err: {error} [{}, {}], errorCode {:?}: {:?}",
                    error.kind(),
                    error.certainty(),
                    answer.code(),
                    answer.message()
                )
            }
        }
    }
    let answer = &fixture.answer;
    match name.split('/').next().unwrap() {
        "authenticate" => say(authenticate::parse(answer, &token())),
        "refresh" => say(authenticate::parse(answer, &token())),
        "initiate" => {
            let body: serde_json::Value = serde_json::from_slice(fixture.request.body()).unwrap();
            let order = initiate::NewOrder::new(
                body["amount"].to_string().parse().unwrap(),
                CallbackUrl::new(body["callBackUrl"].as_str().unwrap()).unwrap(),
                body["userIdentity"].as_str().unwrap().parse().unwrap(),
                body["merchantOrderId"].as_str().unwrap().parse().unwrap(),
            );
            say(initiate::parse(
                answer,
                &order.unwrap(),
                &HttpHosts::loopback(),
            ))
        }
        "verify" => say(verify::parse(answer)),
        "inquiry" => say(inquiry::parse(answer)),
        other => panic!("no operation {other}"),
    }
}

#[test]
fn what_is_made_of_every_answer() {
    let mut names = Vec::new();
    for operation in ["authenticate", "refresh", "initiate", "verify", "inquiry"] {
        for entry in std::fs::read_dir(folder().join(operation)).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            names.push(format!(
                "{operation}/{}",
                file.strip_suffix(".http").unwrap()
            ));
        }
    }
    names.sort();
    let mut all = String::new();
    for name in names {
        writeln!(all, "{name}\n{}\n", made_of(&name, &fixture(&name))).unwrap();
    }
    insta::assert_snapshot!(all);
}

fn base() -> BaseUrl {
    BaseUrl::new(BaseUrl::PRODUCTION, &HttpHosts::loopback()).unwrap()
}

fn token() -> Secret {
    Secret::new("a.token")
}

fn bearer() -> Bearer {
    token().bearer().unwrap()
}

#[test]
fn authenticate() {
    let fixture = fixture("authenticate/document");
    let password = Secret::new("123456");
    let built = authenticate::request(&base(), "7746", &password).unwrap();
    // The sample ends its last field with a comma, which is not JSON.
    assert_request(&fixture, &built, |body| {
        body.replace("\"123456\",", "\"123456\"")
    });
    let tokens = authenticate::parse(&fixture.answer, &password).unwrap();
    assert!(
        tokens
            .token
            .expose()
            .ends_with(".gLfKvw7wUJgipNpxhVAHHSBj4g9caq-NOqhZbEP5GUs")
    );
    assert!(
        tokens
            .refresh_token
            .expose()
            .ends_with(".iBEiXnYMh7Q5RufYheA25vmNNXUANtKDkKwgf3zibS0")
    );
    assert!(!format!("{tokens:?}").contains("eyJ"));
}

#[test]
fn refresh() {
    let fixture = fixture("refresh/document");
    let old =
        authenticate::parse(&self::fixture("authenticate/document").answer, &token()).unwrap();
    assert_request(
        &fixture,
        &refresh::request(&base(), &old).unwrap(),
        str::to_owned,
    );
    let tokens = refresh::parse(&fixture.answer, &old).unwrap();
    assert!(
        tokens
            .token
            .expose()
            .ends_with(".urfZ7xkHI9D8M2a-EG9sw84kr7ObR5qmwNRfbhMOI2g")
    );
}

#[test]
fn initiate() {
    let fixture = fixture("initiate/document");
    let order = initiate::NewOrder::new(
        "100".parse().unwrap(),
        CallbackUrl::new("http://callbackurl.com/success").unwrap(),
        "09121234567".parse().unwrap(),
        "merchant-1234-123".parse().unwrap(),
    )
    .unwrap()
    .additional_data(r#"{"additionaldata1":1234,"additionaldata1":"test2"}"#)
    .description("");
    assert_request(
        &fixture,
        &initiate::request(&base(), &bearer(), &order).unwrap(),
        str::to_owned,
    );
    let initiated = initiate::parse(&fixture.answer, &order, &HttpHosts::loopback()).unwrap();
    assert_eq!(initiated.order_id.as_str(), "7wvkgrn0");
    assert_eq!(
        initiated.redirect_url.as_str(),
        "https://qrpg-test.jibit.ir/order/7wvkgrn0"
    );
    // Text that is not JSON comes through as it is.
    let data = initiated.additional_data.unwrap();
    assert_eq!(data.as_str(), r#"{"key1":value1,"key2":"value2"}"#);
}

#[test]
fn verify() {
    let fixture = fixture("verify/document");
    let order = OrderId::new("7wvkgrn0").unwrap();
    assert_request(
        &fixture,
        &verify::request(&base(), &bearer(), &order).unwrap(),
        str::to_owned,
    );
    let payment = verify::parse(&fixture.answer).unwrap();
    assert_eq!(payment.merchant_order_id(), Some("merchant-1234-123"));
    assert_eq!(payment.amount().unwrap().get(), 100);
    assert_eq!(payment.ref_id().unwrap().as_str(), "775743540");
    assert_eq!(
        payment.user_identity().as_ref().map(Private::as_str),
        Some("09121234567")
    );
    assert_eq!(
        payment.client_ip().as_ref().map(Private::as_str),
        Some("37.32.127.129")
    );
}

#[test]
fn inquiry() {
    let fixture = fixture("inquiry/document");
    let order = OrderId::new("7wvkgrn0").unwrap();
    assert_request(
        &fixture,
        &inquiry::request(&base(), &bearer(), &order).unwrap(),
        str::to_owned,
    );
    let inquired = inquiry::parse(&fixture.answer).unwrap();
    assert_eq!(inquired.status, OrderStatus::PurchaseConfirmByMerchant);
    // The blank is the document's own.
    assert_eq!(
        inquired.payment.merchant_order_id(),
        Some(" merchant-1234-123")
    );
    assert_eq!(
        inquired.payment.client_ip().as_ref().map(Private::as_str),
        Some("37.32.127.129")
    );
    assert!(!format!("{inquired:?}").contains("09121234567"));
}
