//! The store, a step before and after each of its operations.

use std::sync::Arc;

use async_trait::async_trait;
use jibit_checkout::{
    AccountKey, Applied, Attempt, Backlog, Change, Code, Entry, Filter, Fulfilment, MemoryStore,
    NewOrder, Order, OrderNumber, State, Store, StoreError,
};
use jibit_client::Timestamp;

use crate::{
    mistake::Mistake,
    world::{Point, World},
};

pub(crate) struct Steps {
    pub(crate) world: World,
    pub(crate) host: usize,
}

impl Steps {
    async fn before(&self, operation: &'static str) -> Arc<MemoryStore> {
        self.world.step(self.host, Point::Before(operation)).await;
        self.world.sees(self.host, operation, World::store_in_words);
        Arc::clone(&self.world.state().store)
    }

    async fn after<T>(&self, operation: &'static str, written: T) -> T {
        self.world.changed();
        self.world.step(self.host, Point::After(operation)).await;
        written
    }

    /// Has the first attempt's place taken by the second.
    async fn overwrite(&self, store: &MemoryStore, account: &AccountKey, number: &OrderNumber) {
        let Ok(Some(order)) = store.order(account, number).await else {
            return;
        };
        for attempt in order.attempts.iter().filter(|it| !it.state.is_final()) {
            let mut to = attempt.clone();
            to.version += 1;
            to.state = State::Abandoned;
            to.next_ask = None;
            let change = change(&order, attempt, to, self.world.now());
            let _ = store.apply(&change).await;
        }
    }
}

/// A change of an attempt that no rule decided.
pub(crate) fn change(order: &Order, was: &Attempt, to: Attempt, at: Timestamp) -> Change {
    Change {
        account: order.account.clone(),
        order: order.number.clone(),
        from: was.version,
        takes_slot: to.slot && !was.slot,
        fulfils: to.state == State::Paid,
        ends: to.state.is_final(),
        to,
        note: None,
        alarms: Vec::new(),
        at,
    }
}

#[async_trait]
impl Store for Steps {
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError> {
        let opened = self.before("open").await.open(order).await;
        self.after("open", opened).await
    }

    async fn order(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        let mut read = self.before("order").await.order(account, number).await;
        let state = self.world.state();
        if let (Some(mistake), Ok(Some(order))) = (state.mistake, &mut read) {
            mistake.misread(order);
        }
        read
    }

    async fn by_code(
        &self,
        account: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError> {
        self.before("by_code").await.by_code(account, code).await
    }

    async fn begin(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        let store = self.before("begin").await;
        if self.world.makes(Mistake::InitiateOverwrites) {
            self.overwrite(&store, account, number).await;
        }
        let begun = store.begin(account, number, attempt).await;
        self.world.note(self.host, "begins", || {
            format!("{number} attempt {}", attempt.number)
        });
        self.after("begin", begun).await
    }

    async fn apply(&self, change: &Change) -> Result<Applied, StoreError> {
        let store = self.before("apply").await;
        let was = store.order(&change.account, &change.order).await?;
        let Some(was) = was else {
            return store.apply(change).await;
        };
        let spoilt = {
            let state = self.world.state();
            state.mistake.map(|mistake| {
                let mut change = change.clone();
                let id = change.to.order_id.as_ref();
                let failed = id.and_then(|id| state.failed.get(id.as_str()));
                mistake.spoil(&mut change, &was, failed.copied());
                change
            })
        };
        let change = spoilt.as_ref().unwrap_or(change);
        if change.to.state == State::VerifyIntent && self.world.makes(Mistake::IntentUnsaved) {
            return Ok(Applied::Done {
                ref_id_twice: false,
            });
        }
        let applied = store.apply(change).await;
        let is_done = matches!(applied, Ok(Applied::Done { .. }));
        self.world.note(self.host, change.to.state.as_str(), || {
            let how = if is_done { "" } else { ", too late" };
            format!("{} attempt {}{how}", change.order, change.to.number)
        });
        if is_done {
            self.world.state().witness.changed(&was, change);
        }
        self.after("apply", applied).await
    }

    async fn withdraw(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        let store = self.before("withdraw").await;
        let withdrawn = store.withdraw(account, number, at).await;
        self.after("withdraw", withdrawn).await
    }

    async fn claim(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError> {
        let store = self.before("claim").await;
        let claimed = store.claim(account, now, until, limit).await;
        if claimed.as_ref().is_ok_and(Vec::is_empty) {
            return claimed;
        }
        self.after("claim", claimed).await
    }

    async fn take_fulfilments(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        let store = self.before("take_fulfilments").await;
        let taken = store.take_fulfilments(account, now, until, limit).await;
        if taken.as_ref().is_ok_and(Vec::is_empty) {
            return taken;
        }
        self.after("take_fulfilments", taken).await
    }

    async fn fulfilled(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let store = self.before("fulfilled").await;
        let marked = if self.world.makes(Mistake::FulfilledUnmarked) {
            Ok(true)
        } else {
            store.fulfilled(account, number, at).await
        };
        if matches!(marked, Ok(true)) {
            self.world.state().witness.mark(number.as_str());
        }
        self.after("fulfilled", marked).await
    }

    async fn orders(
        &self,
        account: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        let store = self.before("orders").await;
        store.orders(account, filter, limit).await
    }

    async fn timeline(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Vec<Entry>, StoreError> {
        self.before("timeline")
            .await
            .timeline(account, number)
            .await
    }

    async fn backlog(&self, account: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError> {
        self.before("backlog").await.backlog(account, now).await
    }

    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        self.before("accounts").await.accounts().await
    }
}
