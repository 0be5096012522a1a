//! What each event does to an order: pure transitions, without a clock, a store
//! or a runtime. Everything that decides about money is here.

pub(crate) mod schedule;

use std::{collections::BTreeMap, time::Duration};

use jibit_proto::{
    Certainty, Error, ErrorKind, OrderId, OrderStatus, Receipt, RefId, Sighting, Timestamp,
    Verdict,
    wire::{initiate::Initiated, inquiry::Inquired},
};

use crate::order::{AccountKey, Alarm, Attempt, Order, OrderNumber, Reason, Seen, State};

/// Siblings must have been asked about so recently before the slot is taken.
const SIBLINGS_SEEN: Duration = Duration::from_secs(30);

/// A callback of an attempt that was asked about so recently changes nothing.
const COALESCED: Duration = Duration::from_secs(2);

/// One change to one attempt, which a store makes whole or not at all.
#[derive(Clone, Debug)]
pub struct Change {
    /// Whose order it is.
    pub account: AccountKey,
    /// Which order.
    pub order: OrderNumber,
    /// The version of the attempt that this was decided for. If the stored
    /// attempt has another one, nothing is changed.
    pub from: u64,
    /// The attempt as it is to be; its version is `from + 1`.
    pub to: Attempt,
    /// Whether it takes the slot: only if no other attempt has it and the order
    /// is not withdrawn.
    pub takes_slot: bool,
    /// Whether the order is now paid and is to be put in the outbox.
    pub fulfils: bool,
    /// Whether the attempt comes to its end by it.
    pub ends: bool,
    /// What to write into the order's timeline, if it is worth a line.
    pub note: Option<String>,
    /// What this raises.
    pub alarms: Vec<Alarm>,
    /// When it was decided.
    pub at: Timestamp,
}

/// When each sibling was seen to be no capture, by its orderId; `None` if it was asked
/// about and that is not sure. They are this pursuit's own looks: what the store says
/// of earlier ones may come from a backup, by a clock that was put back since.
pub(crate) type Glimpses = BTreeMap<OrderId, Option<Timestamp>>;

/// What the gateway, a customer's browser or a person brought.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// The answer to initiate.
    Initiated(Result<&'a Initiated, &'a Error>),
    /// Nobody is left who waits for the answer to initiate.
    Forgotten,
    /// A callback came. Whoever asks because of it has the attempt for himself so
    /// long.
    Called(Duration),
    /// What a look at this orderId found, and what its siblings were found to be since.
    Looked(&'a OrderId, Result<&'a Sighting, &'a Error>, &'a Glimpses),
    /// What a look at this orderId found that was made for a sibling's sake.
    Glimpsed(&'a OrderId, Result<&'a Sighting, &'a Error>),
    /// What became of a capture.
    Captured(Result<&'a Verdict, &'a Error>),
    /// A callback with the attempt's code brought an orderId that is not its own.
    Stranger(&'a OrderId),
    /// A person says that the attempt is the gateway's order of this id, or that a
    /// quarantined one is ours. The gateway is asked, and what it says counts.
    Adopted(&'a OrderId),
    /// A person says that no capture of ours will come of a quarantined attempt.
    Released,
    /// The gateway gave this refId to another order, too.
    RefIdTwice,
    /// The gateway gave this orderId to another attempt, too.
    OrderIdTwice,
}

/// What to do after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing for now.
    Rest,
    /// Ask about the attempt.
    Look,
    /// Ask about this sibling first, then decide again.
    LookAt(u32),
    /// Verify what the look found.
    Capture,
}

/// What an event comes to.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) change: Option<Change>,
    pub(crate) next: Next,
}

impl Decision {
    const NOTHING: Self = Self {
        change: None,
        next: Next::Rest,
    };
}

