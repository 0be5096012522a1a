//! What must hold, seen as it happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use jibit_checkout::{Change, Order, State};
use jibit_client::{OrderId, Timestamp};
use jibit_sandbox::Operation;

use crate::rows::{self, Row};

/// Sees what hosts do, and keeps what does not hold.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) violations: Vec<String>,
    /// Orders whose goods left.
    pub(crate) handed: BTreeSet<String>,
    /// How often the store took a fulfilment for new.
    pub(crate) marked: BTreeMap<String, u32>,
    /// Who renews tokens just now.
    renewing: BTreeSet<usize>,
    /// How many of a host's looks at an order showed our payment, not captured, and
    /// led to no verify yet.
    looked: BTreeMap<(usize, String), u32>,
    /// What may have been initiated without an answer, by merchantOrderId.
    unknown: BTreeSet<String>,
    /// Refresh requests that may have arrived without an answer.
    lost: BTreeSet<Bytes>,
    /// Orders that were put in the outbox.
    fulfilled: BTreeSet<String>,
    /// Orders of the gateway's of which it said what is not so.
    pub(crate) slandered: BTreeSet<String>,
    /// What customers paid, by the gateway's id.
    pub(crate) payments: BTreeMap<String, Payment>,
    /// Orders that were withdrawn, as the shop was told.
    pub(crate) withdrawn: BTreeSet<String>,
}

/// A payment of a customer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment {
    pub(crate) at: Timestamp,
    /// When the gateway gives it back if nobody captures it.
    pub(crate) until: Timestamp,
}

