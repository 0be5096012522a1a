use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Request, Response};

use super::{
    Access, Answer, CallId, GRACE, Renewal, Session, backoff,
    renewal::operation,
    sharing::{Phase, Sharing},
};
use crate::{
    Bearer, Certainty, Error, ErrorKind, Timestamp,
    flow::{Ask, Flow, Progress, Reply},
    wire::{self, Operation},
};

/// What a driver has to do next.
#[derive(Debug)]
#[must_use]
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart at once and never kept"
)]
pub enum Step<T> {
    /// Send this and [`receive`](Exchange::receive) what comes of it.
    Send(Outgoing),
    /// Poll again at this instant, or earlier when the session wakes the call.
    Wait(Timestamp),
    /// The call has ended. Polled again, it waits for ever.
    Done(T),
}

/// A request to send. Its `Debug` shows no header and no body.
pub struct Outgoing {
    /// The request itself.
    pub request: Request<Bytes>,
    /// What it does.
    pub operation: Operation,
    /// How many requests of this call went before.
    pub earlier: u32,
    /// When to give up waiting and report the answer as lost.
    pub until: Timestamp,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("operation", &self.operation)
            .field("earlier", &self.earlier)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// One call in progress. A driver that drops it calls
/// [`abandon`](Self::abandon), so that others need not wait for it.
#[derive(Debug)]
pub struct Exchange<F: Flow> {
    id: CallId,
    flow: F,
    began: Timestamp,
    deadline: Timestamp,
    pub(super) state: State<F::Output>,
    earlier: u32,
    failures: u32,
    /// Whether a 401 has made the call authenticate again already.
    reauthenticated: bool,
    /// The lease whose outcome this call shares.
    waited_on: Option<u64>,
    last_error: Option<Error>,
}

#[derive(Debug)]
pub(super) enum State<T> {
    Ready,
    Pause(Timestamp),
    /// The driver works the store that processes share.
    Storing(Sharing),
    /// This renewal is to be sent.
    Renew(Renewal),
    Renewing(Renewal, Timestamp),
    Asking {
        version: u64,
        until: Timestamp,
    },
    Over(T),
    Gone,
}

/// What an error of an operation leads to: the decision table, for the
/// operations with a token.
enum Remedy {
    /// Make the token invalid and send again.
    Authenticate,
    /// Send the same again after a pause.
    Backoff,
    /// The flow decides.
    Flow,
}

fn remedy(operation: Operation, error: &Error) -> Remedy {
    use ErrorKind::{Credentials, Transport, Unavailable, Unreadable};
    match (error.kind(), error.certainty(), operation) {
        (Credentials, ..) => Remedy::Authenticate,
        // Not sent, or sent back by a gateway that asks us to wait.
        (Transport, Certainty::NothingHappened, _) => Remedy::Backoff,
        (Unavailable, Certainty::NothingHappened, Operation::Initiate) => Remedy::Backoff,
        (Transport | Unavailable | Unreadable, _, Operation::Inquiry) => Remedy::Backoff,
        _ => Remedy::Flow,
    }
}

impl<F: Flow> Exchange<F> {
    pub(super) const fn new(id: CallId, flow: F, began: Timestamp, deadline: Timestamp) -> Self {
        Self {
            id,
            flow,
            began,
            deadline,
            state: State::Ready,
            earlier: 0,
            failures: 0,
            reauthenticated: false,
            waited_on: None,
            last_error: None,
        }
    }

    /// The call's name in [`Session::take_woken`].
    #[must_use]
    pub const fn id(&self) -> CallId {
        self.id
    }

    /// Sets another deadline than the session's.
    #[must_use]
    pub const fn with_deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline = deadline;
        self
    }