/// What an event does to an attempt of an order.
pub(crate) fn decide(order: &Order, number: u32, event: Event<'_>, now: Timestamp) -> Decision {
    let Some(attempt) = order.attempt(number) else {
        return Decision::NOTHING;
    };
    let step = Step::new(order, attempt, now);
    if let Event::Looked(asked, ..) | Event::Glimpsed(asked, _) = event
        && attempt.order_id.as_ref() != Some(asked)
    {
        // A person adopted another orderId meanwhile: this says nothing of it.
        return Decision::NOTHING;
    }
    match event {
        Event::Initiated(answer) => step.initiated(answer),
        Event::Forgotten => step.forgotten(),
        Event::Called(lease) => step.called(lease),
        Event::Looked(_, Ok(sighting), glimpses) => step.looked(sighting, Some(glimpses)),
        Event::Glimpsed(_, Ok(sighting)) => step.looked(sighting, None),
        Event::Looked(_, Err(error), _) | Event::Glimpsed(_, Err(error)) => step.not_seen(error),
        Event::Captured(Ok(verdict)) => step.captured(verdict),
        // No verify has left. The intent stands all the same: only the gateway ends it.
        Event::Captured(Err(_)) => step.still_open(true),
        Event::Stranger(id) => step.stranger(id),
        Event::Adopted(id) => step.adopted(id),
        Event::Released => step.released(),
        Event::RefIdTwice => step.raised(Alarm::RefIdTwice),
        Event::OrderIdTwice => step.order_id_twice(),
    }
}

/// Whether an instant is so recent. One that a clock wrote before it was put back is
/// not: nobody knows how long ago it was.
fn is_within(time: Duration, at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.since(at) < time
}

/// Whether what a look found is surely no capture: the gateway's own word that the
/// order is in another state that we know, or that there is no such order (S8).
pub(crate) fn is_no_capture(found: Result<&Sighting, &Error>) -> bool {
    match found {
        Ok(Sighting::Payable(_) | Sighting::Pending(_) | Sighting::NotPaid(_)) => true,
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::NoSuchOrder,
    }
}

/// A change in the making.
struct Step<'a> {
    order: &'a Order,
    was: &'a Attempt,
    to: Attempt,
    takes_slot: bool,
    fulfils: bool,
    note: Option<String>,
    alarms: Vec<Alarm>,
    now: Timestamp,
}

impl<'a> Step<'a> {
    fn new(order: &'a Order, was: &'a Attempt, now: Timestamp) -> Self {
        Self {
            order,
            was,
            to: was.clone(),
            takes_slot: false,
            fulfils: false,
            note: None,
            alarms: Vec::new(),
            now,
        }
    }

    fn then(mut self, next: Next) -> Decision {
        self.to.version = self.was.version + 1;
        Decision {
            change: Some(Change {
                account: self.order.account.clone(),
                order: self.order.number.clone(),
                from: self.was.version,
                takes_slot: self.takes_slot,
                fulfils: self.fulfils,
                ends: self.to.state.is_final() && !self.was.state.is_final(),
                to: self.to,
                note: self.note,
                alarms: self.alarms,
                at: self.now,
            }),
            next,
        }
    }

    /// Raises an alarm, once an attempt.
    fn raise(&mut self, alarm: Alarm) {
        if self.to.alarms.insert(alarm) {
            self.alarms.push(alarm);
        }
    }

    fn note(&mut self, text: impl Into<String>) {
        self.note = Some(text.into());
    }

    fn ends(mut self, state: State) -> Decision {
        self.to.state = state;
        self.to.next_ask = None;
        self.then(Next::Rest)
    }

    fn quarantined(mut self, reason: Reason, alarm: Alarm) -> Decision {
        self.raise(alarm);
        self.note(format!("{alarm}: a person has to decide"));
        self.ends(State::Quarantined(reason))
    }

