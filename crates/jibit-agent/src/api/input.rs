//! What a request says, read part by part, so that an error names the part.

use std::time::Duration;

use axum::{body::to_bytes, extract::Request};
use http::{StatusCode, header};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::problem::Problem;

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// How long a shop may take to send it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The object of a request's body.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) async fn of(request: Request) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not-json",
                "The body is no JSON.",
                "send Content-Type: application/json",
            ));
        }
        let bytes = timeout(PATIENCE, to_bytes(request.into_body(), MAX_BODY)).await;
        let Ok(Ok(bytes)) = bytes else {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body cannot be read.",
                "it has more than 16384 bytes, takes longer than 10 s, or is cut off",
            ));
        };
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            _ => Err(Problem::field("body", "is no JSON object", "send one")),
        }
    }

    /// Takes a text out.
    pub(super) fn text(&mut self, field: &'static str) -> Result<String, Problem> {
        let missing = || Problem::field(field, "is missing", "give it as text");
        self.optional_text(field)?.ok_or_else(missing)
    }

    /// Takes a text out that need not be there.
    pub(super) fn optional_text(&mut self, field: &'static str) -> Result<Option<String>, Problem> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::field(field, "is no text", "give it as text")),
        }
    }

    /// Takes a whole number out.
    pub(super) fn number(&mut self, field: &'static str) -> Result<u64, Problem> {
        match self.0.remove(field) {
            None => Err(Problem::field(
                field,
                "is missing",
                "give it as a whole number",
            )),
            Some(Value::Number(number)) if number.is_u64() => Ok(number.as_u64().unwrap_or(0)),
            Some(_) => Err(Problem::field(
                field,
                "is no whole number of 0 or more",
                "give it without quotes, signs and fractions",
            )),
        }
    }

    /// That nothing else is there: a misspelt field must not be passed over.
    pub(super) fn nothing_else(self) -> Result<(), Problem> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((field, _)) => Err(Problem::field(
                field,
                "is a field that nobody asks for",
                "leave it out, or see GET /openapi.json for its name",
            )),
        }
    }
}
