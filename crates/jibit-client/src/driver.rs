//! Runs calls: polls and parks under one lock that is never held over IO.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use jibit_proto::{
    Error, Session, Sighting, Timestamp, TransportError, Verdict,
    flow::Flow,
    session::{Answer, CallId, Exchange, Outgoing, Step},
    wire::{initiate::Initiated, inquiry::Inquired},
};
use tracing::{
    Instrument as _, Span, debug, debug_span,
    field::{Empty, display},
    info, warn,
};

use crate::{Clock, Transport};

/// What a call's answer is called in logs and traces.
pub(crate) trait Named {
    fn name(&self) -> &'static str {
        "done"
    }
}

impl Named for () {}
impl Named for Initiated {}
impl Named for Inquired {}

impl Named for Sighting {
    fn name(&self) -> &'static str {
        self.as_str()
    }
}

impl Named for Verdict {
    fn name(&self) -> &'static str {
        self.as_str()
    }
}

pub(crate) struct Shared {
    transport: Box<dyn Transport>,
    clock: Box<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    session: Session,
    parked: HashMap<CallId, Waker>,
}

type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Shared {
    pub(crate) fn new(
        session: Session,
        transport: Box<dyn Transport>,
        clock: Box<dyn Clock>,
    ) -> Self {
        let state = Mutex::new(State {
            session,
            parked: HashMap::new(),
        });
        Self {
            transport,
            clock,
            state,
        }
    }

    /// Runs `change` under the lock, then wakes whom it concerns.
    pub(crate) fn with_session<T>(&self, change: impl FnOnce(&mut Session) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state.session);
        self.wake(state);
        result
    }

    /// Runs a call inside its span, which learns how it ended.
    pub(crate) async fn run<F, T>(&self, span: Span, flow: F) -> Result<T, Error>
    where
        F: Flow<Output = Result<T, Error>> + Send,
        T: Named + Send,
    {
        let begun = self.clock.now();
        let ended = self.drive(flow).instrument(span.clone()).await;
        let millis = self.clock.now().since(begun).as_millis();
        let _entered = span.enter();
        match &ended {
            Ok(answer) => {
                let outcome = answer.name();
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
        ended
    }

    async fn drive<F>(&self, flow: F) -> F::Output
    where
        F: Flow + Send,
        F::Output: Send,
    {
        let exchange = self.with_session(|session| session.begin(flow, self.clock.now()));
        let mut call = Call {
            shared: self,
            id: exchange.id(),
            exchange: Some(exchange),
        };
        loop {
            match call.step().await {
                Step::Send(out) => {
                    let answer = self.send(out).await;
                    call.receive(answer);
                }
                Step::Done(outcome) => return outcome,
                Step::Wait(_) => {}
            }
        }
    }

    /// Sends, for as long as the attempt may take. The span's fields are
    /// OpenTelemetry's for an HTTP client.
    async fn send(&self, out: Outgoing) -> Answer {
        let begun = self.clock.now();
        let uri = out.request.uri();
        let span = debug_span!(
            "jibit.attempt",
            otel.kind = "client",
            otel.name = out.operation.as_str(),
            http.request.method = out.request.method().as_str(),
            http.request.resend_count = out.earlier,
            http.response.status_code = Empty,
            server.address = uri.host(),
            server.port = uri.port_u16(),
            error.type = Empty,
        );
        let mut answer = self.transport.send(out.request);
        let mut limit = self.clock.sleep_until(out.until);
        let answer = poll_fn(|cx| match answer.as_mut().poll(cx) {
            Poll::Pending => limit
                .as_mut()
                .poll(cx)
                .map(|()| Err(TransportError::unknown("no answer in time"))),
            ready => ready,
        })
        .instrument(span.clone())
        .await;
        let millis = self.clock.now().since(begun).as_millis();
        let _entered = span.enter();
        match &answer {
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
        answer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whom the session names, after the lock is given back.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let mut wakers = Vec::new();
        while let Some(id) = state.session.take_woken() {
            wakers.extend(state.parked.remove(&id));
        }
        let alarm = state.session.take_alarm();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        if let Some(alarm) = alarm {
            warn!(?alarm, "another system probably logs in with this account");
        }
    }
}

/// A call that hands on what it holds when it is dropped or its transport
/// panics.
struct Call<'a, F: Flow> {
    shared: &'a Shared,
    id: CallId,
    exchange: Option<Exchange<F>>,
}

impl<F: Flow> Call<'_, F> {
    /// The next step that is not a wait.
    async fn step(&mut self) -> Step<F::Output> {
        let clock = &self.shared.clock;
        let mut sleep: Option<(Timestamp, Sleep<'_>)> = None;
        poll_fn(|cx| {
            loop {
                let until = match self.poll(cx) {
                    Step::Wait(until) => until,
                    step => return Poll::Ready(step),
                };
                let (_, asleep) = match sleep.take() {
                    Some(slept) if slept.0 == until => sleep.insert(slept),
                    _ => sleep.insert((until, clock.sleep_until(until))),
                };
                if asleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                sleep = None;
            }
        })
        .await
    }

    /// Polls and, if it has to wait, parks under the same lock: a wake-up in
    /// between cannot be lost.
    fn poll(&mut self, cx: &Context<'_>) -> Step<F::Output> {
        let mut state = self.shared.lock();
        let Some(exchange) = &mut self.exchange else {
            return Step::Wait(Timestamp::MAX);
        };
        let step = exchange.poll(&mut state.session, self.shared.clock.now());
        if let Step::Wait(_) = step {
            state.parked.insert(self.id, cx.waker().clone());
        }
        self.shared.wake(state);
        step
    }

    fn receive(&mut self, answer: Answer) {
        if let Some(exchange) = &mut self.exchange {
            let now = self.shared.clock.now();
            self.shared
                .with_session(|session| exchange.receive(session, answer, now));
        }
    }
}

impl<F: Flow> Drop for Call<'_, F> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.parked.remove(&self.id);
        if let Some(exchange) = self.exchange.take() {
            exchange.abandon(&mut state.session);
        }
        self.shared.wake(state);
    }
}
