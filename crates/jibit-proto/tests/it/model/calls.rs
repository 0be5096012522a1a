//! The calls of the model: exchanges of whatever flow, and what is known of each.

use std::fmt::Debug;

use jibit_proto::flow::Flow;
use jibit_proto::session::{Answer, CallId, Exchange, Outgoing, Step};
use jibit_proto::wire::initiate::{Initiated, NewOrder};
use jibit_proto::wire::inquiry::Inquired;
use jibit_proto::{
    Authenticate, CallbackUrl, Error, Expected, Initiate, Inquiry, Look, Session, Settle, Sighting,
    Timestamp, Verdict,
};

use super::{ops::Kind, rules::clean};

#[derive(Debug)]
pub(super) enum Outcome {
    Authenticate(#[allow(dead_code, reason = "printed")] Result<(), Error>),
    Initiate(Result<Initiated, Error>),
    Inquiry(#[allow(dead_code, reason = "printed")] Result<Inquired, Error>),
    Look(Result<Sighting, Error>),
    Settle(Result<Verdict, Error>),
}

macro_rules! outcomes {
    ($($kind:ident: $value:ty),*) => {$(
        impl From<Result<$value, Error>> for Outcome {
            fn from(outcome: Result<$value, Error>) -> Self {
                Self::$kind(outcome)
            }
        }
    )*};
}
outcomes!(Authenticate: (), Initiate: Initiated, Inquiry: Inquired, Look: Sighting, Settle: Verdict);

impl Outcome {
    pub(super) fn error(&self) -> Option<&Error> {
        match self {
            Self::Authenticate(outcome) => outcome.as_ref().err(),
            Self::Initiate(outcome) => outcome.as_ref().err(),
            Self::Inquiry(outcome) => outcome.as_ref().err(),
            Self::Look(outcome) => outcome.as_ref().err(),
            Self::Settle(
                Err(error)
                | Ok(Verdict::Undetermined {
                    cause: Some(error), ..
                }),
            ) => Some(error),
            Self::Settle(_) => None,
        }
    }
}

/// An exchange of whatever flow. It prints clean (S10) after each step that is more than
/// waiting, which learns nothing.
pub(super) trait Running {
    fn poll(&mut self, session: &mut Session, now: Timestamp) -> Step<Outcome>;
    fn receive(&mut self, session: &mut Session, answer: Answer, now: Timestamp);
    fn abandon(self: Box<Self>, session: &mut Session);
}

impl<F: Flow<Output: Into<Outcome> + Debug> + Debug> Running for Exchange<F> {
    fn poll(&mut self, session: &mut Session, now: Timestamp) -> Step<Outcome> {
        let step = Self::poll(self, session, now);
        if !matches!(step, Step::Wait(_)) {
            clean(&format!("{self:?}"));
        }
        match step {
            Step::Send(out) => Step::Send(out),
            Step::Wait(until) => Step::Wait(until),
            Step::Done(outcome) => Step::Done(outcome.into()),
        }
    }
    fn receive(&mut self, session: &mut Session, answer: Answer, now: Timestamp) {
        Self::receive(self, session, answer, now);
        clean(&format!("{self:?}"));
    }
    fn abandon(self: Box<Self>, session: &mut Session) {
        Self::abandon(*self, session);
    }
}

pub(super) struct Call {
    pub(super) run: Box<dyn Running>,
    pub(super) kind: Kind,
    /// The order that it is about; the one that it makes has no number yet.
    pub(super) order: usize,
    pub(super) merchant_order_id: String,
    pub(super) deadline: Timestamp,
    pub(super) polled: Timestamp,
    pub(super) wait: Timestamp,
    pub(super) under_way: Option<UnderWay>,
    /// Whether its driver was late.
    pub(super) late: bool,
    pub(super) sends: u32,
    /// Whether an initiate may have arrived.
    pub(super) arrived: bool,
    /// Whether the last look showed something to verify, and no verify since.
    pub(super) payable: bool,
    pub(super) verify_left: bool,
    /// Whether a 401 has come, and whether a second one ended the call.
    pub(super) rejected: bool,
    pub(super) over: bool,
}

impl Call {
    pub(super) fn begin(
        session: &mut Session,
        (kind, order, merchant_order_id): (Kind, usize, String),
        now: Timestamp,
        deadline: Timestamp,
    ) -> (CallId, Self) {
        let order_id = format!("o{order}").parse().unwrap();
        let expected = Expected {
            amount: "100".parse().unwrap(),
            merchant_order_id: merchant_order_id.parse().unwrap(),
        };
        let (id, run) = match kind {
            Kind::Authenticate => boxed(session, Authenticate, now, deadline),
            Kind::Initiate => {
                let url = CallbackUrl::new("https://shop.example/").unwrap();
                let mobile = "09121234567".parse().unwrap();
                let order = NewOrder::new(expected.amount, url, mobile, expected.merchant_order_id);
                boxed(session, Initiate::new(order.unwrap()), now, deadline)
            }
            Kind::Inquiry => boxed(session, Inquiry::new(order_id), now, deadline),
            Kind::Look => boxed(session, Look::new(order_id, expected), now, deadline),
            Kind::Settle => boxed(session, Settle::new(order_id, expected), now, deadline),
        };
        let call = Self {
            run,
            kind,
            order,
            merchant_order_id,
            deadline,
            polled: now,
            wait: now,
            under_way: None,
            late: false,
            sends: 0,
            arrived: false,
            payable: false,
            verify_left: false,
            rejected: false,
            over: false,
        };
        (id, call)
    }
}

fn boxed<F>(
    session: &mut Session,
    flow: F,
    now: Timestamp,
    deadline: Timestamp,
) -> (CallId, Box<dyn Running>)
where
    F: Flow<Output: Into<Outcome> + Debug> + Debug + 'static,
{
    let call = session.begin(flow, now).with_deadline(deadline);
    clean(&format!("{call:?}"));
    (call.id(), Box::new(call))
}

pub(super) struct UnderWay {
    pub(super) out: Outgoing,
    pub(super) sent: u64,
    pub(super) epoch: u64,
    pub(super) stalled: bool,
}
