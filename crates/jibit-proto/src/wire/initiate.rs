//! `POST /order/initiate`: registers an order and says where the customer pays.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use super::{
    Operation,
    envelope::{self, Reading},
    text,
};
use crate::{
    BaseUrl, Bearer, CallbackUrl, Error, ErrorKind, HttpHosts, InvalidInput, MerchantOrderId,
    Mobile, OrderId, Private, RedirectUrl, Rial,
};

/// An order to register.
#[derive(Clone, Debug)]
pub struct NewOrder {
    amount: Rial,
    callback_url: CallbackUrl,
    user_identity: Mobile,
    merchant_order_id: MerchantOrderId,
    additional_data: Option<Private>,
    description: Option<Private>,
}

impl NewOrder {
    /// An order of `amount` for the customer with this mobile number.
    ///
    /// # Errors
    ///
    /// If the amount is 0.
    pub fn new(
        amount: Rial,
        callback_url: CallbackUrl,
        user_identity: Mobile,
        merchant_order_id: MerchantOrderId,
    ) -> Result<Self, InvalidInput> {
        if amount.get() == 0 {
            return Err(InvalidInput::new(
                "amount",
                "is 0",
                "give an amount of 1 Rial or more",
            ));
        }
        Ok(Self {
            amount,
            callback_url,
            user_identity,
            merchant_order_id,
            additional_data: None,
            description: None,
        })
    }

    /// Opaque text of the shop's that the gateway gives back.
    #[must_use]
    pub fn additional_data(mut self, text: impl Into<String>) -> Self {
        self.additional_data = Some(Private::new(text));
        self
    }

    /// Text that the customer sees on the gateway's page.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(Private::new(text));
        self
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    amount: u64,
    call_back_url: &'a str,
    user_identity: &'a str,
    merchant_order_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

impl Wire<'_> {
    /// How many bytes it is as JSON, if its texts need no escapes: a body that was not
    /// given more room than it needs is sent without a copy.
    fn length(&self) -> usize {
        const ALWAYS: &str =
            r#"{"amount":,"callBackUrl":"","userIdentity":"","merchantOrderId":""}"#;
        let digits = self
            .amount
            .checked_ilog10()
            .map_or(1, |log| log as usize + 1);
        let optional = |name: &str, text: Option<&str>| text.map_or(0, |it| name.len() + it.len());
        ALWAYS.len()
            + digits
            + self.call_back_url.len()
            + self.user_identity.len()
            + self.merchant_order_id.len()
            + optional(r#","additionalData":"""#, self.additional_data)
            + optional(r#","description":"""#, self.description)
    }
}

/// A registered order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Initiated {
    /// The gateway's identifier: store it before the customer leaves.
    pub order_id: OrderId,
    /// The merchant's identifier, which the answer confirmed.
    pub merchant_order_id: MerchantOrderId,
    /// Where to send the customer's browser.
    pub redirect_url: RedirectUrl,
    /// The shop's own text, as the gateway gave it back.
    pub additional_data: Option<Private>,
}

/// Builds the request. Once it may have reached the gateway it is never sent
/// again: nobody knows whether initiate is idempotent.
///
/// # Errors
///
/// If the base URL cannot carry the path.
pub fn request(
    base: &BaseUrl,
    token: &Bearer,
    order: &NewOrder,
) -> Result<Request<Bytes>, InvalidInput> {
    let fields = Wire {
        amount: order.amount.get(),
        call_back_url: order.callback_url.as_str(),
        user_identity: order.user_identity.as_str(),
        merchant_order_id: order.merchant_order_id.as_str(),
        additional_data: order.additional_data.as_ref().map(Private::as_str),
        description: order.description.as_ref().map(Private::as_str),
    };
    let body = super::body(&fields, fields.length())?;
    let uri = base.initiate().clone();
    Ok(super::request(Method::POST, uri, Some(token), body))
}

/// Reads the answer to `order`'s request; `hosts` says where plain http is
/// allowed.
///
/// # Errors
///
/// With [`Certainty::Unknown`](crate::Certainty) the order may exist: nobody
/// knows its orderId, nobody can pay it, and it costs nobody anything.
/// [`ErrorKind::Mismatch`] if the answer is about another order.
pub fn parse(
    answer: &Response<Bytes>,
    order: &NewOrder,
    hosts: &HttpHosts,
) -> Result<Initiated, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire<'a> {
        #[serde(borrow, deserialize_with = "text::text")]
        order_id: Option<Cow<'a, str>>,
        #[serde(borrow, deserialize_with = "text::text")]
        merchant_order_id: Option<Cow<'a, str>>,
        #[serde(borrow)]
        redirect_url: Cow<'a, str>,
        #[serde(default, borrow, deserialize_with = "text::text")]
        additional_data: Option<Cow<'a, str>>,
    }

    let reading = Reading::of(answer);
    let wire: Wire<'_> = reading.result(Operation::Initiate, &[])?;
    let implausible = |kind, message| envelope::implausible(answer, kind, message);
    if !wire
        .merchant_order_id
        .is_some_and(|echo| order.merchant_order_id.is_echoed_by(&echo))
    {
        return Err(implausible(
            ErrorKind::Mismatch,
            "the gateway answered about another merchantOrderId",
        ));
    }
    Ok(Initiated {
        order_id: OrderId::new(wire.order_id.unwrap_or_default()).map_err(|_| {
            implausible(
                ErrorKind::Unreadable,
                "the gateway's orderId is not an identifier",
            )
        })?,
        merchant_order_id: order.merchant_order_id.clone(),
        redirect_url: RedirectUrl::new(&wire.redirect_url, hosts).map_err(|_| {
            implausible(
                ErrorKind::Unreadable,
                "the gateway's redirectUrl is not safe to give out",
            )
        })?,
        additional_data: wire.additional_data.map(Private::new),
    })
}
