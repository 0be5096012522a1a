use std::{borrow::Cow, fmt, ops::Range};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::text;
use crate::{Private, RefId, Rial};

/// What the gateway says of a payment, in verify's and in inquiry's answer.
///
/// It is the gateway's word, uncompared: nothing is paid before amount and
/// merchantOrderId equal the stored ones.
#[derive(Clone)]
pub struct Payment {
    amount: Option<Rial>,
    /// All texts, one after the other, and where each of them lies.
    texts: Box<str>,
    merchant_order_id: Part,
    ref_id: Part,
    /// As JSON, since few ask for it and it is full of escapes.
    additional_data: Part,
    user_identity: Part,
    client_ip: Part,
}

/// Where a text lies, if there is one.
type Part = Option<Range<usize>>;

impl Payment {
    /// The merchant's identifier, exactly as the gateway wrote it.
    #[must_use]
    pub fn merchant_order_id(&self) -> Option<&str> {
        self.text(&self.merchant_order_id)
    }

    /// The amount.
    #[must_use]
    pub const fn amount(&self) -> Option<Rial> {
        self.amount
    }

    /// The gateway's reference, for people; it may be absent, and one that is no
    /// identifier counts as absent: it is worth less than the payment it stands by.
    #[must_use]
    pub fn ref_id(&self) -> Option<RefId> {
        RefId::new(self.text(&self.ref_id)?).ok()
    }

    /// The shop's own text. What is no text is given as JSON, as the gateway wrote it: no
    /// payment is lost for it.
    #[must_use]
    pub fn additional_data(&self) -> Option<Private> {
        let json = self.text(&self.additional_data)?;
        Some(Private::new(
            serde_json::from_str(json).unwrap_or_else(|_| json.to_owned()),
        ))
    }

    /// The customer's mobile number, as the gateway wrote it.
    #[must_use]
    pub fn user_identity(&self) -> Option<Private> {
        self.text(&self.user_identity).map(Private::new)
    }

    /// The customer's address.
    #[must_use]
    pub fn client_ip(&self) -> Option<Private> {
        self.text(&self.client_ip).map(Private::new)
    }

    fn text(&self, part: &Part) -> Option<&str> {
        self.texts.get(part.clone()?)
    }
}

impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payment")
            .field("merchant_order_id", &self.merchant_order_id())
            .field("amount", &self.amount())
            .field("ref_id", &self.ref_id())
            .field("additional_data", &self.additional_data())
            .field("user_identity", &self.user_identity())
            .field("client_ip", &self.client_ip())
            .finish()
    }
}

/// What verify and inquiry answer; only inquiry names a state. What
/// may not matter is not looked into here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow, rename = "statusV")]
    status_v: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "text::exact")]
    merchant_order_id: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "text::amount")]
    amount: Option<Rial>,
    #[serde(default, borrow, deserialize_with = "text::text")]
    ref_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    additional_data: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "text::text")]
    user_identity: Option<Cow<'a, str>>,
    // inquiry prints clientIp, verify clientIP.
    #[serde(default, borrow, deserialize_with = "text::text")]
    client_ip: Option<Cow<'a, str>>,
    #[serde(default, borrow, rename = "clientIP", deserialize_with = "text::text")]
    client_ip_of_verify: Option<Cow<'a, str>>,
}

impl<'a> Wire<'a> {
    /// The one state that is named; nothing if it is none or not one.
    pub(super) fn status(&self) -> Option<Cow<'a, str>> {
        match (text::of(self.status_v).ok()?, text::of(self.status).ok()?) {
            (Some(one), Some(other)) if one != other => None,
            (one, other) => one.or(other),
        }
    }

    /// What the gateway says of the payment.
    pub(super) fn payment(self) -> Payment {
        let client_ip = self.client_ip.or(self.client_ip_of_verify);
        let parts = [
            self.merchant_order_id.as_deref(),
            self.ref_id.as_deref(),
            self.additional_data.map(RawValue::get),
            self.user_identity.as_deref(),
            client_ip.as_deref(),
        ];
        let length = parts.iter().flatten().map(|part| part.len()).sum();
        let mut texts = String::with_capacity(length);
        let [
            merchant_order_id,
            ref_id,
            additional_data,
            user_identity,
            client_ip,
        ] = parts.map(|part| {
            let begin = texts.len();
            texts.push_str(part?);
            Some(begin..texts.len())
        });
        Payment {
            amount: self.amount,
            texts: texts.into_boxed_str(),
            merchant_order_id,
            ref_id,
            additional_data,
            user_identity,
            client_ip,
        }
    }
}
