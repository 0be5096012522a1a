//! What was asked and answered, with what is secret or about a person left out.

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use http::{Request, Response};
use jibit_proto::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::Fate;

/// How many exchanges are kept.
const MAX_ENTRIES: usize = 1_000;
/// A longer body is told by its length alone.
const MAX_BODY: usize = 4 * 1024;

/// One exchange with the gateway. Passwords, tokens, mobile numbers and addresses
/// read `[redacted]` in what it says.
#[derive(Clone, Serialize)]
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
    request: Body,
    /// The answer's status.
    pub status: u16,
    /// The answer's body, before its fate.
    answer: Body,
    /// What became of the answer, if it was not simply delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fate: Option<String>,
}

impl JournalEntry {
    /// The request's body as JSON text; `null` if it was empty, and its length in
    /// words if it was no JSON or too long to keep.
    #[must_use]
    pub fn request(&self) -> String {
        self.request.readable().to_string()
    }

    /// The answer's body, before its fate, told as [`JournalEntry::request`] tells
    /// the request's.
    #[must_use]
    pub fn answer(&self) -> String {
        self.answer.readable().to_string()
    }

    /// The exchange as people read it.
    #[must_use]
    pub fn transcript(&self) -> String {
        let body = |body: &Body| match body.readable() {
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

impl fmt::Debug for JournalEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.transcript())
    }
}

/// A body as it came, or its length if it was long. It is read, and what is
/// secret left out, when somebody looks: most of them nobody ever looks at.
#[derive(Clone)]
enum Body {
    Kept(Bytes),
    Long(usize),
}

impl Body {
    /// `keep` makes what is kept of a body that is short enough.
    fn of(bytes: &Bytes, keep: fn(&Bytes) -> Bytes) -> Self {
        if bytes.len() > MAX_BODY {
            Self::Long(bytes.len())
        } else {
            Self::Kept(keep(bytes))
        }
    }

    fn readable(&self) -> Value {
        let told = |length: usize| Value::String(format!("({length} bytes)"));
        match self {
            Self::Kept(bytes) if bytes.is_empty() => Value::Null,
            Self::Kept(bytes) => match serde_json::from_slice(bytes) {
                Ok(mut value) => {
                    redact(&mut value);
                    value
                }
                Err(_) => told(bytes.len()),
            },
            Self::Long(length) => told(*length),
        }
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.readable().serialize(serializer)
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
    request: Body,
}

impl Asked {
    pub(super) fn of(request: &Request<Bytes>) -> Self {
        Self {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            // A copy of its own: a slice would keep the whole that it was cut from.
            request: Body::of(request.body(), |body| Bytes::copy_from_slice(body)),
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
            answer: Body::of(answer.body(), Bytes::clone),
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
