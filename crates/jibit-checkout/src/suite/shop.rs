//! A shop that the cases are about, and what it does.

use std::{collections::BTreeSet, time::Duration};

use jibit_proto::{RefId, Rial, Timestamp};

use super::{Checked, Problem};
use crate::{
    order::{AccountKey, Attempt, Code, Order, OrderNumber, State},
    rules::Change,
    store::{Applied, NewOrder, Store},
};

/// An account of its own in a store.
pub(super) struct Shop<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) account: AccountKey,
    /// For codes, which are unique in a store.
    seed: u128,
}

/// When the cases begin. They have no clock.
pub(super) const BEGIN: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

pub(super) fn after(seconds: u64) -> Timestamp {
    BEGIN + Duration::from_secs(seconds)
}

pub(super) fn number(text: &str) -> Result<OrderNumber, Problem> {
    Ok(OrderNumber::new(text)?)
}

impl<'a> Shop<'a> {
    pub(super) fn new(store: &'a dyn Store, case: &str) -> Result<Self, Problem> {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|error| error.to_string())?;
        let seed = u128::from_le_bytes(seed);
        Ok(Self {
            store,
            account: AccountKey::stored(format!("{case}-{seed:032x}@https://suite.example")),
            seed,
        })
    }

    /// The same store, with another account.
    pub(super) fn neighbour(&self) -> Self {
        Self {
            store: self.store,
            account: AccountKey::stored(format!("neighbour-of-{}", self.account)),
            seed: self.seed.wrapping_add(1 << 64),
        }
    }

    pub(super) fn new_order(&self, name: &str, created: u64) -> Result<NewOrder, Problem> {
        Ok(NewOrder {
            account: self.account.clone(),
            number: number(name)?,
            amount: Rial::new(125_000)?,
            terms: None,
            created_at: after(created),
        })
    }

    pub(super) async fn open(&self, name: &str) -> Result<Order, Problem> {
        Ok(self.store.open(&self.new_order(name, 0)?).await?)
    }

    pub(super) async fn order(&self, name: &str) -> Result<Order, Problem> {
        let order = self.store.order(&self.account, &number(name)?).await?;
        order.ok_or_else(|| format!("{name} is not there").into())
    }

    pub(super) async fn attempt(&self, name: &str, attempt: u32) -> Result<Attempt, Problem> {
        let order = self.order(name).await?;
        let found = order.attempt(attempt).cloned();
        found.ok_or_else(|| format!("attempt {attempt} of {name} is not there").into())
    }

    /// An attempt that was just made. Its code is unique by `code`.
    pub(super) fn fresh(&self, attempt: u32, code: u32) -> Attempt {
        Attempt {
            number: attempt,
            code: Code::new(self.seed.wrapping_add(u128::from(code))),
            state: State::Initiating,
            slot: false,
            order_id: None,
            redirect_url: None,
            mobile_end: "4567".to_owned(),
            created_at: BEGIN,
            paid_at: None,
            seen_at: None,
            seen: None,
            asked_at: None,
            next_ask: Some(after(300)),
            ref_id: None,
            alarms: BTreeSet::new(),
            version: 0,
        }
    }

    /// An order with attempts 1 to `attempts`, whose codes begin at `code`.
    pub(super) async fn begun(&self, name: &str, attempts: u32, code: u32) -> Checked {
        let order = self.open(name).await?;
        for attempt in 1..=attempts {
            let fresh = self.fresh(attempt, code + attempt);
            let begun = self
                .store
                .begin(&self.account, &order.number, &fresh)
                .await?;
            ensure!(begun, "attempt {attempt} of a new order is not begun");
        }
        Ok(())
    }

    /// An order whose attempt was made then and is due at 10,000 s.
    pub(super) async fn aged(&self, name: &str, code: u32, made: u64, state: State) -> Checked {
        let order = self.open(name).await?;
        let mut fresh = self.fresh(1, code);
        fresh.created_at = after(made);
        (self.store)
            .begin(&self.account, &order.number, &fresh)
            .await?;
        let change = self.change(name, 1, |to| {
            to.state = state;
            to.slot = state == State::VerifyIntent;
            to.next_ask = Some(after(10_000));
        });
        self.store.apply(&change.await?).await?;
        Ok(())
    }

    /// A change to an attempt as it is stored now.
    pub(super) async fn change(
        &self,
        name: &str,
        attempt: u32,
        change: impl FnOnce(&mut Attempt),
    ) -> Result<Change, Problem> {
        let mut to = self.attempt(name, attempt).await?;
        let from = to.version;
        change(&mut to);
        to.version = from + 1;
        Ok(Change {
            account: self.account.clone(),
            order: number(name)?,
            from,
            to,
            takes_slot: false,
            fulfils: false,
            ends: false,
            note: None,
            alarms: Vec::new(),
            at: after(1),
        })
    }

    pub(super) async fn take_slot(&self, name: &str, attempt: u32) -> Result<Applied, Problem> {
        let mut change = self
            .change(name, attempt, |to| {
                to.state = State::VerifyIntent;
                to.slot = true;
            })
            .await?;
        change.takes_slot = true;
        Ok(self.store.apply(&change).await?)
    }

    /// Captures an attempt that may take the slot.
    pub(super) async fn pay(
        &self,
        name: &str,
        attempt: u32,
        ref_id: &str,
    ) -> Result<Applied, Problem> {
        let taken = self.take_slot(name, attempt).await?;
        ensure!(is_done(taken), "the slot is not taken: {taken:?}");
        let ref_id = RefId::new(ref_id)?;
        let mut change = self
            .change(name, attempt, |to| {
                to.state = State::Paid;
                to.next_ask = None;
                to.ref_id = Some(ref_id);
            })
            .await?;
        change.fulfils = true;
        Ok(self.store.apply(&change).await?)
    }

    pub(super) async fn outbox(&self, now: u64, until: u64) -> Result<Vec<String>, Problem> {
        let (now, until) = (after(now), after(until));
        let taken = self
            .store
            .take_fulfilments(&self.account, now, until, 10)
            .await?;
        Ok(taken.iter().map(|taken| taken.number.to_string()).collect())
    }

    pub(super) async fn claim(
        &self,
        now: u64,
        until: u64,
        limit: usize,
    ) -> Result<Vec<String>, Problem> {
        let (now, until) = (after(now), after(until));
        let due = self.store.claim(&self.account, now, until, limit).await?;
        let names = due
            .iter()
            .map(|(order, attempt)| format!("{order}-{attempt}"));
        Ok(names.collect())
    }
}

pub(super) const fn is_done(applied: Applied) -> bool {
    matches!(applied, Applied::Done { .. })
}
