use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::{Private, RefId, Rial, ids::LOST};

/// What the gateway says of a payment, in verify's and in inquiry's answer.
///
/// It is the gateway's word, uncompared: nothing is paid before amount and
/// merchantOrderId equal the stored ones.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Payment {
    /// The merchant's identifier, exactly as the gateway wrote it.
    pub merchant_order_id: Option<String>,
    /// The amount.
    pub amount: Option<Rial>,
    /// The gateway's reference, for people; it may be absent.
    pub ref_id: Option<RefId>,
    /// The shop's own text.
    pub additional_data: Option<Private>,
    /// The customer's mobile number, as the gateway wrote it.
    pub user_identity: Option<Private>,
    /// The customer's address.
    pub client_ip: Option<Private>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    #[serde(default, deserialize_with = "exact_text")]
    merchant_order_id: Option<String>,
    #[serde(default, deserialize_with = "amount")]
    amount: Option<Rial>,
    #[serde(default, deserialize_with = "text")]
    ref_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    additional_data: Option<String>,
    #[serde(default, deserialize_with = "text")]
    user_identity: Option<String>,
    // inquiry prints clientIp, verify clientIP.
    #[serde(default, deserialize_with = "text")]
    client_ip: Option<String>,
    #[serde(default, deserialize_with = "text", rename = "clientIP")]
    client_ip_of_verify: Option<String>,
}

impl From<Wire> for Payment {
    fn from(wire: Wire) -> Self {
        Self {
            merchant_order_id: wire.merchant_order_id,
            amount: wire.amount,
            // A reference that is none is worth less than the payment it stands by.
            ref_id: wire.ref_id.and_then(|text| RefId::new(text).ok()),
            additional_data: wire.additional_data.map(Private::new),
            user_identity: wire.user_identity.map(Private::new),
            client_ip: wire
                .client_ip
                .or(wire.client_ip_of_verify)
                .map(Private::new),
        }
    }
}

/// Text, also where a number is printed.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(de::Error::custom("neither text nor a number")),
    }
}

/// The same, none of whose bytes were lost on the way.
fn exact_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = text(deserializer)?;
    if text.as_ref().is_some_and(|it| it.contains(LOST)) {
        return Err(de::Error::custom("bytes that are no text"));
    }
    Ok(text)
}

/// A whole number of Rial, also where its digits are printed as text.
fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rial>, D::Error> {
    text(deserializer)?
        .map(|digits| digits.parse().map_err(de::Error::custom))
        .transpose()
}
