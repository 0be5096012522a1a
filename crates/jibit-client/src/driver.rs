//! Runs a call on futures: sends, sleeps, and ends an attempt at its time.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use jibit_driver::{Account, Answer, Call, Outgoing, Shared, Step, StoreStep, Stored, spans};
use jibit_proto::{Error, Timestamp, TransportError, flow::Flow};

use crate::{
    Clock, Transport,
    tokens::{Right, TokenStore, work},
};

pub(crate) struct Driver {
    pub(crate) shared: Shared<Waker>,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) account: Account,
    pub(crate) tokens: Mutex<Option<Arc<dyn TokenStore>>>,
}

type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl Driver {
    /// Runs a call inside its span, which learns how it ended.
    pub(crate) async fn run<F, T>(&self, span: spans::Span, flow: F) -> Result<T, Error>
    where
        F: Flow<Output = Result<T, Error>> + Send,
        T: spans::Outcome + Send,
    {
        let begun = self.clock.now();
        let outcome = span.instrument(self.drive(flow, begun)).await;
        spans::ended(&span, &outcome, begun, self.clock.now());
        outcome
    }

    async fn drive<F>(&self, flow: F, begun: Timestamp) -> F::Output
    where
        F: Flow + Send,
        F::Output: Send,
    {
        let mut call = self.shared.begin(flow, begun);
        let mut right = None;
        loop {
            match self.step(&mut call).await {
                Step::Send(out) => {
                    let answer = self.send(out).await;
                    call.receive(answer, self.clock.now());
                }
                Step::Done(outcome) => return outcome,
                Step::Wait(until) => {
                    if let Some(step) = call.take_store_step() {
                        let stored = self.store(step, &mut right, until).await;
                        call.stored(stored, self.clock.now());
                    }
                }
            }
        }
    }

    /// The next step that is not a mere wait.
    async fn step<F: Flow>(&self, call: &mut Call<'_, F, Waker>) -> Step<F::Output> {
        let mut sleep: Option<(Timestamp, Sleep<'_>)> = None;
        poll_fn(|cx| {
            loop {
                let until = match call.poll(self.clock.now(), || cx.waker().clone()) {
                    Step::Wait(until) if !call.has_store_step() => until,
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
        let answer = self.transport.send(out.request);
        let answer = span.instrument(self.within(out.until, answer)).await;
        let answer = answer.unwrap_or_else(|| Err(TransportError::unknown("no answer in time")));
        spans::answered(&span, &answer, begun, self.clock.now());
        answer
    }

    /// Works the store, for as long as that may take.
    async fn store(
        &self,
        step: StoreStep,
        right: &mut Option<Box<dyn Right>>,
        until: Timestamp,
    ) -> Stored {
        let store = self.tokens.lock();
        let store = store.unwrap_or_else(PoisonError::into_inner).clone();
        let worked = work(store, &self.account, right, step);
        self.within(until, worked).await.unwrap_or(Stored::Failed)
    }

    /// What the future comes to, if it does so in time.
    async fn within<T>(&self, until: Timestamp, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut limit = self.clock.sleep_until(until);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
        })
        .await
    }
}
