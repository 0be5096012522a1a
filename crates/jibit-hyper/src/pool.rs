//! Connections that wait for their next request.
//!
//! Why not hyper-util's: `docs/decisions/0020-a-pool-of-our-own.md`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use crate::connection::{Connection, Origin};

/// How long a connection waits for its next request before it is closed.
const IDLE: Duration = Duration::from_secs(30);

/// The connections that wait, and a task that closes those which waited too
/// long. Whoever takes one over HTTP/1.1 has it alone until it is put back;
/// dropped instead, it is closed, and nobody meets the rest of its answer.
/// One over HTTP/2 can be taken and yet be here for others.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// The one that was put last is last, and is taken first: what a quiet
    /// hour needs stays warm, and what only a busy one needed grows old.
    idle: VecDeque<(Instant, Connection)>,
    closer: Option<JoinHandle<()>>,
}

impl Pool {
    /// A connection to `origin` that is not known to have ended.
    pub(crate) fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut waiting = lock(&self.0);
        loop {
            let fits = |(_, idle): &(_, Connection)| idle.leads_to(origin) && !idle.is_busy();
            let at = waiting.idle.iter().rposition(fits)?;
            let (since, connection) = waiting.idle.remove(at)?;
            let now = Instant::now();
            if connection.is_closed() || now >= since + IDLE {
                continue;
            }
            if let Some(same) = connection.shared() {
                waiting.idle.push_back((now, same));
            }
            return Some(connection);
        }
    }

    /// Has `connection` wait for its next request.
    pub(crate) fn put(&self, connection: Connection) {
        let mut waiting = lock(&self.0);
        waiting.idle.push_back((Instant::now(), connection));
        // A runtime that ended took its task with it.
        if waiting.closer.as_ref().is_none_or(JoinHandle::is_finished) {
            waiting.closer = Some(tokio::spawn(close(Arc::downgrade(&self.0))));
        }
    }
}

/// Closes what waited too long, for as long as anything waits.
async fn close(waiting: Weak<Mutex<Waiting>>) {
    loop {
        let next = {
            let Some(waiting) = waiting.upgrade() else {
                return;
            };
            let mut waiting = lock(&waiting);
            let now = Instant::now();
            let young = waiting
                .idle
                .partition_point(|(since, _)| *since + IDLE <= now);
            waiting.idle.drain(..young);
            let Some((oldest, _)) = waiting.idle.front() else {
                waiting.closer = None;
                return;
            };
            *oldest + IDLE
        };
        sleep_until(next).await;
    }
}

/// A panic while it was held left no connection half put.
fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
