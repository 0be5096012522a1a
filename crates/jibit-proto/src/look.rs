use crate::{
    Error, MerchantOrderId, OrderId, OrderStatus, Rial,
    flow::{Ask, Flow, Progress, Reply},
    wire::{Payment, inquiry::Inquired},
};

/// What the shop stored for an order: the measure of every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The amount that initiate registered.
    pub amount: Rial,
    /// The merchantOrderId that initiate registered.
    pub merchant_order_id: MerchantOrderId,
}

/// A payment that the gateway confirmed for us, compared with what was stored.
///
/// Whether it is *newly* paid is the shop's store to say: the gateway may
/// answer success any number of times.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Receipt {
    /// The gateway's order.
    pub order_id: OrderId,
    /// What was stored and is now confirmed.
    pub expected: Expected,
    /// The gateway's own words, with the refId if it sent one.
    pub payment: Payment,
}

/// An answer about another amount or another order than the stored one. Money
/// must not move on it, and a person should look.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mismatch {
    /// What was stored.
    pub expected: Expected,
    /// The state that the gateway names; an answer to verify names none.
    pub status: Option<OrderStatus>,
    /// What the gateway says instead.
    pub payment: Payment,
}

/// Proof that an inquiry showed `PURCHASE_BY_USER` with the stored amount and
/// merchantOrderId: the only thing that [`Capture`](crate::Capture) takes.
///
/// Only [`Look`] makes one, and it is used up: no verify without a look.
#[derive(Debug)]
pub struct Payable {
    pub(crate) order_id: OrderId,
    pub(crate) expected: Expected,
    pub(crate) seen: Inquired,
}

impl Payable {
    /// The order that can be captured.
    #[must_use]
    pub fn order_id(&self) -> &OrderId {
        &self.order_id
    }
}

/// What a look found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Sighting {
    /// Paid and not verified: it may be captured.
    Payable(Payable),
    /// Paid and verified. Without an own verify before, somebody else's.
    Confirmed(Receipt),
    /// Not paid *yet*: ask again until the gateway says cancelled.
    Pending(Inquired),
    /// The gateway cancelled; final.
    NotPaid(Inquired),
    /// The gateway speaks of another amount or order.
    Mismatch(Mismatch),
    /// A state that nobody knows, or one that does not say what was paid:
    /// keep the order, do not verify, look again later.
    Undetermined(Inquired),
}

impl Sighting {
    /// The sighting in a word: `payable`, `confirmed`, `pending`, `not-paid`,
    /// `mismatch` or `undetermined`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Payable(_) => "payable",
            Self::Confirmed(_) => "confirmed",
            Self::Pending(_) => "pending",
            Self::NotPaid(_) => "not-paid",
            Self::Mismatch(_) => "mismatch",
            Self::Undetermined(_) => "undetermined",
        }
    }
}

/// Asks once for the state of an order and compares the answer with what was
/// stored. It changes nothing at the gateway.
#[derive(Debug)]
pub struct Look {
    order_id: OrderId,
    expected: Expected,
}

impl Look {
    /// A look at the order that was stored together with `expected`.
    #[must_use]
    pub const fn new(order_id: OrderId, expected: Expected) -> Self {
        Self { order_id, expected }
    }

    /// What the gateway's answer is for the stored order.
    fn judge(&self, seen: Inquired) -> Sighting {
        let order_id = self.order_id.clone();
        let expected = self.expected.clone();
        let comparison = compare(&expected, &seen.payment);
        match (&seen.status, comparison) {
            (_, Comparison::Differs) => Sighting::Mismatch(Mismatch {
                expected,
                status: Some(seen.status),
                payment: seen.payment,
            }),
            (OrderStatus::Initial | OrderStatus::PgEntry, _) => Sighting::Pending(seen),
            (OrderStatus::CancelByUser | OrderStatus::CancelBySystem, _) => Sighting::NotPaid(seen),
            (OrderStatus::PurchaseByUser, Comparison::Ours) => Sighting::Payable(Payable {
                order_id,
                expected,
                seen,
            }),
            (OrderStatus::PurchaseConfirmByMerchant, Comparison::Ours) => {
                Sighting::Confirmed(Receipt {
                    order_id,
                    expected,
                    payment: seen.payment,
                })
            }
            // Money is spoken of, and not whose or how much; or nobody knows of what.
            (
                OrderStatus::PurchaseByUser
                | OrderStatus::PurchaseConfirmByMerchant
                | OrderStatus::Other(_),
                _,
            ) => Sighting::Undetermined(seen),
        }
    }
}

impl Flow for Look {
    type Output = Result<Sighting, Error>;

    fn ask(&self) -> Ask<'_> {
        Ask::Inquiry(&self.order_id)
    }

    fn advance(&mut self, reply: Result<Reply, Error>) -> Progress<Self::Output> {
        Progress::Done(match reply {
            Ok(Reply::Inquired(inquired)) => Ok(self.judge(inquired)),
            Ok(_) => Err(Error::other_question()),
            Err(error) => Err(error),
        })
    }

    fn expire(&mut self, cause: Error) -> Self::Output {
        Err(cause)
    }
}

/// How a payment compares with what was stored.
pub(crate) enum Comparison {
    Ours,
    Differs,
    /// It leaves out what would have to be compared.
    Silent,
}

pub(crate) fn compare(expected: &Expected, payment: &Payment) -> Comparison {
    let amount = payment.amount().map(|amount| amount == expected.amount);
    let id = payment
        .merchant_order_id()
        .map(|echo| expected.merchant_order_id.is_echoed_by(echo));
    match (amount, id) {
        (Some(true), Some(true)) => Comparison::Ours,
        (Some(false), _) | (_, Some(false)) => Comparison::Differs,
        _ => Comparison::Silent,
    }
}
