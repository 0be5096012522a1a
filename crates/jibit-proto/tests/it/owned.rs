//! The answers are read where they lie; what comes of it is what structs that own their
//! texts come to, whatever the answer.

use http::Response;
use jibit_proto::{
    Private,
    wire::{Payment, inquiry, verify},
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "it must be read")]
struct Envelope {
    error_code: Option<i64>,
    message: Option<Box<RawValue>>,
    result: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owned {
    #[serde(rename = "statusV")]
    status_v: Option<Box<RawValue>>,
    status: Option<Box<RawValue>>,
    merchant_order_id: Option<Value>,
    amount: Option<Value>,
    ref_id: Option<Value>,
    additional_data: Option<Box<RawValue>>,
    user_identity: Option<Value>,
    client_ip: Option<Value>,
    #[serde(rename = "clientIP")]
    client_ip_of_verify: Option<Value>,
}

/// What a payment says, as texts.
type Told = [Option<String>; 6];

/// A failure is a value that is neither text nor a number.
fn text(value: Option<&Value>) -> Option<Option<String>> {
    Some(match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => return None,
    })
}

fn raw(json: Option<&RawValue>) -> Option<Option<String>> {
    let Some(json) = json else { return Some(None) };
    text(Some(&serde_json::from_str(json.get()).ok()?))
}

impl Owned {
    fn told(&self) -> Option<Told> {
        let merchant_order_id = text(self.merchant_order_id.as_ref())?;
        if merchant_order_id
            .as_ref()
            .is_some_and(|it| it.contains('\u{fffd}'))
        {
            return None;
        }
        let amount = text(self.amount.as_ref())?;
        let amount: Option<u64> = match amount {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok().filter(|rial| *rial < 1 << 53)?)
            }
            Some(_) => return None,
            None => None,
        };
        let ref_id = text(self.ref_id.as_ref())?;
        let identifies = |text: &String| {
            !text.trim().is_empty()
                && text.len() <= 256
                && !text.contains(|c: char| c.is_control() || c == '\u{fffd}')
        };
        let [ip, other] = [&self.client_ip, &self.client_ip_of_verify];
        let (ip, other) = (text(ip.as_ref())?, text(other.as_ref())?);
        // What is no text is given as it is.
        let data = self
            .additional_data
            .as_deref()
            .map(|json| serde_json::from_str(json.get()).unwrap_or_else(|_| json.get().to_owned()));
        Some([
            merchant_order_id,
            amount.map(|amount| amount.to_string()),
            ref_id.filter(identifies),
            data,
            text(self.user_identity.as_ref())?,
            ip.or(other),
        ])
    }

    fn status(&self) -> Option<String> {
        match (raw(self.status_v.as_deref())?, raw(self.status.as_deref())?) {
            (Some(one), Some(other)) if one != other => None,
            (one, other) => one.or(other),
        }
    }
}

fn owned_verify(body: &str) -> Option<Told> {
    let envelope: Envelope = serde_json::from_str(body).ok()?;
    let result = envelope.result.filter(|_| envelope.error_code == Some(0))?;
    let told = serde_json::from_str::<Owned>(result.get()).ok()?.told()?;
    (told[0].is_some() && told[1].is_some()).then_some(told)
}

fn owned_inquiry(body: &str) -> Option<(String, Told)> {
    let envelope: Envelope = serde_json::from_str(body).ok()?;
    let owned: Owned = match (envelope.error_code, envelope.result) {
        (Some(0), Some(result)) => serde_json::from_str(result.get()).ok()?,
        (None | Some(0), None) => serde_json::from_str(body).ok()?,
        _ => return None,
    };
    let told = owned.told()?;
    Some((owned.status()?, told))
}

fn told(payment: &Payment) -> Told {
    let private = |text: Option<Private>| text.map(|text| text.as_str().to_owned());
    [
        payment.merchant_order_id().map(str::to_owned),
        payment.amount().map(|amount| amount.get().to_string()),
        payment.ref_id().map(|id| id.to_string()),
        private(payment.additional_data()),
        private(payment.user_identity()),
        private(payment.client_ip()),
    ]
}

/// What may stand where text, a number or nothing is expected.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => "\\PC{0,12}".prop_map(Value::from),
        2 => "[ \\\\\"\n\u{fffd}\u{1}a-z0-9]{0,300}".prop_map(Value::from),
        3 => any::<u64>().prop_map(Value::from),
        2 => (0..200_u64).prop_map(Value::from),
        1 => (0..200_u64).prop_map(|digits| digits.to_string().into()),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(true)),
        1 => Just(json!({"deep": [1, {"er": null}]})),
    ]
}

fn fields() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "statusV",
        "status",
        "merchantOrderId",
        "amount",
        "refId",
        "additionalData",
        "userIdentity",
        "clientIp",
        "clientIP",
        "description",
        "errorCode",
        "message",
        "result",
    ]);
    let good = json!({"statusV": "PGENTRY", "merchantOrderId": "m-1", "amount": 100,
        "additionalData": "{\"key\":1}", "refId": 7, "clientIp": "1.2.3.4"});
    vec((name, value()), 0..6).prop_map(move |changed| {
        let mut all = good.clone();
        for (name, value) in changed {
            all[name] = value;
        }
        all
    })
}

fn body() -> impl Strategy<Value = String> {
    let envelope = (
        prop_oneof![4 => Just(json!(0)), 1 => value()],
        prop_oneof![4 => Just(Value::Null), 1 => value()],
        prop_oneof![8 => fields(), 1 => value()],
    );
    let whole = envelope.prop_map(
        |(code, message, result)| json!({"errorCode": code, "message": message, "result": result}),
    );
    let whole = prop_oneof![2 => whole, 1 => fields()];
    // Now and then a byte is another, twice there or gone.
    let broken = prop::option::weighted(0.3, (any::<Index>(), 0..3_u8, any::<u8>()));
    (whole, broken).prop_map(|(whole, broken)| {
        let mut bytes = whole.to_string().into_bytes();
        if let Some((place, how, byte)) = broken {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte & 0x7f,
                1 => bytes.insert(place, bytes[place]),
                _ => drop(bytes.remove(place)),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn verify_reads_what_owned_structs_read(body in body()) {
        let read = verify::parse(&Response::new(body.clone().into()));
        prop_assert_eq!(read.ok().map(|payment| told(&payment)), owned_verify(&body));
    }

    #[test]
    fn inquiry_reads_what_owned_structs_read(body in body()) {
        let read = inquiry::parse(&Response::new(body.clone().into()));
        let read = read.ok().map(|it| (it.status.as_str().to_owned(), told(&it.payment)));
        prop_assert_eq!(read, owned_inquiry(&body));
    }
}
