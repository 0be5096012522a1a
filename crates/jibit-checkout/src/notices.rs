//! What a shop is to be told by whoever looks after its orders for it.

use std::fmt;

use async_trait::async_trait;
use jibit_proto::Timestamp;

use crate::{
    order::{AccountKey, OrderNumber, UnknownWord},
    store::{Store, StoreError},
};

/// A store that remembers what a shop is to be told, until it was told.
///
/// For a program that tells another one, such as `jibit agent`. A shop that has the
/// checkout in its own process takes
/// [`fulfilments`](crate::Checkout::fulfilments) and reads
/// [`orders`](crate::Checkout::orders), and needs none of it.
///
/// A notice is written in the transaction of what it is about, whichever program makes
/// it. It is handed out at least once, and may be over by then: tell what the store says
/// of the order when you tell it.
#[async_trait]
pub trait Notices: Store {
    /// Has notices be kept of this account from here on: the first of them of what is
    /// paid and not fulfilled. Nothing happens if they are.
    ///
    /// # Errors
    ///
    /// If the store does not work; they may be kept all the same.
    async fn follow(&self, account: &AccountKey) -> Result<(), StoreError>;

    /// Takes notices that nobody has, at most `limit`, those first that have waited
    /// longest, and holds them until `until`.
    ///
    /// # Errors
    ///
    /// If the store does not work; some may be held all the same, until `until`.
    async fn take_notices(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError>;

    /// Has a notice wait until `until`, since the shop did not take it.
    ///
    /// # Errors
    ///
    /// If the store does not work; it then waits until what it was taken for.
    async fn put_off(&self, id: &NoticeId, until: Timestamp) -> Result<(), StoreError>;

    /// Forgets a notice, since the shop took it or it is over. Says whether it was
    /// there.
    ///
    /// # Errors
    ///
    /// If the store does not work; it may be gone all the same.
    async fn told(&self, id: &NoticeId) -> Result<bool, StoreError>;

    /// How many notices wait, whoever has them.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    async fn notices_waiting(&self, account: &AccountKey) -> Result<u64, StoreError>;
}

/// Something that a shop is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What the shop knows it again by.
    pub id: NoticeId,
    /// The order that it is about.
    pub number: OrderNumber,
    /// The attempt that brought it about.
    pub attempt: u32,
    /// What it is about.
    pub kind: NoticeKind,
    /// When that happened, by the clock of whoever keeps the rows.
    pub at: Timestamp,
    /// How often it was taken, with this time: 1 for the first.
    pub tries: u32,
}

/// 128 random bits: the same for each time that a notice is told, and never another
/// one's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NoticeId(String);

impl NoticeId {
    /// The id that a store wrote: 32 hexadecimal digits, whatever stands between them.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn stored(text: &str) -> Result<Self, UnknownWord> {
        let digits: String = text.chars().filter(|&c| c != '-').collect();
        let is_id = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some(Self(digits)).ok_or(UnknownWord)
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticeKind {
    /// The order is paid: fulfil it.
    Paid,
    /// An attempt ended without money. The order may have others.
    NotPaid,
    /// An alarm was raised.
    NeedsPerson,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Paid, Self::NotPaid, Self::NeedsPerson];

    /// The kind as stores write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::NotPaid => "not-paid",
            Self::NeedsPerson => "needs-person",
        }
    }
}

impl std::str::FromStr for NoticeKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text).ok_or(UnknownWord)
    }
}
