use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use jibit_proto::Timestamp;

/// No park is longer, since a wait "for ever" is no length of time.
const LONGEST: Duration = Duration::from_secs(3600);

/// The time. It never goes back: Unix time read once, plus elapsed monotonic
/// time.
pub trait Clock: Send + Sync {
    /// The time that it is.
    fn now(&self) -> Timestamp;

    /// Blocks this thread until `instant`, or until it is
    /// [unparked](thread::Thread::unpark); it may end early for no reason.
    fn park_until(&self, instant: Timestamp);
}

/// Unix time read once, plus what the system's monotonic clock has counted
/// since.
#[derive(Clone, Debug)]
pub struct SystemClock {
    unix: Timestamp,
    begun: Instant,
}

impl SystemClock {
    /// A clock that is right now and goes on evenly.
    #[must_use]
    pub fn new() -> Self {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            unix: Timestamp::default() + unix,
            begun: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.unix + self.begun.elapsed()
    }

    fn park_until(&self, instant: Timestamp) {
        thread::park_timeout(instant.since(self.now()).min(LONGEST));
    }
}
