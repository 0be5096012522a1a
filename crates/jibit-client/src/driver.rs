//! Runs a call on futures: sends, sleeps, and ends an attempt at its time.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
};

use jibit_driver::{Account, Answer, Call, Outgoing, Shared, Step, StoreStep, Stored, spans};
use jibit_proto::{Error, Timestamp, TransportError, flow::Flow};

use crate::{
    Clock, Transport,
    timer::Timer,
    tokens::{Right, TokenStore, work},
};

pub(crate) struct Driver {
    pub(crate) shared: Shared<Waker>,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) account: Account,
    pub(crate) tokens: Mutex<Option<Arc<dyn TokenStore>>>,
}

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
        let mut timer = Timer::new(&*self.clock);
        loop {
            let (out, begun) = match self.step(&mut call, &mut timer).await {
                (Step::Send(out), now) => (out, now),
                (Step::Done(outcome), _) => return outcome,
                (Step::Wait(until), _) => {
                    if let Some(step) = call.take_store_step() {
                        // Boxed, as it is rare: each call would have to have the room.
                        let stored = Box::pin(self.store(step, &mut right, until, &mut timer));
                        let stored = stored.await;
                        call.stored(stored, self.clock.now());
                    }
                    continue;
                }
            };
            let (answer, now) = self.send(out, begun, &mut timer).await;
            call.receive(answer, now);
        }
    }

    /// The next step that is not a mere wait, and when that is.
    async fn step<F: Flow>(
        &self,
        call: &mut Call<'_, F, Waker>,
        timer: &mut Timer<'_>,
    ) -> (Step<F::Output>, Timestamp) {
        poll_fn(|cx| {
            loop {
                let now = self.clock.now();
                let until = match call.poll(now, || cx.waker().clone()) {
                    Step::Wait(until) if !call.has_store_step() => until,
                    step => return Poll::Ready((step, now)),
                };
                if timer.poll(until, cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Sends, for as long as the attempt may take, whatever the transport does; and when
    /// that was over. No `async fn`, which would keep room for the request to its end.
    fn send<'a>(
        &'a self,
        out: Outgoing,
        begun: Timestamp,
        timer: &'a mut Timer<'_>,
    ) -> impl Future<Output = (Answer, Timestamp)> + Send + 'a {
        let span = spans::attempt(&out);
        let until = out.until;
        let answer = self.transport.send(out.request);
        async move {
            let answer = span.instrument(within(until, answer, timer)).await;
            let answer =
                answer.unwrap_or_else(|| Err(TransportError::unknown("no answer in time")));
            let now = self.clock.now();
            spans::answered(&span, &answer, begun, now);
            (answer, now)
        }
    }

    /// Works the store, for as long as that may take.
    async fn store(
        &self,
        step: StoreStep,
        right: &mut Option<Box<dyn Right>>,
        until: Timestamp,
        timer: &mut Timer<'_>,
    ) -> Stored {
        let store = self.tokens.lock();
        let store = store.unwrap_or_else(PoisonError::into_inner).clone();
        let worked = work(store, &self.account, right, step);
        within(until, worked, timer).await.unwrap_or(Stored::Failed)
    }
}

/// What the future comes to, if it does so in time.
async fn within<T>(
    until: Timestamp,
    future: impl Future<Output = T>,
    timer: &mut Timer<'_>,
) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => timer.poll(until, cx).map(|()| None),
    })
    .await
}
