//! `GET /order/inquiry/{orderId}`: asks for an order's state. It changes
//! nothing and may be repeated.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::{
    Operation, Payment,
    envelope::{self, Reading},
    payment,
};
use crate::{BaseUrl, Bearer, Error, ErrorKind, InvalidInput, OrderId, OrderStatus};

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
/// If the base URL cannot carry the path.
pub fn request(
    base: &BaseUrl,
    token: &Bearer,
    order: &OrderId,
) -> Result<Request<Bytes>, InvalidInput> {
    let uri = base.join("/order/inquiry/", Some(order))?;
    Ok(super::request(Method::GET, uri, Some(token), Vec::new()))
}

/// Reads the answer: bare, as the document prints it, or in the envelope; with
/// `statusV` or `status`.
///
/// # Errors
///
/// Whatever the error, the order's state stays what it was: not known.
pub fn parse(answer: &Response<Bytes>) -> Result<Inquired, Error> {
    let reading = Reading::of(answer);
    let wire: payment::Wire<'_> = reading.result(Operation::Inquiry, &[])?;
    let status = wire.status().ok_or_else(|| {
        envelope::implausible(
            answer,
            ErrorKind::Unreadable,
            "the gateway's answer names no single state",
        )
    })?;
    Ok(Inquired {
        status: OrderStatus::from_wire(&status),
        payment: wire.payment(),
    })
}
