use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

/// The five operations of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /authenticate`
    Authenticate,
    /// `POST /authenticate/refresh`
    Refresh,
    /// `POST /order/initiate`
    Initiate,
    /// `POST /order/verify/{orderId}`
    Verify,
    /// `GET /order/inquiry/{orderId}`
    Inquiry,
}

impl Operation {
    /// The operation that a path belongs to, whatever the method.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        match request.uri().path() {
            "/authenticate" => Some(Self::Authenticate),
            "/authenticate/refresh" => Some(Self::Refresh),
            "/order/initiate" => Some(Self::Initiate),
            path if path.starts_with("/order/verify/") => Some(Self::Verify),
            path if path.starts_with("/order/inquiry/") => Some(Self::Inquiry),
            _ => None,
        }
    }
}

/// What the wire does with an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It arrives.
    #[default]
    Deliver,
    /// It arrives this much later.
    Delay(Duration),
    /// It never arrives, and the connection stays open.
    Hang,
    /// The connection closes without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// The connection closes after so many bytes of the body.
    Cut(usize),
    /// The body is followed by blanks until it is so many bytes long.
    Flood(u64),
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The gateway never sees the request.
    Before,
    /// The gateway has done what was asked.
    After,
}

/// What a fault does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Effect {
    /// The gateway's own answer meets this fate; before the gateway, an empty one.
    Wire(Fate),
    /// Another answer comes in place of the gateway's own.
    Answer(Response<Bytes>),
}

/// A fault that strikes one request, once.
///
/// ```
/// use jibit_sandbox::{Fate, Fault, Operation};
///
/// // The gateway captures the money, and its answer is lost.
/// let lost = Fault::after(Operation::Verify, Fate::Reset);
/// // Something in front of the gateway fails; the gateway never hears of it.
/// let proxy = Fault::status_before(Operation::Inquiry, 502);
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    operation: Operation,
    phase: Phase,
    effect: Effect,
}

impl Fault {
    /// A fault of any kind.
    #[must_use]
    pub const fn new(operation: Operation, phase: Phase, effect: Effect) -> Self {
        Self {
            operation,
            phase,
            effect,
        }
    }

    /// The request meets this fate and the gateway never sees it.
    #[must_use]
    pub const fn before(operation: Operation, fate: Fate) -> Self {
        Self::new(operation, Phase::Before, Effect::Wire(fate))
    }

    /// The gateway does what was asked, and its answer meets this fate.
    #[must_use]
    pub const fn after(operation: Operation, fate: Fate) -> Self {
        Self::new(operation, Phase::After, Effect::Wire(fate))
    }

    /// An error page of a proxy in front of the gateway, which never sees the
    /// request. A status that is none counts as 502.
    #[must_use]
    pub fn status_before(operation: Operation, status: u16) -> Self {
        Self::new(operation, Phase::Before, error_page(status))
    }

    /// An error page of a proxy, after the gateway did what was asked. A
    /// status that is none counts as 502.
    #[must_use]
    pub fn status_after(operation: Operation, status: u16) -> Self {
        Self::new(operation, Phase::After, error_page(status))
    }
}

fn error_page(status: u16) -> Effect {
    let mut page = Response::new(Bytes::from_static(
        b"<html><body><h1>not today</h1></body></html>",
    ));
    *page.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    page.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("text/html"),
    );
    Effect::Answer(page)
}

/// The faults that wait for their request, in the order in which they were set.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The fault that the next request of `operation` meets; it is used up.
    pub(crate) fn take(&mut self, operation: Operation) -> Option<(Phase, Effect)> {
        let at = (self.0.iter()).position(|fault| fault.operation == operation)?;
        let fault = self.0.remove(at);
        Some((fault.phase, fault.effect))
    }
}
