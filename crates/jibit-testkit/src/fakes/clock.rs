use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    thread::{self, Thread},
    time::Duration,
};

use async_trait::async_trait;
use jibit_client::Timestamp;

use super::Transcript;

/// A clock that goes when it is told to. Clones are the same clock.
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<State>>);

struct State {
    now: Timestamp,
    jumps: bool,
    transcript: Option<Transcript>,
    futures: Vec<(Timestamp, Waker)>,
    threads: Vec<(Timestamp, Thread)>,
}

impl ManualClock {
    /// A clock that jumps to whatever somebody waits for: a test of one call at
    /// a time takes no time at all.
    #[must_use]
    pub fn jumping() -> Self {
        Self::new(true)
    }

    /// A clock that stands still but for [`advance`](Self::advance).
    #[must_use]
    pub fn standing() -> Self {
        Self::new(false)
    }

    fn new(jumps: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Timestamp::from_unix_millis(1_800_000_000_000),
            jumps,
            transcript: None,
            futures: Vec::new(),
            threads: Vec::new(),
        })))
    }

    /// Notes each jump in `transcript`.
    #[must_use]
    pub fn noting(self, transcript: &Transcript) -> Self {
        self.lock().transcript = Some(transcript.clone());
        self
    }

    /// The time that it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Lets time pass, and wakes whose time it is.
    pub fn advance(&self, time: Duration) {
        let mut state = self.lock();
        let now = state.now + time;
        state.now = now;
        state.futures.retain(|(until, waker)| {
            let due = *until <= now;
            if due {
                waker.wake_by_ref();
            }
            !due
        });
        state.threads.retain(|(until, thread)| {
            let due = *until <= now;
            if due {
                thread.unpark();
            }
            !due
        });
    }

    /// Jumps to `instant`, as if somebody had waited for it.
    pub(super) fn jump(&self, instant: Timestamp) {
        let mut state = self.lock();
        let wait = instant.since(state.now);
        if wait > Duration::ZERO {
            state.now = instant;
            if let Some(transcript) = &state.transcript {
                transcript.note(&format!(".. wait {wait:?}"));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl jibit_client::Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    async fn sleep_until(&self, instant: Timestamp) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.now >= instant {
                return Poll::Ready(());
            }
            if state.jumps && instant < Timestamp::MAX {
                drop(state);
                self.jump(instant);
                return Poll::Ready(());
            }
            state.futures.push((instant, cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

impl jibit_blocking::Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    fn park_until(&self, instant: Timestamp) {
        let mut state = self.lock();
        if state.now >= instant {
            return;
        }
        if state.jumps && instant < Timestamp::MAX {
            drop(state);
            return self.jump(instant);
        }
        state.threads.push((instant, thread::current()));
        drop(state);
        thread::park();
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}
