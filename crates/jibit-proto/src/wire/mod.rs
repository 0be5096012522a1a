//! The five operations as values: a request to send, an answer to read.
//!
//! One module an operation, each with `request` and `parse`. What to do after
//! a failure is not decided here: the [error](crate::Error) says what kind of failure it is
//! and whether the request may have taken effect.
//!
//! `http::Request<Bytes>` prints its body in `Debug`, and the bodies here hold
//! passwords, tokens and mobile numbers: never print a request or an answer.
//!
//! ```
//! use jibit_proto::{BaseUrl, HttpHosts, OrderId, OrderStatus, Secret, wire};
//!
//! let gateway = BaseUrl::new("https://pg.jibit.mobi", &HttpHosts::loopback())?;
//! let order = OrderId::new("7wvkgrn0")?;
//! let token = Secret::new("a.token").bearer()?;
//! let request = wire::inquiry::request(&gateway, &token, &order)?;
//! assert_eq!(request.uri(), "https://pg.jibit.mobi/order/inquiry/7wvkgrn0");
//!
//! let answer = http::Response::new(r#"{"statusV": "PGENTRY", "amount": 100}"#.into());
//! let inquired = wire::inquiry::parse(&answer)?;
//! assert_eq!(inquired.status, OrderStatus::PgEntry);
//! # Ok::<(), jibit_proto::Error>(())
//! ```

pub mod authenticate;
mod envelope;
pub mod initiate;
pub mod inquiry;
mod payment;
mod redact;
pub mod refresh;
mod text;
pub mod verify;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};

pub use payment::Payment;

#[allow(unused_imports, reason = "named in the docs above")]
use crate::Error;
use crate::{Bearer, InvalidInput};
use serde::Serialize;

/// An operation of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /authenticate`
    Authenticate,
    /// `POST /authenticate/refresh`
    Refresh,
    /// `POST /order/initiate`
    Initiate,
    /// `POST /order/verify/{orderId}`
    Verify,
    /// `GET /order/inquiry/{orderId}`
    Inquiry,
}

impl Operation {
    /// The operation's name, as the document has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Refresh => "refresh",
            Self::Initiate => "initiate",
            Self::Verify => "verify",
            Self::Inquiry => "inquiry",
        }
    }
}

/// An answer's body that is read at the most, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// The `Content-Type` of every request, also of those without a body.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A request of the protocol; without a token it is one for a token.
fn request(method: Method, uri: Uri, token: Option<&Bearer>, body: Vec<u8>) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    match token {
        Some(token) => request.headers_mut().clone_from(token.headers()),
        None => {
            request.headers_mut().insert(header::CONTENT_TYPE, JSON);
        }
    }
    request
}

/// What is sent, as JSON; `length` is about how many bytes it has.
fn body(fields: &impl Serialize, length: usize) -> Result<Vec<u8>, InvalidInput> {
    let mut body = Vec::with_capacity(length);
    serde_json::to_writer(&mut body, fields).map_err(|_| {
        InvalidInput::new("request", "cannot be written as JSON", "check its texts")
    })?;
    Ok(body)
}
