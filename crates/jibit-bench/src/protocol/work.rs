//! What the core does for one request and for one answer, beside the same by a naive
//! builder and by owned structs, and beside the least that a processor can do.

use std::hint::black_box;

use bytes::Bytes;
use clap::ValueEnum;
use http::{Request, Response};
use jibit_proto::{
    BaseUrl, CallbackUrl, HttpHosts, InvalidInput, MerchantOrderId, Mobile, OrderId, Rial, Secret,
    wire::{
        authenticate,
        initiate::{self, NewOrder},
        inquiry, refresh, verify,
    },
};
use serde::Deserialize;
use serde_json::json;

use crate::{Outcome, requests::TOKEN};

const GATEWAY: &str = "https://pg.jibit.mobi";
const ORDER: &str = "7wvkgrn0";
const PASSWORD: &str = "123456";
const CALLBACK: &str = "https://shop.example/checkout/return?session=s-0000000000017";
const MOBILE: &str = "09121234567";
const MERCHANT_ORDER: &str = "shop-1405-order-number-0000017";
const DESCRIPTION: &str = "خرید دو جلد کتاب از فروشگاه نمونه 0000017";
/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Task {
    BuildAuthenticate,
    BuildRefresh,
    BuildInitiate,
    BuildVerify,
    BuildInquiry,
    ReadTokens,
    ReadInitiate,
    ReadVerify,
    ReadInquiry,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// `jibit-proto`.
    Core,
    /// `http::request::Builder` with `format!`, and serde structs of `String`s.
    Naive,
    /// The request's bytes copied once; the answer's bytes checked to be UTF-8.
    Floor,
}

impl Task {
    /// As the command line has it.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |it| it.get_name().to_owned())
    }

    /// The work, made ready to be repeated.
    pub(crate) fn prepare(self, by: By) -> Outcome<Box<dyn FnMut()>> {
        let Some(answer) = self.answer() else {
            return self.build(by).map_err(|invalid| invalid.to_string());
        };
        let answer = Response::new(Bytes::from(answer));
        Ok(match by {
            By::Core => self.read(answer).map_err(|invalid| invalid.to_string())?,
            By::Naive => match self {
                Self::ReadTokens => naive_read::<NaiveTokens>(answer),
                Self::ReadInitiate => naive_read::<NaiveInitiated>(answer),
                _ => naive_read::<NaivePayment>(answer),
            },
            By::Floor => Box::new(move || {
                let _ = black_box(std::str::from_utf8(black_box(answer.body())));
            }),
        })
    }

    fn build(self, by: By) -> Result<Box<dyn FnMut()>, InvalidInput> {
        let path = match self {
            Self::BuildAuthenticate => "/authenticate".to_owned(),
            Self::BuildRefresh => "/authenticate/refresh".to_owned(),
            Self::BuildVerify => format!("/order/verify/{ORDER}"),
            Self::BuildInquiry => format!("/order/inquiry/{ORDER}"),
            _ => "/order/initiate".to_owned(),
        };
        if by == By::Naive {
            return Ok(Box::new(move || {
                let _ = black_box(self.naive_build());
            }));
        }
        let base = BaseUrl::new(GATEWAY, &HttpHosts::loopback())?;
        let (bearer, password) = (Secret::new(TOKEN).bearer()?, Secret::new(PASSWORD));
        let answer = Self::ReadTokens.answer().unwrap_or_default();
        let pair = authenticate::parse(&Response::new(answer.into()), &password)
            .map_err(|_| InvalidInput::new("tokens", "cannot be read", "mend this program"))?;
        let (order, new) = (ORDER.parse::<OrderId>()?, new_order()?);
        let make = move || match self {
            Self::BuildAuthenticate => authenticate::request(&base, "7746", &password),
            Self::BuildRefresh => refresh::request(&base, &pair),
            Self::BuildVerify => verify::request(&base, &bearer, &order),
            Self::BuildInquiry => inquiry::request(&base, &bearer, &order),
            _ => initiate::request(&base, &bearer, &new),
        };
        if by == By::Core {
            return Ok(Box::new(move || {
                let _ = black_box(make());
            }));
        }
        let bytes = sent(&path, &make()?);
        Ok(Box::new(move || {
            black_box(black_box(&bytes).clone());
        }))
    }

    fn naive_build(self) -> http::Result<Request<Bytes>> {
        let (method, path, authorized, body) = match self {
            Self::BuildAuthenticate => (
                "POST",
                "/authenticate".to_owned(),
                false,
                json!({"username": "7746", "password": PASSWORD}).to_string(),
            ),
            Self::BuildRefresh => (
                "POST",
                "/authenticate/refresh".to_owned(),
                false,
                json!({"token": TOKEN, "refreshToken": TOKEN}).to_string(),
            ),
            Self::BuildVerify => (
                "POST",
                format!("/order/verify/{ORDER}"),
                true,
                String::new(),
            ),
            Self::BuildInquiry => (
                "GET",
                format!("/order/inquiry/{ORDER}"),
                true,
                String::new(),
            ),
            _ => {
                #[derive(serde::Serialize)]
                #[serde(rename_all = "camelCase")]
                struct Order<'a> {
                    amount: u64,
                    call_back_url: &'a str,
                    user_identity: &'a str,
                    merchant_order_id: &'a str,
                    description: &'a str,
                }
                let body = serde_json::to_string(&Order {
                    amount: 125_000,
                    call_back_url: CALLBACK,
                    user_identity: MOBILE,
                    merchant_order_id: MERCHANT_ORDER,
                    description: DESCRIPTION,
                });
                (
                    "POST",
                    "/order/initiate".to_owned(),
                    true,
                    body.unwrap_or_default(),
                )
            }
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{GATEWAY}{path}"))
            .header("Content-Type", "application/json");
        if authorized {
            request = request.header("Authorization", format!("Bearer {TOKEN}"));
        }
        request.body(Bytes::from(body))
    }

    /// What the gateway answers; nothing where a request is built.
    fn answer(self) -> Option<String> {
        let payment = json!({
            "merchantOrderId": MERCHANT_ORDER,
            "amount": 125_000,
            "refId": "775743540",
            "additionalData": r#"{"key1":"value1","key2":"value2"}"#,
            "userIdentity": MOBILE,
            "clientIP": "37.32.127.129",
        });
        let result = match self {
            Self::ReadTokens => json!({"token": TOKEN, "refreshToken": TOKEN}),
            Self::ReadInitiate => json!({
                "orderId": ORDER,
                "merchantOrderId": MERCHANT_ORDER,
                "redirectUrl": format!("{GATEWAY}/order/{ORDER}"),
            }),
            Self::ReadVerify => payment,
            Self::ReadInquiry => {
                let mut inquired = payment;
                if let Some(fields) = inquired.as_object_mut() {
                    fields.insert("statusV".to_owned(), json!("PURCHASE_BY_USER"));
                }
                inquired
            }
            _ => return None,
        };
        Some(json!({"errorCode": 0, "result": result}).to_string())
    }

    fn read(self, answer: Response<Bytes>) -> Result<Box<dyn FnMut()>, InvalidInput> {
        let (order, hosts) = (new_order()?, HttpHosts::loopback());
        let password = Secret::new(PASSWORD);
        Ok(Box::new(move || {
            let answer = black_box(&answer);
            match self {
                Self::ReadTokens => {
                    let _ = black_box(authenticate::parse(answer, &password));
                }
                Self::ReadInitiate => {
                    let _ = black_box(initiate::parse(answer, &order, &hosts));
                }
                Self::ReadVerify => {
                    let _ = black_box(verify::parse(answer));
                }
                _ => {
                    let _ = black_box(inquiry::parse(answer));
                }
            }
        }))
    }
}