    fn initiated(mut self, answer: Result<&Initiated, &Error>) -> Decision {
        if self.was.state != State::Initiating {
            // It was given up meanwhile: nobody is sent to pay.
            return Decision::NOTHING;
        }
        match answer {
            Ok(initiated) => {
                self.to.state = State::Open;
                self.to.order_id = Some(initiated.order_id.clone());
                self.to.redirect_url = Some(initiated.redirect_url.as_str().to_owned());
                self.to.next_ask = schedule::next_ask(&self.to, self.now, false);
                self.note(format!("the gateway calls it {}", initiated.order_id));
                self.then(Next::Rest)
            }
            Err(error) => {
                self.note(match error.certainty() {
                    Certainty::NothingHappened => format!("not initiated: {error}"),
                    Certainty::Unknown => {
                        format!("initiate was not answered ({error}); nobody can pay it")
                    }
                });
                self.ends(State::Abandoned)
            }
        }
    }

    fn forgotten(mut self) -> Decision {
        let age = self.now.since(self.was.created_at);
        if self.was.state != State::Initiating || age < schedule::INITIATE {
            return Decision::NOTHING;
        }
        self.note("initiate was interrupted; nobody can pay it");
        self.ends(State::Abandoned)
    }

    fn called(mut self, lease: Duration) -> Decision {
        let recent = |asked_at| is_within(COALESCED, asked_at, self.now);
        if self.was.state.is_final()
            || self.was.order_id.is_none()
            || self.was.asked_at.is_some_and(recent)
        {
            return Decision::NOTHING;
        }
        self.to.asked_at = Some(self.now);
        self.to.next_ask = Some(self.now + lease);
        self.then(Next::Look)
    }

    /// The attempt stays as it is, to be asked about again.
    fn still_open(mut self, failed: bool) -> Decision {
        if self.was.state.is_final() {
            return Decision::NOTHING;
        }
        let next = schedule::next_ask(&self.to, self.now, failed);
        match (next, self.to.state) {
            (None, _) => {
                self.to.state = State::Dormant;
                self.to.next_ask = None;
            }
            (Some(next), _) => self.to.next_ask = Some(next),
        }
        self.watch_time();
        self.then(Next::Rest)
    }

    /// Raises what time alone raises. It changes nothing else (S3).
    fn watch_time(&mut self) {
        let attempt = &self.to;
        let age = self.now.since(attempt.created_at);
        let others_slot =
            (self.order.slot_holder()).is_some_and(|holder| holder.number != attempt.number);
        let wanted = self.order.withdrawn_at.is_none() && !others_slot;
        let unknown_for = self
            .now
            .since(attempt.seen_at.unwrap_or(attempt.created_at));
        let waits = attempt
            .paid_at
            .is_some_and(|at| self.now.since(at) >= schedule::NEAR_DEADLINE);
        let blind = age < schedule::WINDOW && unknown_for >= schedule::NEAR_DEADLINE;
        if wanted && (waits || blind) {
            self.raise(Alarm::NearDeadline);
        }
        if self.to.state == State::VerifyIntent && age >= schedule::STUCK {
            self.raise(Alarm::Stuck);
        }
    }

    /// Nothing was learnt, unless it is that there is no such order.
    fn not_seen(mut self, error: &Error) -> Decision {
        if error.kind() == ErrorKind::NoSuchOrder {
            self.to.seen = Some(Seen::NoSuchOrder);
            self.to.seen_at = Some(self.now);
        }
        self.still_open(true)
    }

    /// Takes down what the gateway said.
    fn saw(&mut self, status: &OrderStatus) {
        let seen = Seen::Status(status.clone());
        if self.was.seen.as_ref() != Some(&seen) {
            self.note(format!("the gateway says {}", status.as_str()));
        }
        self.to.seen = Some(seen);
        self.to.seen_at = Some(self.now);
    }

