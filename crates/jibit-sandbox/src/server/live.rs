//! The dashboard's events. Nobody has to tell of a change: the parts are written
//! again, and those that came out otherwise are sent. So what time does is seen too.

use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

use super::Shared;
use crate::gateway::Seen;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Of many orders, a look takes its time: it must not be the gateway's main work.
const PAUSE_PER_LOOK: u32 = 20;

/// After so long a silence a remark says that the connection lives.
const SILENCE: Duration = Duration::from_secs(15);

/// What one dashboard is told.
pub(super) struct Live {
    shared: Arc<Shared>,
    seen: Seen,
    pause: Pin<Box<Sleep>>,
    told: Instant,
}

impl Live {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            seen: Seen::default(),
            pause: Box::pin(sleep(Duration::ZERO)),
            told: Instant::now(),
        }
    }

    /// The next events, once something has changed. It never ends.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        loop {
            ready!(self.pause.as_mut().poll(cx));
            let begun = Instant::now();
            let now = self.shared.now();
            let mut events = self.seen.events(&mut self.shared.lock(), now);
            let pause = PAUSE.max(begun.elapsed() * PAUSE_PER_LOOK);
            self.pause = Box::pin(sleep(pause));
            if events.is_empty() && self.told.elapsed() >= SILENCE {
                events.push_str(": nothing new\n\n");
            }
            if !events.is_empty() {
                self.told = Instant::now();
                return Poll::Ready(Bytes::from(events));
            }
        }
    }
}
