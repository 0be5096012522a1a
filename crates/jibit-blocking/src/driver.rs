//! Runs a call on the thread that makes it: sends, parks, and is unparked.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, Thread},
};

use jibit_driver::{Account, Answer, Outgoing, Shared, Step, spans};
use jibit_proto::{Error, Timestamp, flow::Flow};

use crate::{
    Clock, Transport,
    tokens::{TokenStore, work},
};

pub(crate) struct Driver {
    pub(crate) shared: Shared<Thread>,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) account: Account,
    pub(crate) tokens: Mutex<Option<Arc<dyn TokenStore>>>,
}

impl Driver {
    /// Runs a call inside its span, which learns how it ended.
    pub(crate) fn run<F, T>(&self, span: spans::Span, flow: F) -> Result<T, Error>
    where
        F: Flow<Output = Result<T, Error>>,
        T: spans::Outcome,
    {
        let begun = self.clock.now();
        let outcome = span.in_scope(|| self.drive(flow, begun));
        spans::ended(&span, &outcome, begun, self.clock.now());
        outcome
    }

    fn drive<F: Flow>(&self, flow: F, begun: Timestamp) -> F::Output {
        let mut call = self.shared.begin(flow, begun);
        let mut right = None;
        // Read again after whatever takes time.
        let mut now = begun;
        loop {
            match call.poll(now, thread::current) {
                Step::Send(out) => {
                    let answer = self.send(out, &mut now);
                    call.receive(answer, now);
                }
                Step::Wait(until) => match call.take_store_step() {
                    Some(step) => {
                        let limit = until.since(now);
                        let store = self.tokens.lock();
                        let store = store.unwrap_or_else(PoisonError::into_inner).clone();
                        let stored = work(store, &self.account, &mut right, step, limit);
                        now = self.clock.now();
                        call.stored(stored, now);
                    }
                    // An unpark since the poll ends this at once.
                    None => {
                        self.clock.park_until(until);
                        now = self.clock.now();
                    }
                },
                Step::Done(outcome) => return outcome,
            }
        }
    }

    fn send(&self, out: Outgoing, now: &mut Timestamp) -> Answer {
        let begun = *now;
        let span = spans::attempt(&out);
        let limit = out.until.since(begun);
        let answer = span.in_scope(|| self.transport.send(out.request, limit));
        *now = self.clock.now();
        spans::answered(&span, &answer, begun, *now);
        answer
    }
}
