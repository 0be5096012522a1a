//! Spans and events: `jibit.<call>` around a call, `jibit.attempt` around a
//! request, each with how it ended and how long it took. Nothing in them is
//! secret or about a person.

use std::future::Future;

use jibit_proto::{
    BaseUrl, Error, OrderId, Sighting, Timestamp, Verdict,
    session::{Alarm, Answer, Outgoing},
    wire::{initiate::Initiated, inquiry::Inquired},
};
use tracing::{
    Instrument as _, debug, debug_span,
    field::{Empty, display},
    info, info_span, warn,
};

/// A span of a call or of a request.
#[derive(Clone, Debug)]
pub struct Span(tracing::Span);

impl Span {
    /// Runs `work` inside the span.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.in_scope(work)
    }

    /// Polls `future` inside the span.
    pub fn instrument<T>(&self, future: impl Future<Output = T>) -> impl Future<Output = T> {
        future.instrument(self.0.clone())
    }
}

macro_rules! call_span {
    ($name:literal $(, $($order:tt)+)?) => {
        Span(info_span!($name, outcome = Empty, error.type = Empty $(, $($order)+)?))
    };
}

/// Around an authenticate.
#[must_use]
pub fn authenticate() -> Span {
    call_span!("jibit.authenticate")
}

/// Around an initiate.
#[must_use]
pub fn initiate() -> Span {
    call_span!("jibit.initiate")
}

/// Around an inquiry.
#[must_use]
pub fn inquiry(order: &OrderId) -> Span {
    call_span!("jibit.inquiry", %order)
}

/// Around a look.
#[must_use]
pub fn look(order: &OrderId) -> Span {
    call_span!("jibit.look", %order)
}

/// Around a verify.
#[must_use]
pub fn verify(order: &OrderId) -> Span {
    call_span!("jibit.verify", %order)
}

/// Around a settle.
#[must_use]
pub fn settle(order: &OrderId) -> Span {
    call_span!("jibit.settle", %order)
}

/// Tells a call's span how the call ended; `begun` is when it began.
pub fn ended<T: Outcome>(
    span: &Span,
    outcome: &Result<T, Error>,
    begun: Timestamp,
    now: Timestamp,
) {
    let millis = now.since(begun).as_millis();
    let span = &span.0;
    let _entered = span.enter();
    match outcome {
        Ok(answer) => {
            let outcome = answer.word();
            span.record("outcome", outcome);
            info!(outcome, millis, "ended");
        }
        Err(error) => {
            let (kind, certainty) = (error.kind(), error.certainty());
            span.record("outcome", "failed");
            span.record("error.type", display(kind));
            info!(outcome = "failed", %kind, %certainty, millis, "ended");
        }
    }
}

/// Around one request. The fields are OpenTelemetry's for an HTTP client.
#[must_use]
pub fn attempt(out: &Outgoing) -> Span {
    let uri = out.request.uri();
    Span(debug_span!(
        "jibit.attempt",
        otel.kind = "client",
        otel.name = out.operation.as_str(),
        http.request.method = out.request.method().as_str(),
        http.request.resend_count = out.earlier,
        http.response.status_code = Empty,
        server.address = uri.host(),
        server.port = uri.port_u16(),
        error.type = Empty,
    ))
}

/// Tells a request's span what came of it; `begun` is when it was sent.
pub fn answered(span: &Span, answer: &Answer, begun: Timestamp, now: Timestamp) {
    let millis = now.since(begun).as_millis();
    let span = &span.0;
    let _entered = span.enter();
    match answer {
        Ok(answer) => {
            let status = answer.status().as_u16();
            span.record("http.response.status_code", status);
            debug!(status, millis, "answered");
        }
        Err(error) => {
            let certainty = error.certainty();
            span.record("error.type", display(certainty));
            debug!(%certainty, millis, "not answered");
        }
    }
}

/// Warns, once a client is made, if its gateway is spoken to in the open.
pub fn exposure(base: &BaseUrl) {
    if base.is_exposed() {
        warn!(
            gateway = base.origin(),
            "plain http: whoever listens on the way reads tokens and amounts"
        );
    }
}

pub(crate) fn alarm(alarm: Alarm) {
    match alarm {
        Alarm::TokensDieYoung => {
            warn!(?alarm, "another system probably logs in with this account");
        }
        _ => warn!(?alarm, "stored tokens are passed over"),
    }
}

/// Warns that the store of tokens does not work; the call goes on without it.
pub fn store_failed(error: &(dyn std::error::Error + 'static)) {
    warn!(
        error,
        "the store of tokens does not work; going on without it"
    );
}

/// What a call's answer is called in logs and traces.
pub trait Outcome {
    /// One word, of those that the protocol core uses.
    fn word(&self) -> &'static str {
        "done"
    }
}

impl Outcome for () {}
impl Outcome for Initiated {}
impl Outcome for Inquired {}

impl Outcome for Sighting {
    fn word(&self) -> &'static str {
        self.as_str()
    }
}

impl Outcome for Verdict {
    fn word(&self) -> &'static str {
        self.as_str()
    }
}
