//! What a checkout needs of a database.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use jibit_proto::{RefId, Rial, Timestamp};

use crate::{
    order::{AccountKey, Alarm, Attempt, Code, Order, OrderNumber, State},
    rules::{Change, schedule},
};

/// Where orders live: a few operations, each made whole or not at all, and
/// durable when it returns.
///
/// A store decides nothing. What it must hold on to is in the words of each
/// operation; `jibit_checkout::suite` tests them, on any store.
#[async_trait]
pub trait Store: Send + Sync {
    /// Stores an order that is not there yet, and gives back the stored one.
    ///
    /// # Errors
    ///
    /// If the store does not work; the order may be there all the same.
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError>;

    /// The order of this number with its attempts, if it is this account's.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn order(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError>;

    /// Which order and attempt a callback's code belongs to.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn by_code(
        &self,
        account: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError>;

    /// Adds an attempt, unless the order has one of its number, is withdrawn, or
    /// has an attempt that holds the slot. Says whether it did.
    ///
    /// # Errors
    ///
    /// If the store does not work; the attempt may be there all the same.
    async fn begin(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        attempt: &Attempt,
    ) -> Result<bool, StoreError>;

    /// Makes one change, with its line in the timeline and, if it fulfils, its
    /// row in the outbox, in one transaction.
    ///
    /// # Errors
    ///
    /// If the store does not work; the change may be made all the same.
    async fn apply(&self, change: &Change) -> Result<Applied, StoreError>;

    /// Withdraws an order, unless an attempt holds its slot. Gives back the order
    /// as it is then; nothing if there is none.
    ///
    /// # Errors
    ///
    /// If the store does not work; the order may be withdrawn all the same.
    async fn withdraw(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError>;

    /// Takes attempts whose `next_ask` has come, at most `limit`, the most urgent
    /// first ([`Urgency`]), and moves their `next_ask` to `until`, so that nobody
    /// else takes them before. Their version stays: what somebody else is just
    /// deciding about them counts.
    ///
    /// # Errors
    ///
    /// If the store does not work; some may be taken all the same, until `until`.
    async fn claim(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError>;

    /// Takes paid orders out of the outbox that nobody has fulfilled or holds, at
    /// most `limit`, the oldest first, and holds them until `until`.
    ///
    /// # Errors
    ///
    /// If the store does not work; some may be held all the same, until `until`.
    async fn take_fulfilments(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError>;

    /// Marks an order as fulfilled. Says whether it was in the outbox and had not
    /// been marked before.
    ///
    /// # Errors
    ///
    /// If the store does not work; it may be marked all the same.
    async fn fulfilled(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The orders that a filter lets through, the latest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn orders(
        &self,
        account: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError>;

    /// What happened to an order, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn timeline(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Vec<Entry>, StoreError>;

    /// What waits, counted.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn backlog(&self, account: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError>;

    /// Every account that has orders here.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError>;

    /// The version of the tables, for people; nothing if the store has none.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn schema_version(&self) -> Result<Option<u32>, StoreError> {
        Ok(None)
    }
}

/// An order to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Whose it is.
    pub account: AccountKey,
    /// The shop's own identifier.
    pub number: OrderNumber,
    /// What it costs.
    pub amount: Rial,
    /// What else it was begun with: see [`Purchase::terms`](crate::Purchase::terms).
    pub terms: Option<String>,
    /// When it is first started.
    pub created_at: Timestamp,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was made.
    Done {
        /// Whether another order of the account has the same refId.
        ref_id_twice: bool,
    },
    /// It was not, and nothing changed: the attempt has another version, or the
    /// slot is taken or the order withdrawn. Read it again and decide anew.
    Stale,
    /// It was not: another attempt of the account has this orderId.
    OrderIdTwice,
}

/// A paid order for the shop to fulfil.
///
/// It is handed out until it is marked as fulfilled: at least once. Its number is
/// the key by which the shop knows it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fulfilment {
    /// The shop's order.
    pub number: OrderNumber,
    /// The attempt that was paid.
    pub attempt: u32,
    /// What was paid.
    pub amount: Rial,
    /// The gateway's reference, for people.
    pub ref_id: Option<RefId>,
    /// When it was captured.
    pub paid_at: Timestamp,
}

/// Which orders to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those with an attempt in this state.
    pub state: Option<State>,
    /// Only those with this alarm.
    pub alarm: Option<Alarm>,
    /// Only those made before this instant, and at it with a smaller number: the
    /// last one of the page before.
    pub before: Option<(Timestamp, OrderNumber)>,
}

/// A line of an order's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was decided.
    pub at: Timestamp,
    /// Which attempt it is about; nothing for the order itself.
    pub attempt: Option<u32>,
    /// The state that the attempt came to.
    pub state: Option<State>,
    /// What happened, in words.
    pub text: String,
}

