//! Who is told, and how he knows that it was us: Standard Webhooks 1.0.

use std::{fmt, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, Request, Uri, header::CONTENT_TYPE};
use jibit_checkout::NoticeId;
use jibit_hyper::Timestamp;
use jibit_proto::{BaseUrl, HttpHosts, InvalidInput, Secret};
use sha2::Sha256;

/// Where the shop is told what becomes of orders.
#[derive(Clone)]
pub struct Webhook {
    url: Uri,
    secret: WebhookSecret,
}

impl Webhook {
    /// Calls `url`, and signs with `secret`. Plain http is spoken with `hosts` alone: whoever
    /// listens on the way would read of orders.
    ///
    /// # Errors
    ///
    /// If it is no URL, or its host is none that may be spoken to so.
    pub fn new(url: &str, secret: WebhookSecret, hosts: &HttpHosts) -> Result<Self, InvalidInput> {
        let invalid = |problem| InvalidInput::new("webhook URL", problem, REMEDY);
        let url: Uri = url.parse().map_err(|_| invalid("is not a URL"))?;
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(invalid("names no scheme and host"));
        };
        BaseUrl::new(&format!("{scheme}://{authority}"), hosts)
            .map_err(|error| invalid(error.problem()))?;
        Ok(Self { url, secret })
    }

    /// The request that tells `body`.
    pub(crate) fn request(
        &self,
        id: &NoticeId,
        now: Timestamp,
        body: String,
    ) -> Result<Request<Bytes>, http::Error> {
        let seconds = now.as_unix_millis() / 1000;
        let signature = self.secret.sign(id.as_str(), seconds, &body);
        Request::post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", id.as_str())
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(body.into())
    }
}

const REMEDY: &str = "give an https URL of the shop's, or http on this machine, such as \
                      http://127.0.0.1:8000/jibit";

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path may be the shop's secret.
        f.debug_struct("Webhook")
            .field("host", &self.url.host())
            .finish_non_exhaustive()
    }
}

/// What an agent and a shop share to know webhooks by: `whsec_` and 24 to 64 bytes in
/// base64.
#[derive(Clone)]
pub struct WebhookSecret(Hmac<Sha256>);

impl WebhookSecret {
    const PREFIX: &str = "whsec_";

    /// Reads a secret.
    ///
    /// # Errors
    ///
    /// If it is not of that form.
    pub fn new(text: &Secret) -> Result<Self, InvalidInput> {
        let invalid = |problem| {
            InvalidInput::new(
                "webhook secret",
                problem,
                "give what `jibit agent --new-webhook-secret` prints",
            )
        };
        let bytes = text.expose().trim().strip_prefix(Self::PREFIX);
        let bytes = bytes.ok_or_else(|| invalid("does not begin with whsec_"))?;
        let bytes = STANDARD
            .decode(bytes)
            .map_err(|_| invalid("is not base64 after whsec_"))?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(invalid("is not 24 to 64 bytes in base64"));
        }
        let key = Hmac::new_from_slice(&bytes).map_err(|_| invalid("is no key"))?;
        Ok(Self(key))
    }

    /// A new one, of 32 random bytes.
    ///
    /// # Errors
    ///
    /// If the system gives no random bytes.
    pub fn random() -> io::Result<Secret> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let text = format!("{}{}", Self::PREFIX, STANDARD.encode(bytes));
        Ok(Secret::new(text))
    }

    fn sign(&self, id: &str, seconds: u64, body: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks' own libraries.
    #[test]
    fn it_signs_as_others_do() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = WebhookSecret::new(&secret).unwrap().sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_new_secret_can_be_read_and_a_wrong_one_says_what_is_wrong() {
        assert!(WebhookSecret::new(&WebhookSecret::random().unwrap()).is_ok());
        for (text, problem) in [
            ("secret", "does not begin with whsec_"),
            ("whsec_#", "is not base64 after whsec_"),
            ("whsec_AAAA", "is not 24 to 64 bytes in base64"),
        ] {
            let refused = WebhookSecret::new(&Secret::new(text)).unwrap_err();
            assert_eq!(
                (refused.field(), refused.problem()),
                ("webhook secret", problem)
            );
        }
    }

    #[test]
    fn a_webhook_is_https_or_this_machine() {
        let hosts = HttpHosts::loopback();
        let secret = || WebhookSecret::new(&WebhookSecret::random().unwrap()).unwrap();
        for url in ["https://shop.example/jibit?key=1", "http://127.0.0.1:8000/"] {
            assert!(Webhook::new(url, secret(), &hosts).is_ok(), "{url}");
        }
        for url in ["http://shop.example/", "/jibit", "", "ftp://shop.example/"] {
            assert!(Webhook::new(url, secret(), &hosts).is_err(), "{url}");
        }
    }
}
