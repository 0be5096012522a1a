use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use jibit_proto::Timestamp;

use crate::Clock;

/// A call's sleep. One at a time: it waits for one thing, and a sleep that was set for
/// an earlier instant serves for a later one until it ends.
pub(crate) struct Timer<'a> {
    clock: &'a dyn Clock,
    set: Option<(Timestamp, Sleep<'a>)>,
}

type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl<'a> Timer<'a> {
    /// One that is not set.
    pub(crate) fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, set: None }
    }

    /// Whether it is `until`.
    pub(crate) fn poll(&mut self, until: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let (instant, asleep) = match self.set.take() {
                Some(set) if set.0 <= until => self.set.insert(set),
                _ => self.set.insert((until, self.clock.sleep_until(until))),
            };
            if asleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let over = *instant == until;
            self.set = None;
            if over {
                return Poll::Ready(());
            }
        }
    }
}
