mod plan;
mod strike;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jibit_proto::Timestamp;

pub(crate) use plan::Mischief;
pub use plan::{FaultPlan, PlanError};

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
    /// All five, in the document's order.
    pub const ALL: [Self; 5] = [
        Self::Authenticate,
        Self::Refresh,
        Self::Initiate,
        Self::Verify,
        Self::Inquiry,
    ];

    /// Its name, as the document and fault plans have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Refresh => "refresh",
            Self::Initiate => "initiate",
            Self::Verify => "verify",
            Self::Inquiry => "inquiry",
        }
    }

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
    /// The body comes byte by byte, with this pause before each.
    Dribble(Duration),
    /// The body is followed by blanks until it is so many bytes long.
    Flood(u64),
    /// It arrives, and goes on with what changes on the dashboard, as server-sent
    /// events.
    Live,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The gateway never sees the request.
    Before,
    /// The gateway has done what was asked.
    After,
    /// It has, and half of the answer's body is on its way.
    Body,
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
        Self::new(operation, Phase::Before, Effect::Answer(error_page(status)))
    }

    /// An error page of a proxy, after the gateway did what was asked. A
    /// status that is none counts as 502.
    #[must_use]
    pub fn status_after(operation: Operation, status: u16) -> Self {
        Self::new(operation, Phase::After, Effect::Answer(error_page(status)))
    }
}

fn error_page(status: u16) -> Response<Bytes> {
    let mut page = Response::new(Bytes::from_static(
        b"<html><body><h1>not today</h1></body></html>",
    ));
    *page.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    page.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("text/html"),
    );
    page
}

/// The faults that wait for their request, in the order in which they were set,
/// and the plan.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    once: Vec<Fault>,
    plan: FaultPlan,
    armed_at: Timestamp,
    /// How many requests each rule of the plan was about, and how many it struck.
    counts: Vec<(u64, u64)>,
}

/// What strikes a request.
#[derive(Debug)]
pub(crate) enum Struck {
    Once(Phase, Effect),
    Planned(Phase, Mischief),
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.once.push(fault);
    }

    /// Takes up a plan in place of the one before.
    pub(crate) fn arm(&mut self, plan: FaultPlan, now: Timestamp) {
        self.counts = vec![(0, 0); plan.rules.len()];
        self.plan = plan;
        self.armed_at = now;
    }

    pub(crate) const fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// How many requests each rule has struck.
    pub(crate) fn struck(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().map(|(_, struck)| *struck)
    }

    /// What the next request of `operation` meets: a fault that waits for it,
    /// which is used up, or the first rule whose turn it is.
    pub(crate) fn take(&mut self, operation: Operation, now: Timestamp) -> Option<Struck> {
        let at = (self.once.iter()).position(|fault| fault.operation == operation);
        if let Some(at) = at {
            let fault = self.once.remove(at);
            return Some(Struck::Once(fault.phase, fault.effect));
        }
        let mut struck = None;
        for (index, (rule, count)) in self.plan.rules.iter().zip(&mut self.counts).enumerate() {
            if rule.operation.is_some_and(|only| only != operation) {
                continue;
            }
            count.0 += 1;
            let seed = self.plan.seed.wrapping_add(index as u64);
            let over = rule.until.is_some_and(|until| now >= self.armed_at + until);
            if struck.is_none() && !over && rule.when.is_now(count.0, seed) {
                count.1 += 1;
                struck = Some(Struck::Planned(rule.phase, rule.mischief));
            }
        }
        struck
    }
}