impl Entry {
    /// The text of an order's first line.
    pub const OPENED: &str = "the order was opened";
    /// The text of a withdrawal's line.
    pub const WITHDRAWN: &str = "the shop withdrew the order";
    /// The text of a fulfilment's line.
    pub const FULFILLED: &str = "the shop fulfilled the order";

    /// The line of an attempt that begins.
    #[must_use]
    pub fn begun(attempt: &Attempt) -> Self {
        Self {
            at: attempt.created_at,
            attempt: Some(attempt.number),
            state: Some(attempt.state),
            text: "an attempt began".to_owned(),
        }
    }

    /// The line of a change, if it is worth one.
    #[must_use]
    pub fn of(change: &Change) -> Option<Self> {
        change.note.as_ref().map(|note| Self {
            at: change.at,
            attempt: Some(change.to.number),
            state: Some(change.to.state),
            text: note.clone(),
        })
    }
}

/// What waits in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Attempts that are to be asked about now.
    pub due: u64,
    /// Attempts of which the customer paid ten minutes ago or more, and that
    /// nobody has captured.
    pub near_deadline: u64,
    /// Attempts whose verify may have been sent, and nobody knows.
    pub undetermined: u64,
    /// Attempts that a person has to decide.
    pub quarantined: u64,
    /// Paid orders that are not fulfilled.
    pub unfulfilled: u64,
}

/// How urgent a due attempt is: the smallest first.
///
/// Verifies of which nobody knows, then what may still be within the gateway's
/// window, then the rest; in each, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Urgency {
    /// 0, 1 or 2.
    pub class: u8,
    /// When the attempt was made.
    pub created_at: Timestamp,
}

impl Urgency {
    /// How urgent an attempt is.
    #[must_use]
    pub fn of(attempt: &Attempt, now: Timestamp) -> Self {
        let age = now.since(attempt.created_at);
        Self {
            class: if attempt.state == State::VerifyIntent {
                0
            } else if age < schedule::WINDOW {
                1
            } else {
                2
            },
            created_at: attempt.created_at,
        }
    }
}

/// Why a store does not work.
#[derive(Clone, Debug)]
pub struct StoreError(Arc<dyn Error + Send + Sync>);

impl StoreError {
    /// For this reason.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(source.into()))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store does not work")
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError> {
        (**self).open(order).await
    }

    async fn order(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        (**self).order(account, number).await
    }

    async fn by_code(
        &self,
        account: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError> {
        (**self).by_code(account, code).await
    }

    async fn begin(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        (**self).begin(account, number, attempt).await
    }

    async fn apply(&self, change: &Change) -> Result<Applied, StoreError> {
        (**self).apply(change).await
    }

    async fn withdraw(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        (**self).withdraw(account, number, at).await
    }

    async fn claim(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError> {
        (**self).claim(account, now, until, limit).await
    }

    async fn take_fulfilments(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        (**self).take_fulfilments(account, now, until, limit).await
    }

    async fn fulfilled(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        (**self).fulfilled(account, number, at).await
    }

    async fn orders(
        &self,
        account: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        (**self).orders(account, filter, limit).await
    }

    async fn timeline(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Vec<Entry>, StoreError> {
        (**self).timeline(account, number).await
    }

    async fn backlog(&self, account: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError> {
        (**self).backlog(account, now).await
    }

    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        (**self).accounts().await
    }

    async fn schema_version(&self) -> Result<Option<u32>, StoreError> {
        (**self).schema_version().await
    }
}
