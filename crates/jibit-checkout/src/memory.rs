use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jibit_proto::Timestamp;

use crate::{
    order::{AccountKey, Attempt, Code, Order, OrderNumber, State},
    rules::{Change, schedule},
    store::{Applied, Backlog, Entry, Filter, Fulfilment, NewOrder, Store, StoreError, Urgency},
};

/// A store in memory, for tests and simulations: it is gone with the process.
#[derive(Default)]
pub struct MemoryStore(Mutex<BTreeMap<(AccountKey, OrderNumber), Row>>);

#[derive(Clone)]
struct Row {
    order: Order,
    timeline: Vec<Entry>,
    outbox: Option<Outbox>,
}

#[derive(Clone)]
struct Outbox {
    fulfilment: Fulfilment,
    /// Held by somebody until then.
    held_until: Timestamp,
    fulfilled_at: Option<Timestamp>,
}

type Rows = BTreeMap<(AccountKey, OrderNumber), Row>;

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store with the same rows, as a backup has them.
    #[must_use]
    pub fn backup(&self) -> Self {
        Self(Mutex::new(self.rows().clone()))
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    /// The attempt, if it still has this version.
    fn attempt(&mut self, number: u32, version: u64) -> Option<&mut Attempt> {
        let mut attempts = self.order.attempts.iter_mut();
        attempts.find(|attempt| attempt.number == number && attempt.version == version)
    }

    fn others_slot(&self, number: u32) -> bool {
        (self.order.slot_holder()).is_some_and(|holder| holder.number != number)
    }
}

fn of<'a>(rows: &'a Rows, account: &'a AccountKey) -> impl Iterator<Item = &'a Row> {
    let rows = rows.iter().filter(move |((of, _), _)| of == account);
    rows.map(|(_, row)| row)
}

#[async_trait]
impl Store for MemoryStore {
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError> {
        let mut rows = self.rows();
        let key = (order.account.clone(), order.number.clone());
        let row = rows.entry(key).or_insert_with(|| Row {
            order: Order {
                account: order.account.clone(),
                number: order.number.clone(),
                amount: order.amount,
                terms: order.terms.clone(),
                created_at: order.created_at,
                withdrawn_at: None,
                attempts: Vec::new(),
            },
            timeline: vec![Entry {
                at: order.created_at,
                attempt: None,
                state: None,
                text: Entry::OPENED.to_owned(),
            }],
            outbox: None,
        });
        Ok(row.order.clone())
    }

    async fn order(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        let rows = self.rows();
        let row = rows.get(&(account.clone(), number.clone()));
        Ok(row.map(|row| row.order.clone()))
    }

