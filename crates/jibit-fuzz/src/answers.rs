//! Answers of the five operations: a status, headers, an empty line, a body.

use std::error::Error as _;
use std::fmt::Debug;

use bytes::Bytes;
use http::{Response, Uri};
use jibit_proto::wire::{authenticate, initiate, inquiry, verify};
use jibit_proto::{CallbackUrl, Certainty, Error, ErrorKind, HttpHosts, Rial, Secret};
use serde_json::Value;

/// What was sent, and must not be in anything that is shown.
const SPENT: &str = "S3cr3t-refresh-0000000000000000000000000001";

/// What every answer holds to: what is made of it is the same each time, and is shown
/// without a secret. Returns the value, if it is one.
fn read<T: Debug>(
    bytes: &[u8],
    parse: impl Fn(&Response<Bytes>) -> Result<T, Error>,
) -> Option<(T, Value)> {
    let answer = answer(bytes)?;
    let shown = |read: &Result<T, Error>| match read {
        Ok(value) => format!("{value:?}"),
        Err(error) => {
            let mut text = format!("{error} {error:?} {error:#?}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                text += &format!(" {inner} {inner:?}");
                cause = inner.source();
            }
            text
        }
    };
    let first = parse(&answer);
    let text = shown(&first);
    assert_eq!(
        text,
        shown(&parse(&answer)),
        "read twice, made two things of"
    );
    assert!(!text.contains(SPENT), "S10: {text}");
    match first {
        Ok(value) => {
            let status = answer.status();
            assert!(status.is_success(), "{status} is no success");
            // A field that nobody reads may hold bytes that are no text, or a number that
            // is none; then there is nothing to compare with.
            let body = String::from_utf8_lossy(answer.body());
            Some((value, serde_json::from_str(&body).ok()?))
        }
        Err(error) => {
            let told = error.answer().expect("an answer that was given");
            assert_eq!(told.status(), answer.status().as_u16());
            if answer.status().is_server_error() {
                assert_eq!(error.certainty(), Certainty::Unknown, "a 5xx says nothing");
            }
            None
        }
    }
}

/// S2 and S3: only errorCode 0 is a success, and it is in an envelope.
fn is_told(body: &Value) {
    assert_eq!(body["errorCode"], 0, "{body}");
    assert!(body["result"].is_object(), "{body}");
}

fn answer(bytes: &[u8]) -> Option<Response<Bytes>> {
    let (head, body) = crate::head_and_body(bytes)?;
    let status = head.lines().next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let mut answer = Response::builder()
        .status(status)
        .body(Bytes::copy_from_slice(body))
        .ok()?;
    answer.headers_mut().extend(crate::headers(head));
    Some(answer)
}

fn login(bytes: &[u8]) {
    let spent = Secret::new(SPENT);
    let read = read(bytes, |answer| authenticate::parse(answer, &spent));
    if let Some((tokens, body)) = read {
        is_told(&body);
        let text = format!("{tokens:?}");
        for token in ["token", "refreshToken"] {
            let token = body["result"][token].as_str().unwrap_or_default();
            // What is short may stand in any text by chance.
            assert!(token.len() < 16 || !text.contains(token), "S10: {text}");
        }
    }
}

pub(crate) fn authenticate(bytes: &[u8]) {
    login(bytes);
}

pub(crate) fn refresh(bytes: &[u8]) {
    login(bytes);
}

pub(crate) fn initiate(bytes: &[u8]) {
    let callback = CallbackUrl::new("https://shop.example/back").unwrap();
    let (mobile, id) = (
        "09121234567".parse().unwrap(),
        "order-17-1".parse().unwrap(),
    );
    let order = initiate::NewOrder::new(Rial::new(125_000).unwrap(), callback, mobile, id).unwrap();
    let hosts = HttpHosts::loopback();
    if let Some((made, body)) = read(bytes, |answer| initiate::parse(answer, &order, &hosts)) {
        is_told(&body);
        // A customer is sent on over https, or on this machine.
        let url: Uri = made.redirect_url.as_str().parse().unwrap();
        let host = url.host().unwrap_or_default();
        let is_local = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        assert!(
            url.scheme_str() == Some("https") || url.scheme_str() == Some("http") && is_local,
            "{url}"
        );
        let id = made.order_id.as_str();
        assert!(!id.is_empty() && !id.chars().any(char::is_control));
    }
}

pub(crate) fn verify(bytes: &[u8]) {
    // S3: an answer to verify never says that nothing was captured.
    if let Some(answer) = answer(bytes)
        && let Err(error) = verify::parse(&answer)
    {
        assert_eq!(error.certainty(), Certainty::Unknown, "{error:?}");
    }
    if let Some((payment, body)) = read(bytes, verify::parse) {
        is_told(&body);
        assert!(payment.merchant_order_id().is_some());
        is_written(
            payment.amount().expect("an amount"),
            &body["result"]["amount"],
        );
    }
}

pub(crate) fn inquiry(bytes: &[u8]) {
    if let Some((seen, body)) = read(bytes, inquiry::parse) {
        let result = if body["result"].is_object() {
            is_told(&body);
            &body["result"]
        } else {
            &body
        };
        if let Some(amount) = seen.payment.amount() {
            is_written(amount, &result["amount"]);
        }
        let state = ["statusV", "status"].map(|name| written(&result[name]));
        assert!(state.iter().any(|it| it == seen.status.as_str()), "{body}");
    } else if let Some(answer) = answer(bytes)
        && let Err(error) = inquiry::parse(&answer)
    {
        // Nothing that the gateway says of an order is an error of the shop's.
        assert_ne!(error.kind(), ErrorKind::Transport, "{error:?}");
    }
}

/// What stands there: a number is taken for its digits.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An amount is what stands there, digit for digit.
fn is_written(amount: Rial, value: &Value) {
    let text = written(value);
    assert_eq!(text.parse(), Ok(amount), "{text}");
    let digits = text.trim().trim_start_matches(['+', '0']);
    let own = amount.get().to_string();
    assert!(
        digits == own || (amount.get() == 0 && digits.is_empty()),
        "{text}"
    );
}

/// The answers of an operation's fixtures, and some that no fixture has.
pub(crate) fn seeds(operation: &str) -> Vec<Vec<u8>> {
    let told = crate::fixtures(operation).into_iter().map(|(_, fixture)| {
        let answer = fixture.answer;
        let head = format!("HTTP/1.1 {}\n\n", answer.status().as_u16());
        [head.as_bytes(), answer.body()].concat()
    });
    let others = [
        "HTTP/1.1 503\nretry-after: 7\n\n",
        "HTTP/1.1 429\nretry-after: Fri, 15 Jan 2027 08:02:00 GMT\n\nwait",
        "HTTP/1.1 401\n\n{\"errorCode\":401,\"message\":\"S3cr3t-refresh-0000000000000000000000000001\"}",
        "HTTP/1.1 200\n\n{\"errorCode\":9,\"message\":\"no 0912 123 4567\"}",
        "HTTP/1.1 302\nlocation: https://elsewhere.example/\n\n<html>",
        "HTTP/1.1 200\n\n{\"errorCode\":0,\"result\":{\"amount\":\"125000\",\"merchantOrderId\":17}}",
    ];
    told.chain(others.map(|text| text.as_bytes().to_vec()))
        .collect()
}
