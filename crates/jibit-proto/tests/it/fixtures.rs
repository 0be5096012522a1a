//! The document's own samples, from the merchant's side.

use bytes::Bytes;
use http::{Request, Response};
use jibit_proto::wire::{authenticate, initiate, inquiry, refresh, verify};
use jibit_proto::{BaseUrl, CallbackUrl, HttpHosts, OrderId, OrderStatus, Private, Secret};

/// One exchange of `fixtures/<operation>/<case>.http`.
struct Fixture {
    request_line: String,
    request_headers: Vec<String>,
    request_body: String,
    answer: Response<Bytes>,
}

fn fixture(name: &str) -> Fixture {
    let path = format!("{}/../../fixtures/{name}.http", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let start = text
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with('#'));
    let skip: usize = start.map(|line| line.len() + 1).sum();
    let (request, answer) = text[skip..].split_once("\nHTTP/1.1 ").unwrap();
    let (request_head, request_body) = request
        .split_once("\n\n")
        .unwrap_or((request.trim_end(), ""));
    let (answer_head, answer_body) = answer.split_once("\n\n").unwrap();
    let mut lines = request_head.lines().map(str::to_owned);
    Fixture {
        request_line: lines.next().unwrap(),
        request_headers: lines.collect(),
        request_body: request_body.trim().to_owned(),
        answer: Response::builder()
            .status(&answer_head[..3])
            .body(Bytes::from(answer_body.to_owned()))
            .unwrap(),
    }
}

impl Fixture {
    /// What we build is what the document prints: line, headers, and the same
    /// JSON once the document's own `flaw` is mended.
    fn assert_request(&self, built: &Request<Bytes>, mend: fn(&str) -> String) {
        let path = built.uri().path();
        assert_eq!(
            self.request_line,
            format!("{} {path} HTTP/1.1", built.method())
        );
        let headers = built.headers().iter();
        let mut headers: Vec<_> = headers
            .map(|(k, v)| format!("{k}: {}", v.to_str().unwrap()))
            .collect();
        let mut expected: Vec<_> = self
            .request_headers
            .iter()
            .map(|line| line.replace("{{token}}", "a.token"))
            .collect();
        headers.sort();
        expected.sort();
        assert_eq!(headers, expected);
        if self.request_body.is_empty() {
            assert!(built.body().is_empty());
        } else {
            let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(
                json(std::str::from_utf8(built.body()).unwrap()),
                json(&mend(&self.request_body))
            );
        }
    }
}

fn base() -> BaseUrl {
    BaseUrl::new(BaseUrl::PRODUCTION, &HttpHosts::loopback()).unwrap()
}

fn token() -> Secret {
    Secret::new("a.token")
}

#[test]
fn authenticate() {
    let fixture = fixture("authenticate/document");
    let password = Secret::new("123456");
    let built = authenticate::request(&base(), "7746", &password).unwrap();
    // The sample ends its last field with a comma, which is not JSON.
    fixture.assert_request(&built, |body| body.replace("\"123456\",", "\"123456\""));
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
    fixture.assert_request(&refresh::request(&base(), &old).unwrap(), str::to_owned);
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
    fixture.assert_request(
        &initiate::request(&base(), &token(), &order).unwrap(),
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
    fixture.assert_request(
        &verify::request(&base(), &token(), &order).unwrap(),
        str::to_owned,
    );
    let payment = verify::parse(&fixture.answer).unwrap();
    assert_eq!(
        payment.merchant_order_id.as_deref(),
        Some("merchant-1234-123")
    );
    assert_eq!(payment.amount.unwrap().get(), 100);
    assert_eq!(payment.ref_id.unwrap().as_str(), "775743540");
    assert_eq!(
        payment.user_identity.as_ref().map(Private::as_str),
        Some("09121234567")
    );
    assert_eq!(
        payment.client_ip.as_ref().map(Private::as_str),
        Some("37.32.127.129")
    );
}

#[test]
fn inquiry() {
    let fixture = fixture("inquiry/document");
    let order = OrderId::new("7wvkgrn0").unwrap();
    fixture.assert_request(
        &inquiry::request(&base(), &token(), &order).unwrap(),
        str::to_owned,
    );
    let inquired = inquiry::parse(&fixture.answer).unwrap();
    assert_eq!(inquired.status, OrderStatus::PurchaseConfirmByMerchant);
    // The blank is the document's own.
    assert_eq!(
        inquired.payment.merchant_order_id.as_deref(),
        Some(" merchant-1234-123")
    );
    assert_eq!(
        inquired.payment.client_ip.as_ref().map(Private::as_str),
        Some("37.32.127.129")
    );
    assert!(!format!("{inquired:?}").contains("09121234567"));
}
