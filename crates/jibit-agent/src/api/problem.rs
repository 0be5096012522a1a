//! What went wrong, as RFC 9457 has it.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jibit_checkout::{CheckoutError, CheckoutErrorKind};
use jibit_proto::InvalidInput;
use serde::Serialize;

use crate::line;

/// Why a request was not done.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    /// What is wrong here, and what to do.
    detail: Cow<'static, str>,
    /// Which part of the request it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'static str>,
}

fn number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: format!("urn:jibit:problem:{kind}"),
            title,
            status,
            detail: detail.into(),
            field: None,
            remedy: None,
        }
    }

    /// A part of the request is not as it has to be.
    pub(super) fn field(
        field: impl Into<Cow<'static, str>>,
        problem: &'static str,
        remedy: &'static str,
    ) -> Self {
        let field = field.into();
        let detail = format!("{field} {problem}; {remedy}");
        Self {
            field: Some(field),
            remedy: Some(remedy),
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "invalid-input",
                "The request cannot be understood.",
                detail,
            )
        }
    }

    /// The same, as a checked type says it.
    pub(super) fn invalid(field: &'static str, error: &InvalidInput) -> Self {
        Self::field(field, error.problem(), error.remedy())
    }

    fn remedied(self, remedy: &'static str) -> Self {
        Self {
            remedy: Some(remedy),
            ..self
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Who asks is not known.",
            "the token is missing or another one",
        )
        .remedied("send Authorization: Bearer with the token of the agent's --token-file")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "A page of a browser may not ask.",
            "the request comes from a page, or by a name that is not this machine's own",
        )
        .remedied("ask 127.0.0.1 or localhost without Origin, or set a token")
    }

    pub(super) fn nothing_here() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no-such-path",
            "There is nothing here.",
            "no such path; GET /openapi.json lists them",
        )
    }

    pub(super) fn no_such_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "no-such-method",
            "This cannot be done here.",
            "the path takes another method; GET /openapi.json lists them",
        )
    }

    pub(super) fn unknown_callback() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown-callback",
            "Nobody was sent to pay with this code.",
            "the query has no code of an attempt, or one of another shop",
        )
        .remedied("pass on the query of the callback URL as it came")
    }

    pub(super) fn not_paid() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "not-paid",
            "The order is not paid.",
            "only a paid order is fulfilled",
        )
        .remedied("wait for order.paid")
    }
}

impl From<CheckoutError> for Problem {
    fn from(error: CheckoutError) -> Self {
        use CheckoutErrorKind as Kind;
        let source = std::error::Error::source(&error);
        if let Some(invalid) = source.and_then(|source| source.downcast_ref::<InvalidInput>()) {
            return Self::invalid(invalid.field(), invalid);
        }
        let (status, title, remedy) = match error.kind() {
            Kind::Store => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The store does not work.",
                "send the same request again later",
            ),
            Kind::Gateway => (
                StatusCode::BAD_GATEWAY,
                "The gateway gave nowhere to pay.",
                "send the same request again: nobody was sent to pay",
            ),
            Kind::OtherAmount | Kind::OtherTerms => (
                StatusCode::CONFLICT,
                "There is another order of this number.",
                "give a changed order a number of its own",
            ),
            Kind::AlreadyPaid => (
                StatusCode::CONFLICT,
                "The order is paid.",
                "show the customer that it is paid",
            ),
            Kind::Settling => (
                StatusCode::CONFLICT,
                "A payment of the order is being settled.",
                "ask GET /orders/{number} later",
            ),
            Kind::Withdrawn => (
                StatusCode::CONFLICT,
                "The order was withdrawn.",
                "give a new order a number of its own",
            ),
            Kind::NoSuchOrder => (
                StatusCode::NOT_FOUND,
                "There is no such order.",
                "begin it by POST /orders",
            ),
            Kind::TooManyAttempts => (
                StatusCode::CONFLICT,
                "The order has had a hundred attempts.",
                "give it a number of its own",
            ),
            _ => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Others changed the order meanwhile.",
                "send the same request again",
            ),
        };
        if status.is_server_error() {
            tracing::error!("a request could not be done: {}", line(&error));
        }
        Self::new(status, error.kind().as_str(), title, error.to_string()).remedied(remedy)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut answer = (self.status, body).into_response();
        let headers = answer.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}
