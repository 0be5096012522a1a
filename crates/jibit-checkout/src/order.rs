//! An order and its attempts, as a store keeps them.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jibit_client::Account;
use jibit_proto::{
    Expected, InvalidInput, MerchantOrderId, OrderId, OrderStatus, RefId, Rial, Timestamp,
};

/// Whose rows these are, as stores write it: `7746@https://pg.jibit.mobi`. What a
/// store holds of another account, such as a sandbox's, is neither seen nor shipped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey(String);

impl AccountKey {
    /// The key of this merchant at the gateway of this origin.
    #[must_use]
    pub fn new(username: &str, origin: &str) -> Self {
        Self(format!("{username}@{origin}"))
    }

    /// The key that a store wrote.
    #[must_use]
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key as stores write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Account> for AccountKey {
    fn from(account: &Account) -> Self {
        Self::new(&account.username, &account.origin)
    }
}

impl fmt::Display for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The shop's own identifier of an order: letters, digits, `-` and `_`, at most 64.
///
/// An attempt's merchantOrderId is made of it, so it has to survive a gateway.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(String);

impl OrderNumber {
    /// The longest, in letters.
    pub const MAX_LEN: usize = 64;

    /// Takes `text` as it is.
    ///
    /// # Errors
    ///
    /// If it is empty, longer than 64 letters, or holds something else than
    /// `A` to `Z`, `a` to `z`, `0` to `9`, `-` and `_`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidInput> {
        let text = text.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let problem = match text.len() {
            0 => "is empty",
            1..=Self::MAX_LEN if text.bytes().all(fits) => return Ok(Self(text)),
            1..=Self::MAX_LEN => "holds something else than A-Z, a-z, 0-9, - and _",
            _ => "is longer than 64 letters",
        };
        Err(InvalidInput::new(
            "order number",
            problem,
            "give the shop's own number of the order, such as order-17",
        ))
    }

    /// The number's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderNumber {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        Self::new(text)
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A shop's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whose it is.
    pub account: AccountKey,
    /// The shop's own identifier.
    pub number: OrderNumber,
    /// What it costs.
    pub amount: Rial,
    /// What else it was begun with: see [`Purchase::terms`](crate::Purchase::terms).
    pub terms: Option<String>,
    /// When it was first started.
    pub created_at: Timestamp,
    /// When the shop withdrew it, if it did: no attempt captures money after that.
    pub withdrawn_at: Option<Timestamp>,
    /// Every attempt to pay it, the oldest first.
    pub attempts: Vec<Attempt>,
}

/// One order at the gateway, made for a shop's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for an order's first attempt.
    pub number: u32,
    /// What the callback URL carries.
    pub code: Code,
    /// How far it has come.
    pub state: State,
    /// Whether it holds its order's one capture slot.
    pub slot: bool,
    /// The gateway's identifier, from its answer to initiate.
    pub order_id: Option<OrderId>,
    /// Where the customer pays.
    pub redirect_url: Option<String>,
    /// The last four digits of the customer's mobile number.
    pub mobile_end: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the gateway first said that the customer had paid.
    pub paid_at: Option<Timestamp>,
    /// When the gateway last said something about it that could be read.
    pub seen_at: Option<Timestamp>,
    /// What it said.
    pub seen: Option<Seen>,
    /// When somebody last set out to ask.
    pub asked_at: Option<Timestamp>,
    /// When to ask next; never by itself if there is none.
    pub next_ask: Option<Timestamp>,
    /// The gateway's reference of the payment, for people.
    pub ref_id: Option<RefId>,
    /// What was raised about it already.
    pub alarms: BTreeSet<Alarm>,
    /// Counts the changes: a change is made only to the version that it was
    /// decided for.
    pub version: u64,
}

/// The random 128 bits that a callback URL carries. Strangers cannot guess
/// them, so they cannot make a shop ask the gateway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u128);

impl Code {
    /// A code of these bits.
    #[must_use]
    pub const fn new(bits: u128) -> Self {
        Self(bits)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl FromStr for Code {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let is_code = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = is_code
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten();
        bits.map(Self).ok_or(UnknownWord)
    }
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Stored, and initiate may have been sent.
    Initiating,
    /// The gateway gave it an orderId; the customer may pay.
    Open,
    /// Open for a day and never seen paid: asked only when its callback comes.
    Dormant,
    /// Seen paid; a verify may have been sent. Only the gateway ends this.
    VerifyIntent,
    /// Captured; final.
    Paid,
    /// The customer cancelled; final.
    Cancelled,
    /// The gateway cancelled it, and returned what was paid; final.
    Lapsed,
    /// No orderId ever came, so nobody could pay; final.
    Abandoned,
    /// A person has to decide; final for everything else.
    Quarantined(Reason),
    /// It was quarantined, and a person decided that the order may be paid by
    /// another attempt; final.
    Released,
}

/// Why a person has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It was captured, and not by an intent of this store: a restored backup,
    /// or another system with the same account.
    StrangersCapture,
    /// The gateway spoke of another amount or another order.
    Mismatch,
    /// The gateway said that it was captured after it said that it was cancelled.
    Contradiction,
}

/// A text that names no state, alarm or code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored word is not one of this version's")]
pub struct UnknownWord;

impl State {
    /// Every state.
    pub const ALL: [Self; 12] = [
        Self::Initiating,
        Self::Open,
        Self::Dormant,
        Self::VerifyIntent,
        Self::Paid,
        Self::Cancelled,
        Self::Lapsed,
        Self::Abandoned,
        Self::Quarantined(Reason::StrangersCapture),
        Self::Quarantined(Reason::Mismatch),
        Self::Quarantined(Reason::Contradiction),
        Self::Released,
    ];

