//! Holds what is stored against what the gateway says, and changes nothing.

use jibit_proto::{Error, ErrorKind, Sighting};

use super::Checkout;
use crate::{
    CheckoutError,
    order::{Attempt, Order, State},
};

/// How an attempt compares with the gateway's own word.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Audited {
    /// Both say the same, or what is stored will follow by itself.
    Agrees,
    /// They do not agree, and a person should look.
    Disagrees {
        /// What the gateway says, in a word: `confirmed`, `not-paid`, `mismatch`, …
        gateway: &'static str,
        /// What that means.
        meaning: &'static str,
    },
    /// The gateway gave no answer that says anything.
    Unanswered(Error),
    /// The attempt has no orderId, so there is nothing to ask about.
    NothingToAsk,
}

impl Checkout {
    /// Asks the gateway about an attempt and compares its answer with what is
    /// stored. It changes neither.
    ///
    /// # Errors
    ///
    /// If the order's number cannot be a merchantOrderId.
    pub async fn audit(&self, order: &Order, attempt: &Attempt) -> Result<Audited, CheckoutError> {
        let Some(id) = attempt.order_id.clone() else {
            return Ok(Audited::NothingToAsk);
        };
        let expected = order.expected(attempt.number)?;
        Ok(match self.client.look(id, expected).await {
            Ok(sighting) => compare(attempt, &sighting),
            Err(error) if error.kind() == ErrorKind::NoSuchOrder => Audited::Disagrees {
                gateway: "no-such-order",
                meaning: "the gateway does not know an order that it gave us",
            },
            Err(error) => Audited::Unanswered(error),
        })
    }
}

fn compare(attempt: &Attempt, sighting: &Sighting) -> Audited {
    let meaning = match (sighting, attempt.state) {
        (Sighting::Confirmed(_), State::Paid) => return Audited::Agrees,
        // The next ask finds it.
        (Sighting::Confirmed(_), State::VerifyIntent) => return Audited::Agrees,
        (Sighting::Confirmed(_), _) => {
            "the money was captured, and this store does not have it as paid"
        }
        (_, State::Paid) => "stored as paid, and the gateway does not say that it was captured",
        (Sighting::Mismatch(_), _) => "the gateway speaks of another amount or another order",
        (Sighting::Payable(_) | Sighting::Pending(_), State::Cancelled | State::Lapsed) => {
            "stored as over, and the gateway still has it open"
        }
        _ => return Audited::Agrees,
    };
    Audited::Disagrees {
        gateway: sighting.as_str(),
        meaning,
    }
}
