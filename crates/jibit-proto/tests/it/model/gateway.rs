//! The gateway of the model: which tokens live and where each order stands.

use bytes::Bytes;
use http::Response;
use jibit_proto::Timestamp;
use jibit_proto::session::Outgoing;
use jibit_proto::wire::Operation;
use serde_json::{Value, json};

use super::{CONFIRMED, PAID, TOKEN_LIFE};

pub(super) struct Order {
    pub(super) merchant_order_id: String,
    pub(super) state: &'static str,
    pub(super) amount: u64,
    /// Whether an answer spoke of another amount.
    pub(super) belied: bool,
}

pub(super) struct Gateway {
    pub(super) password: String,
    pub(super) tokens: u32,
    pub(super) token: Option<(String, Timestamp)>,
    pub(super) refresh_token: Option<String>,
    pub(super) orders: Vec<Order>,
}

impl Gateway {
    pub(super) fn handle(&mut self, out: &Outgoing, now: Timestamp) -> Response<Bytes> {
        let body: Value = serde_json::from_slice(out.request.body()).unwrap_or_default();
        let refusal = || refused(200, 9, out);
        match out.operation {
            Operation::Authenticate if body["password"] == self.password => self.pair(now),
            Operation::Refresh
                if body["refreshToken"].as_str() == self.refresh_token.as_deref() =>
            {
                self.pair(now)
            }
            Operation::Authenticate | Operation::Refresh => refusal(),
            _ if !self.accepts(bearer(out), now) => refused(401, 7, out),
            Operation::Initiate => {
                let id = body["merchantOrderId"].as_str().unwrap();
                self.add(id.to_owned(), "INITIAL", 100);
                let order = format!("o{}", self.orders.len() - 1);
                success(
                    json!({"orderId": order, "merchantOrderId": id, "redirectUrl": "https://a/"}),
                )
            }
            Operation::Inquiry => {
                let order = &self.orders[subject(out)];
                success(
                    json!({"statusV": order.state, "merchantOrderId": order.merchant_order_id,
                    "amount": order.amount, "userIdentity": "09121234567"}),
                )
            }
            Operation::Verify => {
                let n = subject(out);
                let order = &mut self.orders[n];
                // Nobody knows whether a second verify is refused: some are.
                match order.state {
                    PAID => order.state = CONFIRMED,
                    CONFIRMED if n.is_multiple_of(2) => {}
                    _ => return refusal(),
                }
                success(json!({"merchantOrderId": order.merchant_order_id, "amount": order.amount}))
            }
        }
    }

    pub(super) fn pair(&mut self, now: Timestamp) -> Response<Bytes> {
        self.tokens += 1;
        let n = self.tokens;
        // {"iat":0,"exp":1000}
        let token = format!("e30.eyJpYXQiOjAsImV4cCI6MTAwMH0.S3cr3t{n:040}");
        let refresh_token = format!("S3cr3t-refresh-{n:040}");
        let body = success(json!({"token": token, "refreshToken": refresh_token}));
        self.token = Some((token, now + TOKEN_LIFE));
        self.refresh_token = Some(refresh_token);
        body
    }

    pub(super) fn accepts(&self, bearer: Option<&str>, now: Timestamp) -> bool {
        self.token
            .as_ref()
            .is_some_and(|(token, until)| bearer == Some(token) && now < *until)
    }

    pub(super) fn add(&mut self, merchant_order_id: String, state: &'static str, amount: u64) {
        self.orders.push(Order {
            merchant_order_id,
            state,
            amount,
            belied: false,
        });
    }
}

pub(super) fn success(result: Value) -> Response<Bytes> {
    Response::new(json!({"errorCode": 0, "result": result}).to_string().into())
}

/// A refusal that repeats whatever the request carried.
pub(super) fn refused(status: u16, code: i64, out: &Outgoing) -> Response<Bytes> {
    let body = String::from_utf8_lossy(out.request.body());
    let message = format!(
        "no: {} {body} 0912 123 4567",
        bearer(out).unwrap_or_default()
    );
    Response::builder()
        .status(status)
        .header("location", "https://elsewhere.example/")
        .body(
            json!({"errorCode": code, "message": message})
                .to_string()
                .into(),
        )
        .unwrap()
}

pub(super) fn bearer(out: &Outgoing) -> Option<&str> {
    let value = out.request.headers().get("authorization")?;
    value.to_str().unwrap().strip_prefix("Bearer ")
}

/// The order that a request is about.
pub(super) fn subject(out: &Outgoing) -> usize {
    out.request
        .uri()
        .path()
        .rsplit("/o")
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

pub(super) fn is_renewal(out: &Outgoing) -> bool {
    matches!(out.operation, Operation::Authenticate | Operation::Refresh)
}
