//! Changes that come together are made together: one statement and one commit for
//! those that came while others were under way.
//!
//! Each is made or not by its own conditions, as if it were alone. A change that is in
//! another's way, or that breaks a key, is made again by itself, so that it holds up
//! or spoils nobody else's.

use std::{
    borrow::Cow,
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jibit_proto::RefId;
use tokio::{runtime::Handle, sync::oneshot};
use tokio_postgres::types::ToSql;

use super::{attempt_number, error::Problem, pool::Connections, sql};
use crate::{
    columns::{AttemptColumns, millis, text, whole},
    order::OrderNumber,
    rules::Change,
    store::Applied,
};

/// How many are made together at most.
const TOGETHER: usize = 32;

/// How many statements are under way at most: while one waits for the disk, the
/// next one is prepared.
const AT_WORK: usize = 2;

/// The changes of one store.
pub(super) struct Changes {
    connections: Arc<Connections>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    at_work: usize,
}

struct Waiting {
    change: Change,
    caller: oneshot::Sender<Result<Applied, Problem>>,
}

impl Changes {
    pub(super) fn new(connections: Arc<Connections>) -> Arc<Self> {
        Arc::new(Self {
            connections,
            line: Mutex::default(),
        })
    }

    /// Makes a change, with those that come at the same time.
    pub(super) async fn make(self: &Arc<Self>, change: &Change) -> Result<Applied, Problem> {
        let runtime =
            Handle::try_current().map_err(|_| Problem::new("there is no tokio runtime here"))?;
        let (caller, made) = oneshot::channel();
        let change = change.clone();
        if self.lock().queue(Waiting { change, caller }) {
            // In a task: a caller that is dropped must not take others' changes along.
            runtime.spawn(AtWork::new(self).work());
        }
        let ended = || Problem::new("the runtime ended, and the change may be made all the same");
        made.await.unwrap_or_else(|_| Err(ended()))
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make_together(self: &Arc<Self>, batch: Vec<Waiting>) {
        let changes: Vec<_> = batch.iter().map(|it| &it.change).collect();
        match self.apply(sql::APPLY_TOGETHER, &changes).await {
            Ok(made) => {
                for (waiting, made) in batch.into_iter().zip(made) {
                    match made {
                        Some(applied) => waiting.tell(Ok(applied)),
                        // Somebody else has the order's row just now.
                        None => self.make_alone(waiting),
                    }
                }
            }
            // One of them broke a key, say. None is made.
            Err(problem) if problem.connection_is_good && batch.len() > 1 => {
                batch
                    .into_iter()
                    .for_each(|waiting| self.make_alone(waiting));
            }
            Err(problem) => {
                for waiting in batch {
                    waiting.tell(Err(problem.clone()));
                }
            }
        }
    }

    fn make_alone(self: &Arc<Self>, waiting: Waiting) {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let made = this.apply(sql::APPLY, &[&waiting.change]).await;
            let made = made.map(|made| made.first().copied().flatten());
            waiting.tell(made.map(|made| made.unwrap_or(Applied::Stale)));
        });
    }

    /// What became of each, in their order; nothing where the order's row was not to
    /// be had. They are of one account, and of an order each.
    async fn apply(
        &self,
        sql: &'static str,
        changes: &[&Change],
    ) -> Result<Vec<Option<Applied>>, Problem> {
        let Some(account) = changes.first().map(|it| it.account.as_str()) else {
            return Ok(Vec::new());
        };
        let arrays = Arrays::of(changes);
        let apply = arrays.values(&account);
        let apply = (sql, &apply[..]);
        let (made, twice) = if arrays.ref_id.iter().any(Option::is_some) {
            let twice: [&(dyn ToSql + Sync); 3] = [&account, &arrays.number, &arrays.ref_id];
            let twice = (sql::REF_ID_TWICE, &twice[..]);
            self.connections.query_both(apply, twice).await?
        } else {
            (self.connections.query(apply).await?, Vec::new())
        };
        let mut outcomes = vec![None; changes.len()];
        for row in &made {
            let (place, done): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(outcome) = at(&mut outcomes, place) {
                let ref_id_twice = false;
                match (done, &outcome) {
                    (true, _) => *outcome = Some(Applied::Done { ref_id_twice }),
                    (false, None) => *outcome = Some(Applied::Stale),
                    (false, Some(_)) => {}
                }
            }
        }
        for row in &twice {
            if let Some(Some(Applied::Done { ref_id_twice })) = at(&mut outcomes, row.try_get(0)?) {
                *ref_id_twice = true;
            }
        }
        Ok(outcomes)
    }
}

/// What Postgres calls a place: it counts from 1.
fn at<T>(all: &mut [T], place: i64) -> Option<&mut T> {
    all.get_mut(usize::try_from(place).ok()?.checked_sub(1)?)
}

