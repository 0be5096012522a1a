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
//! let request = wire::inquiry::request(&gateway, &Secret::new("a.token"), &order)?;
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
pub mod verify;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};

pub use payment::Payment;

#[allow(unused_imports, reason = "named in the docs above")]
use crate::Error;
use crate::{BaseUrl, InvalidInput, Secret};

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

/// A request of the protocol: `Content-Type` stands on every one, also on
/// those without a body.
fn request(
    method: Method,
    base: &BaseUrl,
    path: &str,
    token: Option<&Secret>,
    body: Vec<u8>,
) -> Result<Request<Bytes>, InvalidInput> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = base.join(path)?;
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(token) = token {
        headers.insert(header::AUTHORIZATION, token.bearer()?);
    }
    Ok(request)
}
