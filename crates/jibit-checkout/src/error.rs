use std::{error::Error as StdError, fmt, sync::Arc};

use jibit_proto::{Certainty, Error, InvalidInput};

use crate::StoreError;

/// Why a checkout could not do what it was asked for.
///
/// `Display` is one line without the source's text; walk
/// [`source`](StdError::source) for the rest. Whatever the error, no payment is
/// lost by it: what was stored is asked about again.
#[derive(Clone, Debug)]
pub struct CheckoutError {
    kind: CheckoutErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Why a checkout could not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckoutErrorKind {
    /// The store does not work. What was being written may be written all the same.
    Store,
    /// The gateway gave no orderId, so there is nowhere to send the customer. The
    /// source is the client's error; another start makes another attempt.
    Gateway,
    /// An argument is refused. The source names it.
    InvalidInput,
    /// The order is there already, with another amount.
    OtherAmount,
    /// The order is there already, with other terms.
    OtherTerms,
    /// The order is paid.
    AlreadyPaid,
    /// A payment for the order is being captured, or waits for a person: nobody
    /// knows yet whether it is paid.
    Settling,
    /// The shop withdrew the order.
    Withdrawn,
    /// This account has no such order, or the order no such attempt.
    NoSuchOrder,
    /// The order has had a hundred attempts.
    TooManyAttempts,
    /// The attempt is not in a state in which a person can decide this.
    NothingToDecide,
    /// Others kept changing the order meanwhile. Try again.
    Contended,
}

impl CheckoutErrorKind {
    const fn message(self) -> &'static str {
        match self {
            Self::Store => "the store does not work",
            Self::Gateway => "the payment could not be begun at the gateway",
            Self::InvalidInput => "an argument is not valid",
            Self::OtherAmount => {
                "the order was begun with another amount; give a changed order a number of its own"
            }
            Self::OtherTerms => {
                "the order was begun with other terms; give a changed order a number of its own"
            }
            Self::AlreadyPaid => "the order is paid",
            Self::Settling => "a payment for the order is being settled; ask again later",
            Self::Withdrawn => "the order was withdrawn",
            Self::NoSuchOrder => "this account has no such order or attempt",
            Self::TooManyAttempts => {
                "the order has had a hundred attempts; give it a number of its own"
            }
            Self::NothingToDecide => "the attempt is in no state in which that can be decided",
            Self::Contended => "others kept changing the order; try again",
        }
    }

    /// The kind in a word, for logs and programs: `already-paid`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Gateway => "gateway",
            Self::InvalidInput => "invalid-input",
            Self::OtherAmount => "other-amount",
            Self::OtherTerms => "other-terms",
            Self::AlreadyPaid => "already-paid",
            Self::Settling => "settling",
            Self::Withdrawn => "withdrawn",
            Self::NoSuchOrder => "no-such-order",
            Self::TooManyAttempts => "too-many-attempts",
            Self::NothingToDecide => "nothing-to-decide",
            Self::Contended => "contended",
        }
    }
}

impl fmt::Display for CheckoutErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl CheckoutError {
    /// Why it could not be done.
    #[must_use]
    pub const fn kind(&self) -> CheckoutErrorKind {
        self.kind
    }

    /// What may have changed all the same: in the store, or at the gateway.
    #[must_use]
    pub const fn certainty(&self) -> Certainty {
        match self.kind {
            CheckoutErrorKind::Store | CheckoutErrorKind::Gateway => Certainty::Unknown,
            _ => Certainty::NothingHappened,
        }
    }
}

impl fmt::Display for CheckoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.message())
    }
}

impl StdError for CheckoutError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<CheckoutErrorKind> for CheckoutError {
    fn from(kind: CheckoutErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl From<StoreError> for CheckoutError {
    fn from(error: StoreError) -> Self {
        Self {
            kind: CheckoutErrorKind::Store,
            source: Some(Arc::new(error)),
        }
    }
}

impl From<InvalidInput> for CheckoutError {
    fn from(error: InvalidInput) -> Self {
        Self {
            kind: CheckoutErrorKind::InvalidInput,
            source: Some(Arc::new(error)),
        }
    }
}

impl From<Error> for CheckoutError {
    fn from(error: Error) -> Self {
        Self {
            kind: CheckoutErrorKind::Gateway,
            source: Some(Arc::new(error)),
        }
    }
}