    /// The state as stores and people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiating => "initiating",
            Self::Open => "open",
            Self::Dormant => "dormant",
            Self::VerifyIntent => "verify-intent",
            Self::Paid => "paid",
            Self::Cancelled => "cancelled",
            Self::Lapsed => "lapsed",
            Self::Abandoned => "abandoned",
            Self::Quarantined(Reason::StrangersCapture) => "quarantined: strangers-capture",
            Self::Quarantined(Reason::Mismatch) => "quarantined: mismatch",
            Self::Quarantined(Reason::Contradiction) => "quarantined: contradiction",
            Self::Released => "released",
        }
    }

    /// Whether nothing but a person can change it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Initiating | Self::Open | Self::Dormant | Self::VerifyIntent
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == text).ok_or(UnknownWord)
    }
}

/// What the gateway said about an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A state.
    Status(OrderStatus),
    /// That it has no such order.
    NoSuchOrder,
}

impl Seen {
    const NO_SUCH_ORDER: &str = "no-such-order";

    /// The gateway's word, or `no-such-order`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::NoSuchOrder => Self::NO_SUCH_ORDER,
        }
    }

    /// What a store wrote.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        match text {
            Self::NO_SUCH_ORDER => Self::NoSuchOrder,
            text => Self::Status(OrderStatus::from_wire(text)),
        }
    }
}

/// What a person should look at. Each has a page in `docs/runbook.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Alarm {
    /// Ten minutes of the gateway's fifteen are over, and nobody knows whether
    /// it is paid, or it is paid and not captured.
    NearDeadline,
    /// A verify may have been sent a day ago, and what became of it is unknown.
    Stuck,
    /// Captured without an intent of this store's.
    StrangersCapture,
    /// The gateway spoke of another amount or another order.
    Mismatch,
    /// Captured and cancelled, by the gateway's own words.
    Contradiction,
    /// The customer had paid, and the gateway returned the money.
    Refunded,
    /// Paid, and not captured while another attempt of the order is unclear.
    SiblingUnclear,
    /// A callback with this attempt's code came with another orderId.
    UnknownOrder,
    /// The gateway gave two orders the same refId.
    RefIdTwice,
    /// The gateway gave two attempts the same orderId.
    OrderIdTwice,
}

impl Alarm {
    /// Every alarm.
    pub const ALL: [Self; 10] = [
        Self::NearDeadline,
        Self::Stuck,
        Self::StrangersCapture,
        Self::Mismatch,
        Self::Contradiction,
        Self::Refunded,
        Self::SiblingUnclear,
        Self::UnknownOrder,
        Self::RefIdTwice,
        Self::OrderIdTwice,
    ];

    /// The alarm's name in logs, metrics and the runbook.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NearDeadline => "near-deadline",
            Self::Stuck => "stuck",
            Self::StrangersCapture => "strangers-capture",
            Self::Mismatch => "mismatch",
            Self::Contradiction => "contradiction",
            Self::Refunded => "refunded",
            Self::SiblingUnclear => "sibling-unclear",
            Self::UnknownOrder => "unknown-order",
            Self::RefIdTwice => "ref-id-twice",
            Self::OrderIdTwice => "order-id-twice",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Alarm {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let mut all = Self::ALL.into_iter();
        all.find(|alarm| alarm.as_str() == text).ok_or(UnknownWord)
    }
}

/// What an order comes to, for the customer's eyes and the shop's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// Captured: the shop owes the goods.
    Paid,
    /// Every attempt ended without money, by the gateway's own word.
    NotPaid,
    /// Nobody knows yet; or the customer has yet to pay.
    Asking,
    /// The shop withdrew it: whoever pays now gets the money back.
    Withdrawn,
}

impl Standing {
    /// The standing in a word: `paid`, `not-paid`, `asking` or `withdrawn`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::NotPaid => "not-paid",
            Self::Asking => "asking",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Order {
    /// The attempt with this number.
    #[must_use]
    pub fn attempt(&self, number: u32) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| attempt.number == number)
    }

    /// The attempt that holds the capture slot.
    #[must_use]
    pub fn slot_holder(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.slot)
    }

    /// What the order comes to.
    #[must_use]
    pub fn standing(&self) -> Standing {
        // A callback named an order of which only a person can say whether it is ours.
        let in_doubt = |it: &Attempt| it.alarms.contains(&Alarm::UnknownOrder);
        let came_to_nothing = |it: &Attempt| {
            matches!(
                it.state,
                State::Cancelled | State::Lapsed | State::Abandoned
            ) && !in_doubt(it)
        };
        match self.slot_holder().map(|holder| holder.state) {
            Some(State::Paid) => Standing::Paid,
            Some(_) => Standing::Asking,
            None if self.withdrawn_at.is_some() => Standing::Withdrawn,
            None if self.attempts.iter().all(came_to_nothing) => Standing::NotPaid,
            None => Standing::Asking,
        }
    }

    /// What the gateway's answers about an attempt are held against.
    ///
    /// # Errors
    ///
    /// Never, for an order's number that was checked.
    pub(crate) fn expected(&self, attempt: u32) -> Result<Expected, InvalidInput> {
        Ok(Expected {
            amount: self.amount,
            merchant_order_id: self.merchant_order_id(attempt)?,
        })
    }

    /// The merchantOrderId of an attempt: `{order}-{number}`.
    ///
    /// # Errors
    ///
    /// Never, for an order's number that was checked.
    pub fn merchant_order_id(&self, attempt: u32) -> Result<MerchantOrderId, InvalidInput> {
        MerchantOrderId::new(format!("{}-{attempt}", self.number))
    }
}
