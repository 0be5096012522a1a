//! What must hold, seen as it happens and at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use jibit_checkout::{Attempt, Change, Order, Reason, State};
use jibit_client::Timestamp;
use jibit_sandbox::{Gateway, State as GatewayState};

use crate::{
    history::END,
    plan::Plan,
    rows::{self, Operation, Row},
    shop,
    world::{BEGIN, World},
};

/// Sees what hosts do, and keeps what does not hold.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) violations: Vec<String>,
    /// Orders whose goods left.
    handed: BTreeSet<String>,
    /// How often the store took a fulfilment for new.
    marked: BTreeMap<String, u32>,
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
        let is_ours = |order_id: &jibit_client::OrderId| order_id.as_str() == id;
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

/// How long after the last trouble a payment may take: S4's 180 s, and a lease of
/// whoever died.
const CATCH_UP: Duration = Duration::from_secs(180 + 60);

/// In so long without trouble every intent comes to an end.
const CALM: Duration = Duration::from_secs(3600);

/// Judges a history that came to its end.
pub(crate) async fn judge(world: &World, plan: &Plan) {
    let orders = shop::orders(world).await;
    let mut state = world.state();
    let mut witness = std::mem::take(&mut state.witness);
    let gateway = &state.gateway;
    for violation in gateway.violations() {
        witness.expect(false, "S9", || violation);
    }
    for order in &orders {
        judge_order(&mut witness, gateway, plan, order);
    }
    let troubled_at = state.troubled_at;
    for order in &orders {
        judge_payments(&mut witness, plan, order, troubled_at);
    }
    let captured = |id: &String| {
        gateway.order(id).map(|it| it.state()) == Some(GatewayState::PurchaseConfirmByMerchant)
    };
    let captured = witness.payments.keys().filter(|id| captured(id)).count() as u64;
    state.counts.paid = witness.payments.len() as u64;
    state.counts.handed = witness.handed.len() as u64;
    state.counts.captured = captured;
    state.witness = witness;
}

fn judge_order(witness: &mut Witness, gateway: &Gateway, plan: &Plan, order: &Order) {
    let number = order.number.as_str();
    let (mut captured, mut quarantined) = (0, false);
    for attempt in &order.attempts {
        let id = attempt.order_id.as_ref().map(|id| id.as_str());
        let at_gateway = id.and_then(|id| gateway.order(id)).map(|it| it.state());
        let is_captured = at_gateway == Some(GatewayState::PurchaseConfirmByMerchant);
        captured += u32::from(is_captured);
        quarantined |= matches!(attempt.state, State::Quarantined(_));
        let is_so = attempt.state != State::Paid || is_captured;
        witness.expect(is_so, "S2", || {
            format!("{number}: {attempt:?} is {at_gateway:?}")
        });
        let ended = matches!(attempt.state, State::Cancelled | State::Lapsed);
        let cancelled = [GatewayState::CancelByUser, GatewayState::CancelBySystem];
        let is_so = !ended || at_gateway.is_some_and(|it| cancelled.contains(&it));
        witness.expect(is_so, "S3", || {
            format!("{number}: {attempt:?} is {at_gateway:?}")
        });
    }
    let paid = order
        .attempts
        .iter()
        .filter(|it| it.state == State::Paid)
        .count();
    witness.expect(paid <= 1, "S8", || format!("{number} is paid {paid} times"));
    let handed = witness.handed.contains(number);
    let marked = witness.marked.get(number).copied().unwrap_or_default();
    let restored = plan.restored.is_some();
    witness.expect(marked <= 1 || restored, "S1", || {
        format!("{number} was fulfilled as new {marked} times")
    });
    witness.expect(captured <= 1, "S8", || {
        format!("{number} was captured {captured} times")
    });
    // A backup may know nothing of the attempt that was captured.
    witness.expect(!handed || captured > 0 || restored, "S2", || {
        format!("{number} was handed out, and nothing is captured")
    });
    witness.expect(captured == 0 || handed || quarantined, "S4", || {
        format!("{number} was captured, and neither handed out nor shown to a person")
    });
    let told = witness.withdrawn.contains(number) && !restored;
    witness.expect(!told || captured == 0, "withdrawal", || {
        format!("{number} was withdrawn, and captured after it")
    });
}

/// S4: no payment is lost that there was time to capture.
fn judge_payments(witness: &mut Witness, plan: &Plan, order: &Order, troubled_at: Timestamp) {
    if order.withdrawn_at.is_some() || plan.restored.is_some() || !plan.jumps.is_empty() {
        return;
    }
    let is_calm = (BEGIN + END).since(troubled_at) >= CALM;
    let is_stuck = order
        .attempts
        .iter()
        .any(|it| it.state == State::VerifyIntent);
    witness.expect(!is_stuck || !is_calm, "S4", || {
        format!("{} is neither captured nor not, for an hour", order.number)
    });
    // Who holds the slot keeps the others out; a person decides about it.
    if order.slot_holder().is_some() {
        return;
    }
    // What the gateway gave a wrong name or price once is for a person, too.
    let is_put_aside = |it: &Attempt, id: &str| {
        it.state == State::Quarantined(Reason::Mismatch) && witness.slandered.contains(id)
    };
    let ids: Vec<_> = order
        .attempts
        .iter()
        .filter_map(|it| Some((it, it.order_id.as_ref()?)))
        .filter(|(it, id)| !is_put_aside(it, id.as_str()))
        .map(|(_, id)| id)
        .collect();
    for id in ids {
        let Some(payment) = witness.payments.get(id.as_str()).copied() else {
            continue;
        };
        let calm = payment.at.max(troubled_at).max(BEGIN + plan.healed_at);
        let had_time = payment.until.since(calm) >= CATCH_UP;
        witness.expect(!had_time, "S4", || {
            format!(
                "{}: {id} was paid, there was time, and it was not captured",
                order.number
            )
        });
    }
}
