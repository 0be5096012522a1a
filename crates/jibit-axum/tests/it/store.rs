//! A store that stops working.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::SeqCst},
};

use async_trait::async_trait;
use jibit_checkout::{
    AccountKey, Applied, Attempt, Backlog, Change, Code, Entry, Filter, Fulfilment, MemoryStore,
    NewOrder, Order, OrderNumber, Store, StoreError,
};
use jibit_proto::Timestamp;

#[derive(Clone, Default)]
pub(crate) struct Fragile {
    inside: Arc<MemoryStore>,
    health: Arc<AtomicU8>,
}

const FAILS: u8 = 1;
const HANGS: u8 = 2;

impl Fragile {
    pub(crate) fn fail(&self) {
        self.health.store(FAILS, SeqCst);
    }

    pub(crate) fn hang(&self) {
        self.health.store(HANGS, SeqCst);
    }

    pub(crate) fn heal(&self) {
        self.health.store(0, SeqCst);
    }

    async fn well(&self) -> Result<&MemoryStore, StoreError> {
        match self.health.load(SeqCst) {
            FAILS => Err(StoreError::new("the disk is full")),
            HANGS => std::future::pending().await,
            _ => Ok(&self.inside),
        }
    }
}

#[async_trait]
impl Store for Fragile {
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError> {
        self.well().await?.open(order).await
    }
    async fn order(&self, a: &AccountKey, n: &OrderNumber) -> Result<Option<Order>, StoreError> {
        self.well().await?.order(a, n).await
    }
    async fn by_code(
        &self,
        a: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError> {
        self.well().await?.by_code(a, code).await
    }
    async fn begin(
        &self,
        a: &AccountKey,
        n: &OrderNumber,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        self.well().await?.begin(a, n, attempt).await
    }
    async fn apply(&self, change: &Change) -> Result<Applied, StoreError> {
        self.well().await?.apply(change).await
    }
    async fn withdraw(
        &self,
        a: &AccountKey,
        n: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        self.well().await?.withdraw(a, n, at).await
    }
    async fn claim(
        &self,
        a: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError> {
        self.well().await?.claim(a, now, until, limit).await
    }
    async fn take_fulfilments(
        &self,
        a: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        let inside = self.well().await?;
        inside.take_fulfilments(a, now, until, limit).await
    }
    async fn fulfilled(
        &self,
        a: &AccountKey,
        n: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.well().await?.fulfilled(a, n, at).await
    }
    async fn orders(
        &self,
        a: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        self.well().await?.orders(a, filter, limit).await
    }
    async fn timeline(&self, a: &AccountKey, n: &OrderNumber) -> Result<Vec<Entry>, StoreError> {
        self.well().await?.timeline(a, n).await
    }
    async fn backlog(&self, a: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError> {
        self.well().await?.backlog(a, now).await
    }
    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        self.well().await?.accounts().await
    }
}
