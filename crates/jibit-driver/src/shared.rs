use std::{collections::HashMap, fmt, sync::PoisonError, task::Waker, thread::Thread};

use jibit_proto::{
    Session, Timestamp,
    flow::Flow,
    session::{Answer, CallId, Exchange, Step, StoreStep, Stored},
};

use crate::{
    spans,
    sync::{Mutex, MutexGuard},
};

/// Wakes one parked call; waking one that no longer waits does no harm.
pub trait Wake {
    /// Has the call polled again.
    fn wake(self);
}

impl Wake for Waker {
    fn wake(self) {
        Self::wake(self);
    }
}

impl Wake for Thread {
    fn wake(self) {
        self.unpark();
    }
}

/// A session that calls share, and whom to wake for each of them.
pub struct Shared<W> {
    state: Mutex<State<W>>,
}

struct State<W> {
    session: Session,
    parked: HashMap<CallId, W>,
}

impl<W: Wake> Shared<W> {
    /// Shares out `session`.
    #[must_use]
    pub fn new(session: Session) -> Self {
        let state = State {
            session,
            parked: HashMap::new(),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    /// Changes the session, then wakes the calls that the change concerns.
    pub fn with_session<T>(&self, change: impl FnOnce(&mut Session) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state.session);
        self.wake(state);
        result
    }

    /// Begins a call, which has the session's deadline from `now`.
    pub fn begin<F: Flow>(&self, flow: F, now: Timestamp) -> Call<'_, F, W> {
        let exchange = self.with_session(|session| session.begin(flow, now));
        Call {
            shared: self,
            id: exchange.id(),
            exchange: Some(exchange),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        // Nothing under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whom the session names, after the lock is given back.
    fn wake(&self, mut state: MutexGuard<'_, State<W>>) {
        let mut wakers = Vec::new();
        while let Some(id) = state.session.take_woken() {
            wakers.extend(state.parked.remove(&id));
        }
        let alarm = state.session.take_alarm();
        drop(state);
        wakers.into_iter().for_each(W::wake);
        if let Some(alarm) = alarm {
            spans::alarm(alarm);
        }
    }
}

impl<W> fmt::Debug for Shared<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// One call. Dropped before its end, also by a panic, it hands on the lease or
/// the slot that it holds, and the calls that wait for it go on at once.
pub struct Call<'a, F: Flow, W: Wake> {
    shared: &'a Shared<W>,
    id: CallId,
    /// There until the call is over or dropped.
    exchange: Option<Exchange<F>>,
}

impl<F: Flow, W: Wake> Call<'_, F, W> {
    /// What to do at `now`. If that is to wait, the call is parked with what
    /// `waker` makes, under the same lock: from here on a wake-up reaches it.
    pub fn poll(&mut self, now: Timestamp, waker: impl FnOnce() -> W) -> Step<F::Output> {
        let Some(exchange) = &mut self.exchange else {
            return Step::Wait(Timestamp::MAX);
        };
        let mut state = self.shared.lock();
        let step = exchange.poll(&mut state.session, now);
        match step {
            Step::Send(_) => {}
            Step::Wait(_) => {
                state.parked.insert(self.id, waker());
            }
            // Over: it holds nothing that it would have to give up.
            Step::Done(_) => {
                state.parked.remove(&self.id);
                self.exchange = None;
            }
        }
        self.shared.wake(state);
        step
    }

    /// Takes what came of the last [`Step::Send`].
    pub fn receive(&mut self, answer: Answer, now: Timestamp) {
        if let Some(exchange) = &mut self.exchange {
            self.shared
                .with_session(|session| exchange.receive(session, answer, now));
        }
    }

    /// Whether there is something to do with the store of tokens.
    #[must_use]
    pub fn has_store_step(&self) -> bool {
        self.exchange.as_ref().is_some_and(Exchange::has_store_step)
    }

    /// What to do with the store of tokens, instead of the last wait.
    pub fn take_store_step(&mut self) -> Option<StoreStep> {
        let state = self.shared.lock();
        self.exchange.as_mut()?.take_store_step(&state.session)
    }

    /// Takes what came of the last [`take_store_step`](Self::take_store_step).
    pub fn stored(&mut self, stored: Stored, now: Timestamp) {
        if let Some(exchange) = &mut self.exchange {
            self.shared
                .with_session(|session| exchange.stored(session, stored, now));
        }
    }
}

impl<F: Flow, W: Wake> Drop for Call<'_, F, W> {
    fn drop(&mut self) {
        let Some(exchange) = self.exchange.take() else {
            return;
        };
        let mut state = self.shared.lock();
        state.parked.remove(&self.id);
        exchange.abandon(&mut state.session);
        self.shared.wake(state);
    }
}

impl<F: Flow, W: Wake> fmt::Debug for Call<'_, F, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("id", &self.id).finish()
    }
}
