//! Runs a call on futures: sends, sleeps, and ends an attempt at its time.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Poll, Waker},
};

use jibit_driver::{Answer, Call, Outgoing, Shared, Step, spans};
use jibit_proto::{Error, Timestamp, TransportError, flow::Flow};
use tracing::{Instrument as _, Span};

use crate::{Clock, Transport};

pub(crate) struct Driver {
    pub(crate) shared: Shared<Waker>,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) clock: Box<dyn Clock>,
}

type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Driver {
    /// Runs a call inside its span, which learns how it ended.
    pub(crate) async fn run<F, T>(&self, span: Span, flow: F) -> Result<T, Error>
    where
        F: Flow<Output = Result<T, Error>> + Send,
        T: spans::Outcome + Send,
    {
        let begun = self.clock.now();
        let outcome = self.drive(flow, begun).instrument(span.clone()).await;
        spans::ended(&span, &outcome, begun, self.clock.now());
        outcome
    }

    async fn drive<F>(&self, flow: F, begun: Timestamp) -> F::Output
    where
        F: Flow + Send,
        F::Output: Send,
    {
        let mut call = self.shared.begin(flow, begun);
        loop {
            match self.step(&mut call).await {
                Step::Send(out) => {
                    let answer = self.send(out).await;
                    call.receive(answer, self.clock.now());
                }
                Step::Done(outcome) => return outcome,
                Step::Wait(_) => {}
            }
        }
    }

    /// The next step that is not a wait.
    async fn step<F: Flow>(&self, call: &mut Call<'_, F, Waker>) -> Step<F::Output> {
        let mut sleep: Option<(Timestamp, Sleep<'_>)> = None;
        poll_fn(|cx| {
            loop {
                let until = match call.poll(self.clock.now(), || cx.waker().clone()) {
                    Step::Wait(until) => until,
                    step => return Poll::Ready(step),
                };
                let (_, asleep) = match sleep.take() {
                    Some(slept) if slept.0 == until => sleep.insert(slept),
                    _ => sleep.insert((until, self.clock.sleep_until(until))),
                };
                if asleep.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                sleep = None;
            }
        })
        .await
    }

    /// Sends, for as long as the attempt may take, whatever the transport does.
    async fn send(&self, out: Outgoing) -> Answer {
        let begun = self.clock.now();
        let span = spans::attempt(&out);
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
        spans::answered(&span, &answer, begun, self.clock.now());
        answer
    }
}
