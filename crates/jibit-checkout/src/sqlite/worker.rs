//! A thread with a connection, and what it is given to do.
//!
//! One thread writes and one reads. The writer takes what has come together while it
//! waited for the disk, and commits it at once: as many changes as there are callers
//! cost one fsync.

use std::{
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use futures_channel::oneshot;
use rusqlite::Connection;

use super::{error::Problem, schema::Place};

/// How many changes are committed together at most.
const TOGETHER: usize = 256;

pub(super) struct Worker {
    jobs: Sender<Box<dyn Job>>,
}

/// Something to do on the connection, and whom to tell.
trait Job: Send {
    /// Does it; anew, if what it wrote before was rolled back.
    fn work(&mut self, connection: &Connection) -> Result<(), Problem>;

    /// Tells the result, if what it wrote was committed.
    fn tell(self: Box<Self>, committed: Result<(), Problem>);
}

struct Task<T, F> {
    work: F,
    result: Result<T, Problem>,
    caller: oneshot::Sender<Result<T, Problem>>,
}

fn ended() -> Problem {
    Problem::new("the store's thread has ended: open the store anew")
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, Problem> + Send,
{
    fn work(&mut self, connection: &Connection) -> Result<(), Problem> {
        self.result = (self.work)(connection);
        self.result.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    fn tell(self: Box<Self>, committed: Result<(), Problem>) {
        // Nobody may be there any more to hear it.
        let _ = self.caller.send(committed.and(self.result));
    }
}

impl Worker {
    /// Starts a thread that writes with what `open` opens, as long as it is still at its
    /// place.
    pub(super) async fn writer(
        open: impl FnOnce() -> Result<(Connection, Place), Problem> + Send + 'static,
    ) -> Result<Self, Problem> {
        Self::start("jibit-store-writer", open, |(connection, place), jobs| {
            while let Ok(first) = jobs.recv() {
                commit_together(connection, place, first, jobs);
            }
        })
        .await
    }

    /// Starts a thread that reads with what `open` opens.
    pub(super) async fn reader(
        open: impl FnOnce() -> Result<Connection, Problem> + Send + 'static,
    ) -> Result<Self, Problem> {
        Self::start("jibit-store-reader", open, |connection, jobs| {
            while let Ok(mut job) = jobs.recv() {
                let _ = job.work(connection);
                job.tell(Ok(()));
            }
        })
        .await
    }

    async fn start<O: 'static>(
        name: &str,
        open: impl FnOnce() -> Result<O, Problem> + Send + 'static,
        work: fn(&O, &Receiver<Box<dyn Job>>),
    ) -> Result<Self, Problem> {
        let (jobs, waiting) = mpsc::channel();
        let (caller, opened) = oneshot::channel();
        let thread = move || match open() {
            Ok(opened) => {
                if caller.send(Ok(())).is_ok() {
                    work(&opened, &waiting);
                }
            }
            Err(problem) => {
                let _ = caller.send(Err(problem));
            }
        };
        (thread::Builder::new().name(name.to_owned()).spawn(thread))
            .map_err(|error| Problem::new(format!("there is no thread for the store: {error}")))?;
        opened.await.unwrap_or_else(|_| Err(ended()))?;
        Ok(Self { jobs })
    }

    /// Has the thread do this. If nobody waits for it any more, it is done all the
    /// same.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (caller, told) = oneshot::channel();
        let job = Task {
            work,
            result: Err(ended()),
            caller,
        };
        self.jobs.send(Box::new(job)).map_err(|_| ended())?;
        told.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// Does `first` and what waits behind it in one transaction, and tells all of them
/// when it is on the disk.
fn commit_together(
    connection: &Connection,
    place: &Place,
    first: Box<dyn Job>,
    jobs: &Receiver<Box<dyn Job>>,
) {
    let mut batch = vec![first];
    let committed = (place.check()).and_then(|()| transaction(connection, &mut batch, jobs));
    if committed.is_err() && !connection.is_autocommit() {
        // If even that fails, the next BEGIN says so.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for job in batch {
        job.tell(committed.clone());
    }
}

fn transaction(
    connection: &Connection,
    batch: &mut Vec<Box<dyn Job>>,
    jobs: &Receiver<Box<dyn Job>>,
) -> Result<(), Problem> {
    if as_they_come(connection, batch, jobs)? {
        return Ok(());
    }
    each_by_itself(connection, batch)
}

fn run(connection: &Connection, sql: &str) -> Result<(), Problem> {
    Ok(connection.prepare_cached(sql)?.execute([]).map(drop)?)
}

// It is the writer from here on: what it reads is not over when it writes.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// Does the batch, and what joins it meanwhile. If one of them fails, nothing has been
/// done, and this says `false`.
fn as_they_come(
    connection: &Connection,
    batch: &mut Vec<Box<dyn Job>>,
    jobs: &Receiver<Box<dyn Job>>,
) -> Result<bool, Problem> {
    run(connection, BEGIN)?;
    while let Some(job) = batch.last_mut() {
        if job.work(connection).is_err() {
            // A full disk may have ended it.
            if !connection.is_autocommit() {
                run(connection, "ROLLBACK")?;
            }
            return Ok(false);
        }
        if batch.len() == TOGETHER {
            break;
        }
        match jobs.try_recv() {
            Ok(next) => batch.push(next),
            Err(_) => break,
        }
    }
    run(connection, "COMMIT")?;
    Ok(true)
}

/// Does the batch so that what fails takes nothing with it. Each job's savepoint costs a
/// copy of what it changes, so this is for when one of them has failed.
fn each_by_itself(connection: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Problem> {
    run(connection, BEGIN)?;
    for job in batch {
        run(connection, "SAVEPOINT job")?;
        if let Err(problem) = job.work(connection) {
            if connection.is_autocommit() {
                return Err(problem);
            }
            run(connection, "ROLLBACK TO job")?;
        }
        run(connection, "RELEASE job")?;
    }
    run(connection, "COMMIT")
}
