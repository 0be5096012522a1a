//! A gateway on the bench: a clock that stands still, a merchant that asks.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use jibit_proto::{Secret, Timestamp};
use jibit_sandbox::{Account, Gateway, Settings};
use serde_json::{Value, json};

pub(crate) struct Bench {
    pub(crate) gateway: Gateway,
    pub(crate) now: Timestamp,
    token: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let settings = settings.seed(7).public_url("http://127.0.0.1:8090/");
        let mut bench = Self {
            gateway: Gateway::new(settings),
            now: Timestamp::from_unix_millis(1_800_000_000_000),
            token: String::new(),
        };
        bench.log_in("7746", "123456");
        bench
    }

    /// Two merchants, `7746` and `7747`.
    pub(crate) fn two_merchants() -> Self {
        Self::with(Settings::default().merchants([
            ("7746", Secret::new("123456")),
            ("7747", Secret::new("654321")),
        ]))
    }

    pub(crate) fn log_in(&mut self, username: &str, password: &str) -> Value {
        let login = json!({"username": username, "password": password});
        let answer = self.post("/authenticate", &login);
        let answer = read(&answer);
        if let Some(token) = answer["result"]["token"].as_str() {
            self.token = token.to_owned();
        }
        answer
    }

    pub(crate) fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        self.gateway.handle(request, self.now).response
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response<Bytes> {
        let request = self.request("POST", path).body(body.to_string().into());
        self.send(request.unwrap())
    }

    pub(crate) fn get(&mut self, path: &str) -> Response<Bytes> {
        let request = self.request("GET", path).body(Bytes::new());
        self.send(request.unwrap())
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
    }

    pub(crate) fn initiate(&mut self) -> String {
        let answer = self.post("/order/initiate", &order());
        read(&answer)["result"]["orderId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) fn verify(&mut self, order: &str) -> Value {
        let path = format!("/order/verify/{order}");
        let request = self.request("POST", &path).body(Bytes::new());
        read(&self.send(request.unwrap()))
    }

    pub(crate) fn inquire(&mut self, order: &str) -> Value {
        read(&self.get(&format!("/order/inquiry/{order}")))
    }

    pub(crate) fn state(&mut self, order: &str) -> String {
        self.inquire(order)["statusV"].as_str().unwrap().to_owned()
    }

    /// The page's button, for scripts.
    pub(crate) fn press(&mut self, order: &str, button: &str) -> Response<Bytes> {
        self.post(&format!("/_sandbox/orders/{order}/{button}"), &Value::Null)
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        let advance = json!({"seconds": seconds});
        assert_eq!(self.post("/_sandbox/clock/advance", &advance).status(), 200);
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    pub(crate) fn balance(&self, account: &Account) -> i128 {
        self.gateway.book().balance(account)
    }

    pub(crate) fn wallet(&self) -> i128 {
        self.balance(&Account::Wallet("09121234567".to_owned()))
    }

    pub(crate) fn merchant(&self) -> i128 {
        self.balance(&Account::Merchant("7746".to_owned()))
    }
}

/// The document's sample.
pub(crate) fn order() -> Value {
    json!({
        "amount": 100,
        "callBackUrl": "http://callbackurl.com/success",
        "userIdentity": "09121234567",
        "additionalData": r#"{"additionaldata1":1234,"additionaldata1":"test2"}"#,
        "merchantOrderId": "merchant-1234-123",
        "description": "",
    })
}

pub(crate) fn read(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

pub(crate) fn text(answer: &Response<Bytes>) -> &str {
    std::str::from_utf8(answer.body()).unwrap()
}