    /// What to do at `now`. While a request is under way it is always `Wait`.
    pub fn poll(&mut self, session: &mut Session, now: Timestamp) -> Step<F::Output> {
        if let State::Renew(_) = self.state
            && let State::Renew(renewal) = std::mem::replace(&mut self.state, State::Ready)
        {
            return self.send_renewal(session, renewal, now);
        }
        match &self.state {
            State::Storing(Sharing { until, .. })
            | State::Renewing(_, until)
            | State::Asking { until, .. } => return Step::Wait(*until),
            State::Gone => return Step::Wait(Timestamp::MAX),
            State::Over(_) => return self.take_outcome(),
            State::Pause(until) if now < *until && now < self.deadline => {
                return Step::Wait((*until).min(self.deadline));
            }
            State::Pause(_) | State::Ready | State::Renew(_) => {}
        }
        if now >= self.deadline {
            return self.out_of_time(session);
        }
        self.state = State::Ready;
        match session.access(self.id, now, self.waited_on, self.since()) {
            Access::Refused(error) => self.end(session, error),
            Access::Wait { until, lease } => {
                self.waited_on = lease.or(self.waited_on);
                // Whoever waits for a token needs no slot meanwhile.
                session.slots.leave(self.id, &mut session.woken);
                Step::Wait(until.min(self.deadline))
            }
            Access::Renew { lease } => {
                session.slots.leave(self.id, &mut session.woken);
                self.waited_on = Some(lease);
                if session.shares {
                    return Step::Wait(self.store(lease, Phase::Claiming, now));
                }
                let renewal = session.renewal(lease, self.since().is_some(), false);
                self.send_renewal(session, renewal, now)
            }
            Access::Token { token, version } => {
                if self.since().is_some() {
                    self.advance(session, Ok(Reply::Authenticated), now);
                    return self.take_outcome();
                }
                // The slot comes first: whoever waits builds nothing.
                let until = self.attempt_until(session, now);
                let overdue = until + GRACE;
                if !session
                    .slots
                    .take(self.id, now, overdue, &mut session.woken)
                {
                    return Step::Wait(session.slots.look_again(now).min(self.deadline));
                }
                match self.request(session, &token) {
                    Ok(request) => {
                        self.state = State::Asking { version, until };
                        Step::Send(self.outgoing(request, self.operation(), until))
                    }
                    Err(error) => self.end(session, error),
                }
            }
        }
    }

