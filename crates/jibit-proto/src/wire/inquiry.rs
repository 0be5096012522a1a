//! `GET /order/inquiry/{orderId}`: asks for an order's state. It changes
//! nothing and may be repeated.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;

use super::{Operation, Payment, envelope, payment};
use crate::{BaseUrl, Error, ErrorKind, InvalidInput, OrderId, OrderStatus, Secret};

/// An order as the gateway sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inquired {
    /// The order's state.
    pub status: OrderStatus,
    /// What the gateway says of its payment.
    pub payment: Payment,
}

/// Builds the request, which has no body.
///
/// # Errors
///
/// If the token cannot stand in a header.
pub fn request(
    base: &BaseUrl,
    token: &Secret,
    order: &OrderId,
) -> Result<Request<Bytes>, InvalidInput> {
    let path = format!("/order/inquiry/{}", order.path_segment());
    super::request(Method::GET, base, &path, Some(token), Vec::new())
}

/// Reads the answer: bare, as the document prints it, or in the envelope; with
/// `statusV` or `status`.
///
/// # Errors
///
/// Whatever the error, the order's state stays what it was: not known.
pub fn parse(answer: &Response<Bytes>) -> Result<Inquired, Error> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default, rename = "statusV", deserialize_with = "payment::text")]
        status_v: Option<String>,
        #[serde(default, deserialize_with = "payment::text")]
        status: Option<String>,
        #[serde(flatten)]
        payment: payment::Wire,
    }

    let wire: Wire = envelope::result(Operation::Inquiry, answer, &[])?;
    let status = match (wire.status_v, wire.status) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    };
    let status = status.ok_or_else(|| {
        envelope::implausible(
            answer,
            ErrorKind::Unreadable,
            "the gateway's answer names no single state",
        )
    })?;
    Ok(Inquired {
        status: OrderStatus::from_wire(&status),
        payment: wire.payment.into(),
    })
}