fn new_order() -> Result<NewOrder, InvalidInput> {
    let order = NewOrder::new(
        Rial::new(125_000)?,
        CallbackUrl::new(CALLBACK)?,
        MOBILE.parse::<Mobile>()?,
        MerchantOrderId::new(MERCHANT_ORDER)?,
    )?;
    Ok(order.description(DESCRIPTION))
}

/// A request as it goes over the wire.
fn sent(path: &str, request: &Request<Bytes>) -> Vec<u8> {
    let mut bytes = format!("{} {path} HTTP/1.1\r\n", request.method()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(request.body());
    bytes
}

/// Reads as a shop does that knows the document's samples and nothing else.
fn naive_read<T: for<'de> Deserialize<'de> + 'static>(answer: Response<Bytes>) -> Box<dyn FnMut()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code, reason = "they are read, as a shop would")]
    struct Envelope<T> {
        error_code: i64,
        message: Option<String>,
        result: Option<T>,
    }

    Box::new(move || {
        let read = serde_json::from_slice::<Envelope<T>>(black_box(answer.body()));
        let _ = black_box(read);
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are read, as a shop would")]
struct NaiveTokens {
    token: String,
    refresh_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are read, as a shop would")]
struct NaiveInitiated {
    order_id: String,
    merchant_order_id: String,
    redirect_url: String,
    additional_data: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are read, as a shop would")]
struct NaivePayment {
    status_v: Option<String>,
    merchant_order_id: String,
    amount: u64,
    ref_id: Option<String>,
    additional_data: Option<String>,
    user_identity: Option<String>,
    #[serde(alias = "clientIP")]
    client_ip: Option<String>,
}