    fn looked(mut self, sighting: &Sighting, glimpses: Option<&Glimpses>) -> Decision {
        if self.was.state.is_final() {
            return Decision::NOTHING;
        }
        match sighting {
            Sighting::Payable(_) => {
                self.saw(&OrderStatus::PurchaseByUser);
                self.to.paid_at.get_or_insert(self.now);
                match glimpses {
                    Some(glimpses) => self.payable(glimpses),
                    None => self.still_open(false),
                }
            }
            Sighting::Confirmed(receipt) => {
                self.saw(&OrderStatus::PurchaseConfirmByMerchant);
                if self.was.state == State::VerifyIntent {
                    self.paid(receipt)
                } else {
                    // Not by our intent (S15). It keeps others from capturing, if it can.
                    self.to.ref_id = receipt.payment.ref_id();
                    self.to.slot = self.order.slot_holder().is_none();
                    self.quarantined(Reason::StrangersCapture, Alarm::StrangersCapture)
                }
            }
            Sighting::Pending(seen) => {
                self.saw(&seen.status);
                // A paid order that reads unpaid is a doubt, not a "not yet".
                let doubt = self.was.paid_at.is_some();
                self.still_open(doubt)
            }
            Sighting::NotPaid(seen) => self.not_paid(seen),
            Sighting::Mismatch(mismatch) => {
                if let Some(status) = &mismatch.status {
                    self.saw(status);
                }
                let captured = mismatch.status == Some(OrderStatus::PurchaseConfirmByMerchant);
                self.to.slot |= captured && self.order.slot_holder().is_none();
                self.quarantined(Reason::Mismatch, Alarm::Mismatch)
            }
            Sighting::Undetermined(seen) => {
                self.saw(&seen.status);
                self.still_open(true)
            }
            // What a later version of the core may find is not known here.
            _ => self.still_open(true),
        }
    }

    /// Our own amount and order, paid and not captured: capture it, if S8 lets us.
    fn payable(mut self, glimpses: &Glimpses) -> Decision {
        if self.was.state == State::VerifyIntent {
            let lease = schedule::next_ask(&self.to, self.now, true);
            self.to.next_ask = lease;
            self.watch_time();
            return self.then(Next::Capture);
        }
        if self.order.withdrawn_at.is_some() || self.order.slot_holder().is_some() {
            // Left unverified on purpose: the gateway returns that money.
            if self.was.paid_at.is_none() {
                self.note("paid, and not captured: the gateway will return the money");
            }
            return self.still_open(false);
        }
        for sibling in self.order.attempts.iter() {
            if sibling.number == self.was.number || sibling.state.is_final() {
                continue;
            }
            let Some(id) = &sibling.order_id else {
                continue;
            };
            match glimpses.get(id) {
                Some(Some(at)) if is_within(SIBLINGS_SEEN, *at, self.now) => continue,
                Some(_) => {}
                None => {
                    let number = sibling.number;
                    return Decision {
                        next: Next::LookAt(number),
                        ..self.still_open(true)
                    };
                }
            }
            self.raise(Alarm::SiblingUnclear);
            return self.still_open(true);
        }
        self.to.state = State::VerifyIntent;
        self.to.slot = true;
        self.takes_slot = true;
        self.to.next_ask = schedule::next_ask(&self.to, self.now, true);
        self.note("paid; to be captured");
        self.then(Next::Capture)
    }

    fn paid(mut self, receipt: &Receipt) -> Decision {
        self.to.ref_id = receipt.payment.ref_id();
        self.fulfils = true;
        let reference = self.to.ref_id.as_ref().map_or("none", RefId::as_str);
        self.note = Some(format!("captured; refId {reference}"));
        self.ends(State::Paid)
    }

    fn not_paid(mut self, seen: &Inquired) -> Decision {
        self.saw(&seen.status);
        if self.was.paid_at.is_some() {
            self.raise(Alarm::Refunded);
        }
        // The gateway's own word frees the slot, and nothing else does.
        self.to.slot = false;
        let by_customer = seen.status == OrderStatus::CancelByUser;
        self.ends(if by_customer {
            State::Cancelled
        } else {
            State::Lapsed
        })
    }