impl Witness {
    pub(crate) fn expect(&mut self, holds: bool, rule: &str, what: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(format!("{rule}: {}", what()));
        }
    }

    pub(crate) fn hand(&mut self, number: &str) {
        self.handed.insert(number.to_owned());
    }

    pub(crate) fn mark(&mut self, number: &str) {
        *self.marked.entry(number.to_owned()).or_default() += 1;
    }

    /// S12: a session renews its tokens once at a time.
    pub(crate) fn renews(&mut self, host: usize, begins: bool) {
        if begins {
            let is_first = self.renewing.insert(host);
            self.expect(is_first, "S12", || {
                format!("host {host} renews twice at once")
            });
        } else {
            self.renewing.remove(&host);
        }
    }

    /// S1, S6, S8, S15 and S16, at each change that was made to what `was`.
    pub(crate) fn changed(&mut self, was: &Order, change: &Change) {
        let (number, to) = (&was.number, &change.to);
        let Some(attempt) = was.attempt(to.number) else {
            return;
        };
        let stays = attempt.state != State::Paid || to.state == State::Paid;
        self.expect(stays, "S6", || {
            format!("{number} was paid and is {}", to.state)
        });
        let holder = was.slot_holder().map(|holder| holder.number);
        let is_free = !to.slot || holder.is_none_or(|holder| holder == to.number);
        self.expect(is_free, "S8", || format!("{number} has two slots"));
        let takes = to.state == State::VerifyIntent && attempt.state != State::VerifyIntent;
        self.expect(!takes || to.slot, "S8", || {
            format!("{number} captures without the slot")
        });
        let may = !takes || was.withdrawn_at.is_none();
        self.expect(may, "S8", || {
            format!("{number} was withdrawn and takes the slot")
        });
        let becomes_paid = to.state == State::Paid && attempt.state != State::Paid;
        let is_ours = !becomes_paid || attempt.state == State::VerifyIntent;
        self.expect(is_ours, "S15", || {
            format!("{number} was {} and is paid", attempt.state)
        });
        if change.fulfils {
            let is_first = self.fulfilled.insert(number.to_string());
            self.expect(is_first, "S1", || {
                format!("{number} is in the outbox twice")
            });
        }
        let pause = |(one, other): (Timestamp, Timestamp)| {
            let again = to.asked_at != attempt.asked_at && other >= one;
            again.then(|| other.since(one))
        };
        let pause = attempt.asked_at.zip(to.asked_at).and_then(pause);
        let is_calm = pause.is_none_or(|pause| pause >= COALESCED);
        self.expect(is_calm, "S16", || {
            format!("callbacks of {number} made two asks within {pause:?}")
        });
    }

    /// A backup knows nothing of what happened after it.
    pub(crate) fn restored(&mut self) {
        self.fulfilled.clear();
        self.unknown.clear();
    }

    pub(crate) fn died(&mut self, host: usize) {
        self.looked.retain(|(other, _), _| *other != host);
    }

    /// S5 and S7: a verify leaves only after a look, for an attempt whose intent is
    /// stored. A second one needs a second look.
    pub(crate) fn verify_leaves(&mut self, host: usize, all: &[Order], id: &str) {
        let mut attempts = all.iter().flat_map(|order| &order.attempts);
        let is_ours = |order_id: &OrderId| order_id.as_str() == id;
        let found = attempts.find(|attempt| attempt.order_id.as_ref().is_some_and(is_ours));
        let intends = found.is_some_and(|attempt| {
            !matches!(
                attempt.state,
                State::Initiating | State::Open | State::Dormant
            )
        });
        self.expect(intends, "S7", || {
            format!("verify of {id} leaves without an intent")
        });
        let looks = self.looked.entry((host, id.to_owned())).or_default();
        let has_looked = *looks > 0;
        *looks = looks.saturating_sub(1);
        self.expect(has_looked, "S5", || {
            format!("verify of {id} leaves, and host {host} has seen no payment before")
        });
    }

    /// A request came to its end in this row, after so long.
    pub(crate) fn ended(
        &mut self,
        host: usize,
        operation: Operation,
        id: &str,
        row: Row,
        took: Duration,
    ) {
        self.expect(took <= ATTEMPT, "S11", || {
            format!("{} was waited for {took:?}", operation.as_str())
        });
        let may_verify = matches!(
            (operation, row),
            (Operation::Inquiry, Row::Payable) | (Operation::Verify, Row::NotSent)
        );
        if may_verify {
            *self.looked.entry((host, id.to_owned())).or_default() += 1;
        }
        if row == Row::Differs {
            self.slandered.insert(id.to_owned());
        }
    }

    /// Nobody is asked again to initiate what may be initiated.
    pub(crate) fn initiate_is_unknown(&mut self, body: &Bytes) {
        self.unknown.extend(merchant_order_id(body));
    }

    /// A refresh token that may be used up.
    pub(crate) fn refresh_is_lost(&mut self, body: &Bytes) {
        self.lost.insert(body.clone());
    }

    pub(crate) fn refresh_leaves(&mut self, body: &Bytes) {
        let is_new = !self.lost.contains(body);
        self.expect(is_new, "refresh", || {
            "a refresh token is used again that may be used up".to_owned()
        });
    }

    /// S7: an initiate leaves only for an attempt that is stored, and once.
    pub(crate) fn initiate_leaves(&mut self, all: &[Order], body: &Bytes) {
        let asked = merchant_order_id(body).unwrap_or_default();
        let is_there = all.iter().any(|order| {
            order.attempts.iter().any(|attempt| {
                let id = order.merchant_order_id(attempt.number);
                id.is_ok_and(|id| id.as_str() == asked)
            })
        });
        self.expect(is_there, "S7", || {
            format!("initiate leaves for {asked}, which is not stored")
        });
        let is_new = !self.unknown.contains(&asked);
        self.expect(is_new, "initiate", || {
            format!("{asked} may be initiated twice")
        });
    }
}

fn merchant_order_id(body: &Bytes) -> Option<String> {
    let id = rows::field(std::str::from_utf8(body).ok()?, "merchantOrderId")?;
    Some(id.trim_matches('"').to_owned())
}

/// How long one request may take, S11.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Callbacks of one attempt cause no more than one ask in so long, S16.
const COALESCED: Duration = Duration::from_secs(2);
