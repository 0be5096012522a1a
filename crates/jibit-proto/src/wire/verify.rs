//! `POST /order/verify/{orderId}`: captures the money. It cannot be undone,
//! and not calling it is the only refund there is.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::{
    Operation, Payment,
    envelope::{self, Reading},
    payment,
};
use crate::{BaseUrl, Bearer, Error, ErrorKind, InvalidInput, OrderId};

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
    let uri = base.join("/order/verify/", Some(order))?;
    Ok(super::request(Method::POST, uri, Some(token), Vec::new()))
}

/// Reads the answer. A success names merchantOrderId and amount; the caller
/// compares both with the stored ones.
///
/// # Errors
///
/// Always with [`Certainty::Unknown`](crate::Certainty), also for a plain
/// refusal: only an inquiry tells whether the money was taken.
pub fn parse(answer: &Response<Bytes>) -> Result<Payment, Error> {
    let reading = Reading::of(answer);
    let wire: payment::Wire<'_> = reading.result(Operation::Verify, &[])?;
    let payment = wire.payment();
    if payment.merchant_order_id().is_none() || payment.amount().is_none() {
        let problem = "the gateway's success does not say what was paid";
        return Err(envelope::implausible(
            answer,
            ErrorKind::Unreadable,
            problem,
        ));
    }
    Ok(payment)
}
