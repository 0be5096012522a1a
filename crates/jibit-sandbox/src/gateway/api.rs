//! The five operations, as the document's samples print them. Nothing here is
//! shared with the client: this is the other side of the contract.

use std::{borrow::Cow, collections::BTreeSet, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use jibit_proto::Timestamp;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

use super::{
    Gateway, Refusal,
    orders::{NewOrder, Order},
};
use crate::{Operation, Quirk, mobile::Mobile};

/// The largest amount that a JSON number carries exactly everywhere.
const MAX_AMOUNT: u64 = (1 << 53) - 1;

/// As many bytes as most answers have at most.
const USUAL_ANSWER: usize = 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Success<T> {
    error_code: u16,
    result: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error_code: u16,
    message: String,
}

// Fields are taken as whatever JSON they are, so that a refusal can name the one
// that is wrong. One that stands twice makes the body unreadable.

#[derive(Deserialize)]
struct Login {
    username: Option<Value>,
    password: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    token: Option<Value>,
    refresh_token: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initiate {
    amount: Option<Value>,
    #[serde(rename = "callBackUrl")]
    callback_url: Option<Value>,
    user_identity: Option<Value>,
    merchant_order_id: Option<Value>,
    additional_data: Option<Value>,
    description: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Initiated<'a> {
    order_id: &'a str,
    merchant_order_id: &'a str,
    redirect_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_data: Option<&'a str>,
}

/// What verify and inquiry say of an order, in the samples' order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    #[serde(rename = "statusV", skip_serializing_if = "Option::is_none")]
    status_v: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    merchant_order_id: Cow<'a, str>,
    amount: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_data: Option<&'a str>,
    user_identity: Mobile,
    #[serde(rename = "clientIP", skip_serializing_if = "Option::is_none")]
    client_ip_capital: Option<IpAddr>,
    #[serde(rename = "clientIp", skip_serializing_if = "Option::is_none")]
    client_ip_small: Option<IpAddr>,
}

impl<'a> Shown<'a> {
    fn new(order: &'a Order, quirks: &BTreeSet<Quirk>) -> Self {
        let has = |quirk| quirks.contains(&quirk);
        let amount = order.amount();
        let reference = order.ref_id().filter(|_| !has(Quirk::NoRefId));
        let number = |text: &str| match text.parse::<u64>() {
            Ok(number) if has(Quirk::RefIdAsNumber) => Value::from(number),
            _ => Value::from(text),
        };
        Self {
            status_v: None,
            status: None,
            merchant_order_id: order.merchant_order_id().into(),
            amount: if has(Quirk::AmountAsText) {
                Value::from(amount.to_string())
            } else {
                Value::from(amount)
            },
            ref_id: reference.map(number),
            additional_data: order.asked.additional_data.as_deref(),
            user_identity: order.asked.user_identity,
            client_ip_capital: order.payment.as_ref().map(|payment| payment.client_ip),
            client_ip_small: None,
        }
    }

    /// As inquiry says it.
    fn inquired(mut self, status: &'a str, quirks: &BTreeSet<Quirk>) -> Self {
        if quirks.contains(&Quirk::StatusV) {
            self.status_v = Some(status);
        } else {
            self.status = Some(status);
        }
        if quirks.contains(&Quirk::BlankBeforeId) {
            self.merchant_order_id = format!(" {}", self.merchant_order_id).into();
        }
        if quirks.contains(&Quirk::SmallClientIp) {
            self.client_ip_small = self.client_ip_capital.take();
        }
        self
    }
}

/// Answers an operation of the protocol.
pub(super) fn answer(
    gateway: &mut Gateway,
    operation: Operation,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Response<Bytes> {
    handle(gateway, operation, request, now).unwrap_or_else(|refusal| {
        if refusal == Refusal::Token && gateway.has(Quirk::UnauthorizedInside200) {
            let envelope = Failure {
                error_code: 401,
                message: refusal.to_string(),
            };
            return json(StatusCode::OK, &envelope);
        }
        refuse(refusal)
    })
}

fn handle(
    gateway: &mut Gateway,
    operation: Operation,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Result<Response<Bytes>, Refusal> {
    let expected = match operation {
        Operation::Inquiry => "GET",
        _ => "POST",
    };
    if request.method() != expected {
        return Err(Refusal::Method(expected));
    }
    if !is_json(request.headers()) {
        return Err(Refusal::ContentType);
    }
    match operation {
        Operation::Authenticate => {
            let login: Login = body(request)?;
            let username = id("username", login.username)?;
            let password = text("password", login.password)?;
            let (merchant, _) = (gateway.settings.merchants.get_key_value(&*username))
                .filter(|(_, known)| known.expose() == password)
                .ok_or(Refusal::Credentials)?;
            let merchant = Arc::clone(merchant);
            if gateway.has(Quirk::LoginEndsOlderTokens) {
                gateway.tokens.revoke();
            }
            Ok(success(gateway.tokens.issue(&merchant, now)))
        }
        Operation::Refresh => {
            let old: Refresh = body(request)?;
            let token = text("token", old.token)?;
            let refresh = text("refreshToken", old.refresh_token)?;
            let lives = gateway.has(Quirk::RefreshTokenLives);
            let pair = (gateway.tokens).refresh(&token, &refresh, lives, now)?;
            Ok(success(pair))
        }
        Operation::Initiate => {
            let merchant = merchant(gateway, request, now)?;
            let asked = checked(body(request)?, merchant)?;
            let order = gateway.orders.initiate(asked, &mut gateway.ids, now)?;
            Ok(success(Initiated {
                order_id: order.id(),
                merchant_order_id: order.merchant_order_id(),
                redirect_url: format!("{}/order/{}", gateway.public_url, order.id()),
                additional_data: order.asked.additional_data.as_deref(),
            }))
        }
        Operation::Verify => {
            let merchant = merchant(gateway, request, now)?;
            let id = order_id(request, "/order/verify/")?;
            let again = gateway.has(Quirk::VerifiedAgain);
            let order = match (gateway.orders).verify(&merchant, id, &mut gateway.book) {
                Err(Refusal::AlreadyVerified) if again => gateway.orders.of(&merchant, id)?,
                order => order?,
            };
            Ok(success(Shown::new(order, &gateway.settings.quirks)))
        }
        Operation::Inquiry => {
            let merchant = merchant(gateway, request, now)?;
            let id = order_id(request, "/order/inquiry/")?;
            let order = gateway.orders.of(&merchant, id)?;
            let quirks = &gateway.settings.quirks;
            let shown = Shown::new(order, quirks).inquired(order.state().as_str(), quirks);
            Ok(if quirks.contains(&Quirk::BareInquiry) {
                json(StatusCode::OK, &shown)
            } else {
                success(shown)
            })
        }
    }
}

/// A success, where a second verify would be refused.
pub(super) fn verified_again(
    gateway: &Gateway,
    request: &Request<Bytes>,
    answer: Response<Bytes>,
) -> Response<Bytes> {
    let refused = refuse(Refusal::AlreadyVerified);
    match order_id(request, "/order/verify/").map(|id| gateway.orders.get(id)) {
        Ok(Ok(order)) if answer.body() == refused.body() => {
            success(Shown::new(order, &gateway.settings.quirks))
        }
        _ => answer,
    }
}

/// The merchant that the request's bearer token stands for.
fn merchant(
    gateway: &mut Gateway,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Result<Arc<str>, Refusal> {
    let authorization = (request.headers().get(header::AUTHORIZATION))
        .and_then(|value| value.to_str().ok())
        .ok_or(Refusal::Token)?;
    let merchant = gateway.tokens.merchant(authorization, now)?;
    let known = gateway.settings.merchants.get_key_value(merchant);
    known.map(|(id, _)| Arc::clone(id)).ok_or(Refusal::Token)
}

/// Our ids need no decoding; what would need it is none of ours.
fn order_id<'a>(request: &'a Request<Bytes>, path: &str) -> Result<&'a str, Refusal> {
    (request.uri().path().strip_prefix(path)).ok_or(Refusal::NoSuchOrder)
}

/// An order whose every field is what the document asks for.
fn checked(asked: Initiate, merchant: Arc<str>) -> Result<NewOrder, Refusal> {
    let amount = asked.amount.and_then(|amount| whole(&amount));
    let amount = amount.filter(|rial| (1..=MAX_AMOUNT).contains(rial));
    let amount = amount.ok_or(Refusal::Amount)?;
    let callback_url = text("callBackUrl", asked.callback_url)?;
    if absolute(&callback_url).is_none() {
        return Err(Refusal::CallbackUrl);
    }
    let user_identity = text("userIdentity", asked.user_identity)?.parse()?;
    let merchant_order_id = id("merchantOrderId", asked.merchant_order_id)?;
    if merchant_order_id.trim().is_empty() {
        return Err(Refusal::MerchantOrderId);
    }
    let optional = |name, value: Option<Value>| {
        let text = value.map(|value| text(name, Some(value)));
        text.transpose().map(|text| text.map(Into::into))
    };
    Ok(NewOrder {
        merchant,
        merchant_order_id: merchant_order_id.into(),
        amount,
        user_identity,
        callback_url: callback_url.into(),
        additional_data: optional("additionalData", asked.additional_data)?,
        description: optional("description", asked.description)?,
    })
}

fn text(name: &'static str, value: Option<Value>) -> Result<String, Refusal> {
    match value {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Refusal::Text(name)),
    }
}

/// An id; some shops send theirs as a number.
fn id(name: &'static str, value: Option<Value>) -> Result<String, Refusal> {
    match value.as_ref().and_then(whole) {
        Some(number) => Ok(number.to_string()),
        None => text(name, value),
    }
}

/// A whole number; some languages write 100 as `100.0`.
fn whole(value: &Value) -> Option<u64> {
    let fraction = || value.as_f64()?.to_string().parse().ok();
    value.as_u64().or_else(fraction)
}

/// Scheme and authority of an absolute http or https URL that can stand in a
/// header; nothing if it is none.
pub(super) fn origin(url: &str) -> Option<String> {
    let uri = absolute(url)?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

fn absolute(url: &str) -> Option<Uri> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let uri: Uri = url.parse().ok()?;
    // Nothing that could end a Content-Security-Policy's source.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let is_absolute = matches!(uri.scheme_str()?, "http" | "https")
        && uri.authority()?.as_str().bytes().all(plain);
    is_absolute.then_some(uri)
}

/// `application/json`, with a charset or without.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok()?.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The JSON object that a request brings.
pub(super) fn object<T: DeserializeOwned>(request: &Request<Bytes>) -> serde_json::Result<T> {
    let body = request.body();
    if !body.trim_ascii_start().starts_with(b"{") {
        // An array of the fields' values would pass as well.
        return Err(serde_json::Error::custom("it is not an object"));
    }
    serde_json::from_slice(body)
}

fn body<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Refusal> {
    object(request).map_err(|_| Refusal::Body)
}

fn success(result: impl Serialize) -> Response<Bytes> {
    let envelope = Success {
        error_code: 0,
        result,
    };
    json(StatusCode::OK, &envelope)
}

/// A refusal in the protocol's envelope.
pub(crate) fn refuse(refusal: Refusal) -> Response<Bytes> {
    refuse_saying(refusal, refusal.to_string())
}

/// The same in words that say more.
pub(super) fn refuse_saying(refusal: Refusal, message: String) -> Response<Bytes> {
    let envelope = Failure {
        error_code: refusal.code(),
        message,
    };
    let mut answer = json(refusal.status(), &envelope);
    refusal.mark(answer.headers_mut());
    answer
}

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    let mut body = Vec::with_capacity(USUAL_ANSWER);
    // Structs of text and numbers always serialise.
    let _ = serde_json::to_writer(&mut body, value);
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
