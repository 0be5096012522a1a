//! The requests, as bytes.

use std::net::SocketAddr;

use serde_json::json;

/// What the floor is asked: as little as HTTP allows.
pub(crate) fn hello(address: SocketAddr) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
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

    /// An order such as shops make: a merchantOrderId of 30 letters, a callBackUrl
    /// of 60, a description of about 40 in Persian, a customer of its own.
    pub(crate) fn initiate(&self, number: usize) -> Vec<u8> {
        let number = number % 10_000_000;
        let body = json!({
            "amount": 125_000,
            "callBackUrl": format!("https://shop.example/checkout/return?session=s-{number:013}"),
            "userIdentity": format!("0912{number:07}"),
            "merchantOrderId": format!("shop-1405-order-number-{number:07}"),
            "description": format!("خرید دو جلد کتاب از فروشگاه نمونه {number:07}"),
        });
        self.request("POST", "/order/initiate", true, &body.to_string())
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
