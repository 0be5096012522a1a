//! The requests, as bytes.

use std::net::SocketAddr;

use serde_json::json;

/// As long as the gateway's own.
pub(crate) const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJpci5qaWJpdC5xcnBnIiwic3ViIjoiNzc0NiIsImlzcyI6ImlyLmppYml0LnRzZXJ2ZXIiLCJleHAiOjE4MDAwODY0MDAsImlhdCI6MTgwMDAwMDAwMCwianRpIjoiNSJ9.gLfKvw7wUJgipNpxhVAHHSBj4g9caq-NOqhZbEP5GUs";

/// What the floor is asked: as little as HTTP allows.
pub(crate) fn hello(address: SocketAddr) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
}

/// What every order costs, in Rial.
pub(crate) const AMOUNT: u64 = 125_000;

/// The body of an initiate, for an order such as shops make: a merchantOrderId of 30
/// letters, a callBackUrl of 60, a description of about 40 in Persian, a customer of its
/// own.
pub(crate) fn order(number: usize) -> String {
    let order = json!({
        "amount": AMOUNT,
        "callBackUrl": callback_url(number),
        "userIdentity": mobile(number),
        "merchantOrderId": merchant_order_id(number),
        "description": description(number),
    });
    order.to_string()
}

pub(crate) fn callback_url(number: usize) -> String {
    format!(
        "https://shop.example/checkout/return?session=s-{:013}",
        digits(number)
    )
}

pub(crate) fn mobile(number: usize) -> String {
    format!("0912{:07}", digits(number))
}

pub(crate) fn merchant_order_id(number: usize) -> String {
    format!("shop-1405-order-number-{:07}", digits(number))
}

pub(crate) fn description(number: usize) -> String {
    format!("خرید دو جلد کتاب از فروشگاه نمونه {:07}", digits(number))
}

/// Seven of them.
const fn digits(number: usize) -> usize {
    number % 10_000_000
}

/// Builds a merchant's requests to one sandbox.
#[derive(Clone)]
pub(crate) struct Merchant {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

impl Merchant {
    /// One that has not logged in.
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            token: String::new(),
        }
    }

    pub(crate) fn authenticate(&self) -> Vec<u8> {
        let body = json!({"username": "7746", "password": "123456"});
        self.request("POST", "/authenticate", false, &body.to_string())
    }

    pub(crate) fn refresh(&self, token: &str, refresh_token: &str) -> Vec<u8> {
        let body = json!({"token": token, "refreshToken": refresh_token});
        self.request("POST", "/authenticate/refresh", false, &body.to_string())
    }

    pub(crate) fn initiate(&self, number: usize) -> Vec<u8> {
        self.request("POST", "/order/initiate", true, &order(number))
    }

    pub(crate) fn pay(&self, order: &str) -> Vec<u8> {
        self.request("POST", &format!("/_sandbox/orders/{order}/pay"), false, "")
    }

    pub(crate) fn verify(&self, order: &str) -> Vec<u8> {
        self.request("POST", &format!("/order/verify/{order}"), true, "")
    }

    pub(crate) fn inquiry(&self, order: &str) -> Vec<u8> {
        self.request("GET", &format!("/order/inquiry/{order}"), true, "")
    }

    /// A look at one of the sandbox's controls.
    pub(crate) fn control(&self, path: &str) -> Vec<u8> {
        self.request("GET", &format!("/_sandbox/{path}"), false, "")
    }

    fn request(&self, method: &str, path: &str, authorized: bool, body: &str) -> Vec<u8> {
        let Self { address, token } = self;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
        );
        if authorized {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if method == "POST" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        format!("{head}\r\n{body}").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn orders_are_as_long_as_they_are_said_to_be() {
        let merchant = Merchant::new("127.0.0.1:80".parse().unwrap());
        let request = String::from_utf8(merchant.initiate(17)).unwrap();
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        let letters = |field: &str| body[field].as_str().unwrap().chars().count();
        assert_eq!(letters("merchantOrderId"), 30);
        assert_eq!(letters("callBackUrl"), 60);
        assert_eq!(letters("description"), 41);
        assert_eq!(letters("userIdentity"), 11);
    }
}