    async fn by_code(
        &self,
        account: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError> {
        let rows = self.rows();
        let found = of(&rows, account).find_map(|row| {
            let mut attempts = row.order.attempts.iter();
            let attempt = attempts.find(|attempt| attempt.code == code)?;
            Some((row.order.number.clone(), attempt.number))
        });
        Ok(found)
    }

    async fn begin(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let Some(row) = rows.get_mut(&(account.clone(), number.clone())) else {
            return Ok(false);
        };
        let order = &mut row.order;
        if order.withdrawn_at.is_some()
            || order.slot_holder().is_some()
            || order.attempt(attempt.number).is_some()
        {
            return Ok(false);
        }
        order.attempts.push(attempt.clone());
        row.timeline.push(Entry::begun(attempt));
        Ok(true)
    }

    async fn apply(&self, change: &Change) -> Result<Applied, StoreError> {
        let mut rows = self.rows();
        let to = &change.to;
        let others = |with: &dyn Fn(&OrderNumber, &Attempt) -> bool| {
            of(&rows, &change.account).any(|row| {
                let mut attempts = row.order.attempts.iter();
                attempts.any(|it| with(&row.order.number, it))
            })
        };
        let order_id_twice = to.order_id.is_some()
            && others(&|order, it| {
                (order, it.number) != (&change.order, to.number) && it.order_id == to.order_id
            });
        let ref_id_twice = to.ref_id.is_some()
            && others(&|order, it| *order != change.order && it.ref_id == to.ref_id);
        let Some(row) = rows.get_mut(&(change.account.clone(), change.order.clone())) else {
            return Ok(Applied::Stale);
        };
        if to.slot && row.others_slot(to.number)
            || change.takes_slot && row.order.withdrawn_at.is_some()
            || change.fulfils && row.outbox.is_some()
        {
            return Ok(Applied::Stale);
        }
        let Some(attempt) = row.attempt(to.number, change.from) else {
            return Ok(Applied::Stale);
        };
        if order_id_twice {
            return Ok(Applied::OrderIdTwice);
        }
        attempt.clone_from(to);
        row.timeline.extend(Entry::of(change));
        if change.fulfils {
            row.outbox = Some(Outbox {
                fulfilment: Fulfilment {
                    number: change.order.clone(),
                    attempt: to.number,
                    amount: row.order.amount,
                    ref_id: to.ref_id.clone(),
                    paid_at: change.at,
                },
                held_until: Timestamp::default(),
                fulfilled_at: None,
            });
        }
        Ok(Applied::Done { ref_id_twice })
    }

    async fn withdraw(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        let mut rows = self.rows();
        let Some(row) = rows.get_mut(&(account.clone(), number.clone())) else {
            return Ok(None);
        };
        if row.order.slot_holder().is_none() && row.order.withdrawn_at.is_none() {
            row.order.withdrawn_at = Some(at);
            row.timeline.push(Entry {
                at,
                attempt: None,
                state: None,
                text: Entry::WITHDRAWN.to_owned(),
            });
        }
        Ok(Some(row.order.clone()))
    }

    async fn claim(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError> {
        let mut rows = self.rows();
        let rows = rows.iter_mut().filter(|((of, _), _)| of == account);
        let attempts = rows.flat_map(|((_, number), row)| {
            let attempts = row.order.attempts.iter_mut();
            attempts.map(move |attempt| (number, attempt))
        });
        let mut due: Vec<_> = attempts
            .filter(|(_, attempt)| attempt.next_ask.is_some_and(|at| at <= now))
            .collect();
        due.sort_by_key(|(number, attempt)| {
            (Urgency::of(attempt, now), (*number).clone(), attempt.number)
        });
        let taken = due.into_iter().take(limit).map(|(number, attempt)| {
            attempt.next_ask = Some(until);
            (number.clone(), attempt.number)
        });
        Ok(taken.collect())
    }

    async fn take_fulfilments(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        let mut rows = self.rows();
        let rows = rows.iter_mut().filter(|((of, _), _)| of == account);
        let mut open: Vec<_> = rows
            .filter_map(|(_, row)| row.outbox.as_mut())
            .filter(|outbox| outbox.fulfilled_at.is_none() && outbox.held_until <= now)
            .collect();
        open.sort_by_key(|outbox| outbox.fulfilment.paid_at);
        let taken = open.into_iter().take(limit).map(|outbox| {
            outbox.held_until = until;
            outbox.fulfilment.clone()
        });
        Ok(taken.collect())
    }

    async fn fulfilled(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let row = rows.get_mut(&(account.clone(), number.clone()));
        let Some((row, outbox)) =
            row.and_then(|row| Some((&mut row.timeline, row.outbox.as_mut()?)))
        else {
            return Ok(false);
        };
        if outbox.fulfilled_at.is_some() {
            return Ok(false);
        }
        outbox.fulfilled_at = Some(at);
        row.push(Entry {
            at,
            attempt: None,
            state: None,
            text: Entry::FULFILLED.to_owned(),
        });
        Ok(true)
    }

    async fn orders(
        &self,
        account: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        let rows = self.rows();
        let mut orders: Vec<_> = of(&rows, account)
            .map(|row| &row.order)
            .filter(|order| {
                let key = (order.created_at, &order.number);
                let before = filter.before.as_ref();
                before.is_none_or(|(at, number)| key < (*at, number))
            })
            .filter(|order| {
                let has = |with: &dyn Fn(&Attempt) -> bool| order.attempts.iter().any(with);
                (filter.state).is_none_or(|state| has(&|attempt| attempt.state == state))
                    && (filter.alarm)
                        .is_none_or(|alarm| has(&|attempt| attempt.alarms.contains(&alarm)))
            })
            .collect();
        orders.sort_by(|one, other| {
            (other.created_at, &other.number).cmp(&(one.created_at, &one.number))
        });
        Ok(orders.into_iter().take(limit).cloned().collect())
    }

    async fn timeline(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Vec<Entry>, StoreError> {
        let rows = self.rows();
        let row = rows.get(&(account.clone(), number.clone()));
        Ok(row.map(|row| row.timeline.clone()).unwrap_or_default())
    }

    async fn backlog(&self, account: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError> {
        let rows = self.rows();
        let mut backlog = Backlog::default();
        for row in of(&rows, account) {
            let holder = row.order.slot_holder().map(|holder| holder.number);
            for attempt in &row.order.attempts {
                let waits = !attempt.state.is_final()
                    && row.order.withdrawn_at.is_none()
                    && holder.is_none_or(|holder| holder == attempt.number)
                    && (attempt.paid_at).is_some_and(|at| now.since(at) >= schedule::NEAR_DEADLINE);
                backlog.due += u64::from(attempt.next_ask.is_some_and(|at| at <= now));
                backlog.near_deadline += u64::from(waits);
                backlog.undetermined += u64::from(attempt.state == State::VerifyIntent);
                backlog.quarantined += u64::from(matches!(attempt.state, State::Quarantined(_)));
            }
            let open = (row.outbox.as_ref()).is_some_and(|outbox| outbox.fulfilled_at.is_none());
            backlog.unfulfilled += u64::from(open);
        }
        Ok(backlog)
    }

    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        let mut accounts: Vec<_> = (self.rows().keys())
            .map(|(account, _)| account.clone())
            .collect();
        accounts.dedup();
        Ok(accounts)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