impl Line {
    /// Whether somebody has to start working.
    fn queue(&mut self, waiting: Waiting) -> bool {
        self.waiting.push_back(waiting);
        let starts = self.at_work < AT_WORK;
        self.at_work += usize::from(starts);
        starts
    }

    /// The next ones that can be made together: of one account, and no order twice.
    fn batch(&mut self) -> Vec<Waiting> {
        let mut batch: Vec<Waiting> = Vec::new();
        let mut orders: HashSet<OrderNumber> = HashSet::new();
        while let Some(next) = self.waiting.front() {
            // What nobody waits for any more is not made.
            if !next.caller.is_closed() {
                let fits = batch.len() < TOGETHER
                    && (batch.first()).is_none_or(|it| it.change.account == next.change.account)
                    && orders.insert(next.change.order.clone());
                if !fits {
                    break;
                }
                batch.extend(self.waiting.pop_front());
            } else {
                self.waiting.pop_front();
            }
        }
        batch
    }
}

impl Waiting {
    fn tell(self, made: Result<Applied, Problem>) {
        // Nobody may be there any more to hear it.
        let _ = self.caller.send(made);
    }
}

/// Whoever makes changes, until none waits.
struct AtWork {
    changes: Arc<Changes>,
    /// Whether it came to its end, and was not dropped with its runtime.
    ended: bool,
}

impl AtWork {
    fn new(changes: &Arc<Changes>) -> Self {
        Self {
            changes: Arc::clone(changes),
            ended: false,
        }
    }

    async fn work(mut self) {
        while let Some(batch) = self.next() {
            self.changes.make_together(batch).await;
        }
    }

    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut line = self.changes.lock();
        let batch = line.batch();
        if batch.is_empty() {
            // Under the lock: who comes now starts another.
            line.at_work -= 1;
            self.ended = true;
            return None;
        }
        Some(batch)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if !self.ended {
            let mut line = self.changes.lock();
            line.at_work -= 1;
            line.waiting.clear();
        }
    }
}

/// A column each, a row a change.
#[derive(Default)]
struct Arrays<'a> {
    number: Vec<&'a str>,
    attempt: Vec<i32>,
    version: Vec<i64>,
    from: Vec<i64>,
    slot: Vec<bool>,
    takes_slot: Vec<bool>,
    fulfils: Vec<bool>,
    state: Vec<&'a str>,
    order_id: Vec<Option<&'a str>>,
    redirect_url: Vec<Option<&'a str>>,
    paid_at: Vec<Option<i64>>,
    seen_at: Vec<Option<i64>>,
    seen: Vec<Option<Cow<'a, str>>>,
    asked_at: Vec<Option<i64>>,
    next_ask: Vec<Option<i64>>,
    ref_id: Vec<Option<&'a str>>,
    alarms: Vec<String>,
    at: Vec<i64>,
    note: Vec<Option<Cow<'a, str>>>,
}

impl<'a> Arrays<'a> {
    fn of(changes: &[&'a Change]) -> Self {
        let mut all = Self::default();
        for change in changes {
            let to = AttemptColumns::of(&change.to);
            all.number.push(change.order.as_str());
            all.attempt.push(attempt_number(change.to.number));
            all.version.push(to.version);
            all.from.push(whole(change.from));
            all.slot.push(change.to.slot);
            all.takes_slot.push(change.takes_slot);
            all.fulfils.push(change.fulfils);
            all.state.push(to.state);
            all.order_id.push(to.order_id);
            all.redirect_url.push(change.to.redirect_url.as_deref());
            all.paid_at.push(to.paid_at);
            all.seen_at.push(to.seen_at);
            all.seen.push(to.seen);
            all.asked_at.push(to.asked_at);
            all.next_ask.push(to.next_ask);
            all.ref_id
                .push(change.to.ref_id.as_ref().map(RefId::as_str));
            all.alarms.push(to.alarms.join(","));
            all.at.push(millis(change.at));
            all.note.push(change.note.as_deref().map(text));
        }
        all
    }

    /// In the order of [`sql::APPLY`]'s parameters.
    fn values<'b>(&'b self, account: &'b &'b str) -> [&'b (dyn ToSql + Sync); 20] {
        [
            account,
            &self.number,
            &self.attempt,
            &self.version,
            &self.from,
            &self.slot,
            &self.takes_slot,
            &self.fulfils,
            &self.state,
            &self.order_id,
            &self.redirect_url,
            &self.paid_at,
            &self.seen_at,
            &self.seen,
            &self.asked_at,
            &self.next_ask,
            &self.ref_id,
            &self.alarms,
            &self.at,
            &self.note,
        ]
    }
}