    fn captured(mut self, verdict: &Verdict) -> Decision {
        if self.was.state != State::VerifyIntent {
            // Another host has ended it, by the same answers or by contrary ones.
            return match (self.was.state, verdict) {
                (State::Cancelled | State::Lapsed, Verdict::Paid(_)) => {
                    self.to.slot = self.order.slot_holder().is_none();
                    self.quarantined(Reason::Contradiction, Alarm::Contradiction)
                }
                _ => Decision::NOTHING,
            };
        }
        match verdict {
            Verdict::Paid(receipt) => self.paid(receipt),
            Verdict::NotPaid { seen, .. } => self.not_paid(seen),
            Verdict::Mismatch(_) => self.quarantined(Reason::Mismatch, Alarm::Mismatch),
            _ => self.still_open(true),
        }
    }

    fn stranger(mut self, id: &OrderId) -> Decision {
        let ours = self.was.order_id.as_ref();
        if ours == Some(id) || self.was.alarms.contains(&Alarm::UnknownOrder) {
            return Decision::NOTHING;
        }
        let ours = ours.map_or("none", OrderId::as_str);
        self.note(format!(
            "a callback brought the orderId {id}; stored is {ours}"
        ));
        self.raise(Alarm::UnknownOrder);
        self.then(Next::Rest)
    }

    fn adopted(mut self, id: &OrderId) -> Decision {
        let others_slot = self.order.slot_holder().is_some() && !self.was.slot;
        let withdrawn = self.order.withdrawn_at.is_some() && !self.was.slot;
        if others_slot || withdrawn {
            return Decision::NOTHING;
        }
        match self.was.state {
            State::Quarantined(_) if self.was.order_id.as_ref() == Some(id) => {
                self.to.state = State::VerifyIntent;
                self.takes_slot = !self.was.slot;
                self.to.slot = true;
                self.note("a person said that this payment is ours");
            }
            State::Initiating
            | State::Open
            | State::Dormant
            | State::Cancelled
            | State::Lapsed
            | State::Abandoned
                if self.was.order_id.as_ref() != Some(id) =>
            {
                let before = self.was.order_id.as_ref().map_or("none", OrderId::as_str);
                self.note(format!(
                    "a person adopted the orderId {id}; before it was {before}"
                ));
                self.to.state = State::Open;
                self.to.order_id = Some(id.clone());
                self.to.alarms.remove(&Alarm::UnknownOrder);
                self.to.redirect_url = None;
                self.to.paid_at = None;
                self.to.seen = None;
                self.to.seen_at = None;
            }
            _ => return Decision::NOTHING,
        }
        self.to.next_ask = Some(self.now);
        self.then(Next::Look)
    }

    fn released(mut self) -> Decision {
        if !matches!(self.was.state, State::Quarantined(_)) {
            return Decision::NOTHING;
        }
        self.to.slot = false;
        self.note("a person gave the order free for another payment");
        self.ends(State::Released)
    }

    /// Two attempts cannot share an orderId. One that was just initiated ends, and
    /// nobody is sent to pay for it.
    fn order_id_twice(mut self) -> Decision {
        if self.was.state != State::Initiating {
            return self.raised(Alarm::OrderIdTwice);
        }
        self.raise(Alarm::OrderIdTwice);
        self.note("the gateway gave it another attempt's orderId; nobody is sent to pay");
        self.ends(State::Abandoned)
    }

    fn raised(mut self, alarm: Alarm) -> Decision {
        if self.was.alarms.contains(&alarm) {
            return Decision::NOTHING;
        }
        self.raise(alarm);
        self.note(format!("{alarm}: a person should look"));
        self.then(Next::Rest)
    }
}

#[cfg(test)]
pub(crate) mod tests;
