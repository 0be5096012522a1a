//! What was asked and answered, with what is secret or about a person left out.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Request, Response};
use jibit_proto::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Fate;

/// How many exchanges are kept.
const MAX_ENTRIES: usize = 1_000;
/// A longer body is told by its length alone.
const MAX_BODY: usize = 4 * 1024;

/// One exchange with the gateway. Passwords, tokens, mobile numbers and addresses
/// read `[redacted]` in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct JournalEntry {
    /// Counted from 1.
    pub number: u64,
    /// When, by the virtual clock.
    pub unix_millis: u64,
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// The request's body.
    request: Value,
    /// The answer's status.
    pub status: u16,
    /// The answer's body, before its fate.
    answer: Value,
    /// What became of the answer, if it was not simply delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fate: Option<String>,
}

impl JournalEntry {
    /// The request's body as JSON text; `null` if it was empty, and its length in
    /// words if it was no JSON or too long to keep.
    #[must_use]
    pub fn request(&self) -> String {
        self.request.to_string()
    }

    /// The answer's body, before its fate, told as [`JournalEntry::request`] tells
    /// the request's.
    #[must_use]
    pub fn answer(&self) -> String {
        self.answer.to_string()
    }

    /// The exchange as people read it.
    #[must_use]
    pub fn transcript(&self) -> String {
        let body = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(told) => format!("\n{told}"),
            json => format!("\n{json:#}"),
        };
        format!(
            "{} {}{}\n\n{}{}",
            self.method,
            self.path,
            body(&self.request),
            self.status,
            body(&self.answer)
        )
    }
}

/// The last exchanges.
#[derive(Default)]
pub(super) struct Journal {
    entries: VecDeque<JournalEntry>,
    count: u64,
}

/// What is taken of a request before it is handled.
pub(super) struct Asked {
    method: String,
    path: String,
    request: Value,
}

impl Asked {
    pub(super) fn of(request: &Request<Bytes>) -> Self {
        Self {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            request: readable(request.body()),
        }
    }
}

impl Journal {
    pub(super) fn note(
        &mut self,
        asked: Asked,
        answer: &Response<Bytes>,
        fate: &Fate,
        now: Timestamp,
    ) {
        self.count += 1;
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(JournalEntry {
            number: self.count,
            unix_millis: now.as_unix_millis(),
            method: asked.method,
            path: asked.path,
            request: asked.request,
            status: answer.status().as_u16(),
            answer: readable(answer.body()),
            fate: (*fate != Fate::Deliver).then(|| format!("{fate:?}")),
        });
    }

    pub(super) fn entries(
        &self,
    ) -> impl DoubleEndedIterator<Item = &JournalEntry> + ExactSizeIterator {
        self.entries.iter()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.count - self.entries.len() as u64
    }
}

fn readable(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let read = (body.len() <= MAX_BODY).then(|| serde_json::from_slice::<Value>(body));
    match read {
        Some(Ok(mut value)) => {
            redact(&mut value);
            value
        }
        _ => Value::String(format!("({} bytes)", body.len())),
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let private = matches!(
                    key.as_str(),
                    "password"
                        | "token"
                        | "refreshToken"
                        | "userIdentity"
                        | "clientIP"
                        | "clientIp"
                );
                if private {
                    *value = Value::String("[redacted]".to_owned());
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}
