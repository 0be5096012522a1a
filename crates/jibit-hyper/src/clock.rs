use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use jibit_client::{Clock, Timestamp};
use tokio::time::{Instant, sleep};

/// Unix time read once, plus what tokio's clock has counted since: it never
/// goes back, and stands still where a test has paused tokio's.
#[derive(Clone, Debug)]
pub struct TokioClock {
    unix: Timestamp,
    begun: Instant,
}

impl TokioClock {
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

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.unix + self.begun.elapsed()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        // A length of time, because no `Instant` is as far as `Timestamp::MAX`.
        sleep(instant.since(self.now())).await;
    }
}
