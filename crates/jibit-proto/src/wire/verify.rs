//! `POST /order/verify/{orderId}`: captures the money. It cannot be undone,
//! and not calling it is the only refund there is.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::{Operation, Payment, envelope, payment};
use crate::{BaseUrl, Error, ErrorKind, InvalidInput, OrderId, Secret};

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
    let path = format!("/order/verify/{}", order.path_segment());
    super::request(Method::POST, base, &path, Some(token), Vec::new())
}

/// Reads the answer. A success names merchantOrderId and amount; the caller
/// compares both with the stored ones.
///
/// # Errors
///
/// Always with [`Certainty::Unknown`](crate::Certainty), also for a plain
/// refusal: only an inquiry tells whether the money was taken.
pub fn parse(answer: &Response<Bytes>) -> Result<Payment, Error> {
    let wire: payment::Wire = envelope::result(Operation::Verify, answer, &[])?;
    let payment = Payment::from(wire);
    if payment.merchant_order_id.is_none() || payment.amount.is_none() {
        let problem = "the gateway's success does not say what was paid";
        return Err(envelope::implausible(
            answer,
            ErrorKind::Unreadable,
            problem,
        ));
    }
    Ok(payment)
}
