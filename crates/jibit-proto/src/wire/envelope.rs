use std::borrow::Cow;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{MAX_BODY, Operation, redact};
use crate::{Certainty, Error, ErrorKind, GatewayAnswer, Secret};

/// `{"errorCode": 0, "result": {…}}`, as far as it is there. A field that
/// stands twice makes it unreadable.
#[derive(Deserialize)]
struct Envelope<'a, T> {
    #[serde(rename = "errorCode")]
    code: Option<i64>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    result: Option<T>,
}

/// An answer, whose texts are read where they lie.
pub(super) struct Reading<'b> {
    status: StatusCode,
    /// Empty if it is longer than anything that the gateway says.
    text: Cow<'b, str>,
}

impl<'b> Reading<'b> {
    pub(super) fn of(answer: &'b Response<Bytes>) -> Self {
        let bytes = answer.body();
        let bytes = bytes.get(..MAX_BODY + 1).unwrap_or(bytes);
        // A payment must not be lost for a shop's text that came back in another encoding, or
        // cut within a letter. What identifies is refused where it is read.
        let mut text =
            str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        if text.len() > MAX_BODY {
            text = Cow::default();
        }
        Self {
            status: answer.status(),
            text,
        }
    }

    /// Reads the result out of the answer to `operation`, or says what the answer is
    /// instead. `secrets` are what the request carried.
    pub(super) fn result<'a, T: Deserialize<'a>>(
        &'a self,
        operation: Operation,
        secrets: &[&Secret],
    ) -> Result<T, Error> {
        let text = &*self.text;
        let envelope = serde_json::from_str::<Envelope<'_, T>>(text).ok();
        let (code, message) = match &envelope {
            Some(envelope) => (envelope.code, envelope.message),
            // A result that cannot be read hides nothing of what stands beside it.
            None => serde_json::from_str::<Envelope<'_, IgnoredAny>>(text)
                .map_or((None, None), |envelope| (envelope.code, envelope.message)),
        };
        let fail = |(kind, certainty, problem): Failure| {
            let message = message.and_then(|message| serde_json::from_str(message.get()).ok());
            let gateway = GatewayAnswer {
                status: self.status.as_u16(),
                code,
                message: message.map(|text: Cow<'_, str>| redact::message(&text, secrets)),
            };
            Err(Error::from_answer(kind, certainty, problem, gateway))
        };

        if let Some(failure) = failure(operation, self.status, code) {
            return fail(failure);
        }
        let read = match envelope {
            Some(Envelope {
                code: Some(0),
                result: Some(result),
                ..
            }) => Some(result),
            // The document prints inquiry's answer bare; the gateway's own plug-in
            // reads it from an envelope.
            Some(Envelope {
                code: None | Some(0),
                result: None,
                ..
            }) if operation == Operation::Inquiry => serde_json::from_str(text).ok(),
            _ => None,
        };
        match read {
            Some(result) => Ok(result),
            None => fail((
                ErrorKind::Unreadable,
                Certainty::Unknown,
                "the gateway's answer is not one of the protocol's",
            )),
        }
    }
}

type Failure = (ErrorKind, Certainty, &'static str);

/// What the answer's status and errorCode mean for `operation`; nothing if the
/// answer may hold a result.
fn failure(operation: Operation, status: StatusCode, code: Option<i64>) -> Option<Failure> {
    use ErrorKind::{Configuration, Credentials, NoSuchOrder, Refused, Unavailable};
    let logs_in = matches!(operation, Operation::Authenticate | Operation::Refresh);
    // A refusal of a verify says nothing of the money: an earlier one may have
    // captured it. Only an inquiry tells.
    let refusal = match operation {
        Operation::Verify => Certainty::Unknown,
        _ => Certainty::NothingHappened,
    };
    let (kind, certainty, message) = match status.as_u16() {
        // An errorCode of 401 means the same inside a 200 or any refusal.
        401 => (
            Credentials,
            refusal,
            "the gateway does not accept the credentials",
        ),
        200..=299 | 400..=499 if code == Some(401) => (
            Credentials,
            refusal,
            "the gateway does not accept the credentials",
        ),
        200..=299 => match code {
            Some(1..) if logs_in => (Credentials, refusal, "the gateway refused the credentials"),
            Some(1..) => (Refused, refusal, "the gateway refused"),
            _ => return None,
        },
        300..=399 => {
            let certainty = match operation {
                Operation::Inquiry | Operation::Authenticate => Certainty::NothingHappened,
                _ => Certainty::Unknown,
            };
            (
                Configuration,
                certainty,
                "the gateway sent us elsewhere; no redirect is followed: check the base URL",
            )
        }
        429 => (Unavailable, refusal, "the gateway asks us to wait"),
        408 => (
            Unavailable,
            Certainty::Unknown,
            "the gateway gave up waiting",
        ),
        400 | 403 if logs_in => (Credentials, refusal, "the gateway refused the credentials"),
        404 if operation == Operation::Inquiry && code.is_some_and(|code| code > 0) => {
            (NoSuchOrder, refusal, "the gateway knows no such order")
        }
        400..=499 => (Refused, refusal, "the gateway refused"),
        _ => (
            Unavailable,
            Certainty::Unknown,
            "the gateway is out of order",
        ),
    };
    Some((kind, certainty, message))
}

/// The error of an answer that parsed and cannot be what it says it is.
pub(super) fn implausible(
    answer: &Response<Bytes>,
    kind: ErrorKind,
    message: &'static str,
) -> Error {
    let gateway = GatewayAnswer {
        status: answer.status().as_u16(),
        code: None,
        message: None,
    };
    Error::from_answer(kind, Certainty::Unknown, message, gateway)
}