    /// Takes the answer to the request under way; without one it is ignored. Poll at once
    /// after it: a call that goes on keeps its slot meanwhile.
    pub fn receive(&mut self, session: &mut Session, answer: Answer, now: Timestamp) {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Renewing(renewal, _) => {
                let installed = session.renewed(&renewal, answer, now);
                if renewal.claimed {
                    let saved = session.saved().filter(|_| installed);
                    let phase = saved.map_or(Phase::Releasing, Phase::Saving);
                    self.store(renewal.lease, phase, now);
                }
            }
            State::Asking { version, .. } => {
                let asked = answer
                    .as_ref()
                    .ok()
                    .and_then(|answer| backoff::retry_after(answer, now));
                let reply = answer
                    .map_err(Error::from)
                    .and_then(|answer| self.read(session, &answer));
                self.judge(session, reply, version, asked, now);
            }
            other => self.state = other,
        }
    }

    /// Ends the call without an outcome and hands on what it held. An answer
    /// under way is lost with it.
    pub fn abandon(self, session: &mut Session) {
        match &self.state {
            State::Renew(renewal) | State::Renewing(renewal, _) => {
                session.give_up_lease(renewal.lease);
            }
            State::Storing(sharing) => session.give_up_lease(sharing.lease),
            _ => {}
        }
        session.forget(self.id);
    }

    fn operation(&self) -> Operation {
        match self.flow.ask() {
            Ask::Authenticate => Operation::Authenticate,
            Ask::Initiate(_) => Operation::Initiate,
            Ask::Verify(_) => Operation::Verify,
            Ask::Inquiry(_) => Operation::Inquiry,
        }
    }

    fn attempt_until(&self, session: &Session, now: Timestamp) -> Timestamp {
        (now + session.config.attempt_timeout).min(self.deadline)
    }

    fn outgoing(
        &mut self,
        request: Request<Bytes>,
        operation: Operation,
        until: Timestamp,
    ) -> Outgoing {
        let earlier = self.earlier;
        self.earlier += 1;
        Outgoing {
            request,
            operation,
            earlier,
            until,
        }
    }

    fn send_renewal(
        &mut self,
        session: &mut Session,
        renewal: Renewal,
        now: Timestamp,
    ) -> Step<F::Output> {
        let until = self.attempt_until(session, now);
        let operation = operation(&renewal);
        let late = now >= self.deadline;
        if late {
            session.give_up_lease(renewal.lease);
        }
        if late || !session.extend_lease(renewal.lease, now) {
            // It took so long that time or lease is gone, or the password is another.
            if renewal.claimed {
                return Step::Wait(self.store(renewal.lease, Phase::Releasing, now));
            }
            return self.poll(session, now);
        }
        match session.renewal_request(&renewal) {
            Ok(request) => {
                self.state = State::Renewing(renewal, until);
                Step::Send(self.outgoing(request, operation, until))
            }
            Err(invalid) => {
                session.give_up_lease(renewal.lease);
                self.end(session, invalid.into())
            }
        }
    }

    /// From when on a pair must be, if the call is about getting one.
    pub(super) fn since(&self) -> Option<Timestamp> {
        matches!(self.flow.ask(), Ask::Authenticate).then_some(self.began)
    }

    fn request(&self, session: &Session, token: &Bearer) -> Result<Request<Bytes>, Error> {
        let base = &session.base;
        let request = match self.flow.ask() {
            Ask::Authenticate => return Err(Error::other_question()),
            Ask::Initiate(order) => wire::initiate::request(base, token, order),
            Ask::Verify(order) => wire::verify::request(base, token, order),
            Ask::Inquiry(order) => wire::inquiry::request(base, token, order),
        };
        request.map_err(Error::from)
    }

    fn read(&self, session: &Session, answer: &Response<Bytes>) -> Result<Reply, Error> {
        match self.flow.ask() {
            Ask::Authenticate => Err(Error::other_question()),
            Ask::Initiate(order) => {
                wire::initiate::parse(answer, order, &session.config.hosts).map(Reply::Initiated)
            }
            Ask::Verify(_) => wire::verify::parse(answer).map(Reply::Verified),
            Ask::Inquiry(_) => wire::inquiry::parse(answer).map(Reply::Inquired),
        }
    }

    fn judge(
        &mut self,
        session: &mut Session,
        reply: Result<Reply, Error>,
        version: u64,
        asked: Option<Duration>,
        now: Timestamp,
    ) {
        let operation = self.operation();
        let error = match reply {
            Ok(reply) => {
                session.budget.succeeded(self.failures > 0);
                return self.advance(session, Ok(reply), now);
            }
            Err(error) => error,
        };
        self.last_error = Some(error.clone());
        match remedy(operation, &error) {
            Remedy::Authenticate if !self.reauthenticated => {
                self.reauthenticated = true;
                session.reject(version, now);
                // No verify is sent twice without a look between.
                if operation == Operation::Verify {
                    self.advance(session, Err(error), now);
                }
            }
            Remedy::Backoff if self.flow.is_urgent() || session.budget.take() => {
                self.pause(session, asked, now);
            }
            // No way on: the gateway is sick enough.
            Remedy::Backoff => self.over(session, error),
            _ => self.advance(session, Err(error), now),
        }
    }

    fn advance(&mut self, session: &mut Session, reply: Result<Reply, Error>, now: Timestamp) {
        match self.flow.advance(reply) {
            Progress::Next => self.state = State::Ready,
            Progress::Pause => self.pause(session, None, now),
            Progress::Done(outcome) => {
                session.forget(self.id);
                self.state = State::Over(outcome);
            }
        }
    }

    /// Pauses; a pause that the deadline cuts off ends the call at once.
    fn pause(&mut self, session: &mut Session, asked: Option<Duration>, now: Timestamp) {
        session.slots.leave(self.id, &mut session.woken);
        let until = now + session.backoff.pause(self.failures, asked);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Pause(until);
        if until >= self.deadline {
            let cause = self.cause(session);
            self.over(session, cause);
        }
    }

    fn over(&mut self, session: &mut Session, cause: Error) {
        session.forget(self.id);
        self.state = State::Over(self.flow.expire(cause));
    }

    /// Why there is no time left: what failed last, in this call or in the
    /// renewal that it waited for.
    fn cause(&self, session: &Session) -> Error {
        let renewal = || {
            let error = session.renewal_error.as_ref()?;
            // To a call that only wanted the renewal it is its own failure.
            match self.flow.ask() {
                Ask::Authenticate => Some(error.clone()),
                _ => Some(error.before_sending()),
            }
        };
        self.last_error
            .clone()
            .or_else(renewal)
            .unwrap_or_else(Error::no_time)
    }

    fn out_of_time(&mut self, session: &mut Session) -> Step<F::Output> {
        let cause = self.cause(session);
        self.end(session, cause)
    }

    fn end(&mut self, session: &mut Session, cause: Error) -> Step<F::Output> {
        session.forget(self.id);
        self.state = State::Gone;
        Step::Done(self.flow.expire(cause))
    }

    fn take_outcome(&mut self) -> Step<F::Output> {
        match std::mem::replace(&mut self.state, State::Gone) {
            State::Over(outcome) => Step::Done(outcome),
            other => {
                self.state = other;
                Step::Wait(self.deadline)
            }
        }
    }
}
