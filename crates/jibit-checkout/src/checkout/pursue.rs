//! Carries out what the rules decide: applies changes, asks the gateway, and tells
//! the rules what came of it.

use jibit_proto::{Error, OrderId, Payable, Sighting, Verdict};

use super::{Checkout, PATIENCE};
use crate::{
    CheckoutError, CheckoutErrorKind, Happened,
    order::Order,
    rules::{Change, Event, Glimpses, Next, decide, is_no_capture},
    store::Applied,
};

impl Checkout {
    /// Has an event decided, and does what follows from it, to its end. Gives back
    /// the order as it is then.
    pub(super) async fn settle_event(
        &self,
        order: Order,
        number: u32,
        event: Event<'_>,
    ) -> Result<Order, CheckoutError> {
        let (order, next) = self.decided_once(order, number, event).await?;
        match next {
            Next::Look => self.look_and_settle(order, number).await,
            // Only a look leads to the others.
            _ => Ok(order),
        }
    }

    /// Asks the gateway about an attempt and does what follows from its answer.
    pub(super) async fn look_and_settle(
        &self,
        mut order: Order,
        number: u32,
    ) -> Result<Order, CheckoutError> {
        let Some((asked, found)) = self.look(&order, number).await? else {
            return Ok(order);
        };
        let mut glimpses = Glimpses::new();
        loop {
            let event = Event::Looked(&asked, found.as_ref(), &glimpses);
            let next;
            (order, next) = self.decided_once(order, number, event).await?;
            match next {
                Next::LookAt(sibling) => {
                    order = self.glimpse(order, sibling, &mut glimpses).await?;
                }
                Next::Capture => break,
                Next::Rest | Next::Look => return Ok(order),
            }
        }
        match found {
            Ok(Sighting::Payable(payable)) => self.capture(order, number, payable).await,
            _ => Ok(order),
        }
    }

    /// Asks about an attempt, for a sibling that waits to capture.
    async fn glimpse(
        &self,
        order: Order,
        number: u32,
        glimpses: &mut Glimpses,
    ) -> Result<Order, CheckoutError> {
        let Some((asked, found)) = self.look(&order, number).await? else {
            return Ok(order);
        };
        let clear = is_no_capture(found.as_ref()).then(|| self.now());
        glimpses.insert(asked.clone(), clear);
        let event = Event::Glimpsed(&asked, found.as_ref());
        let (order, _) = self.decided_once(order, number, event).await?;
        Ok(order)
    }

    /// The orderId that was asked about, and what was found.
    async fn look(
        &self,
        order: &Order,
        number: u32,
    ) -> Result<Option<(OrderId, Result<Sighting, Error>)>, CheckoutError> {
        let id = order.attempt(number).and_then(|it| it.order_id.clone());
        let Some(id) = id else {
            return Ok(None);
        };
        let expected = order.expected(number)?;
        let found = self.client.look(id.clone(), expected).await;
        self.tell(match &found {
            Ok(_) => Happened::Asked,
            Err(_) => Happened::Unanswered,
        });
        Ok(Some((id, found)))
    }

    /// Verifies what a look found. The intent is durable by now.
    async fn capture(
        &self,
        order: Order,
        number: u32,
        payable: Payable,
    ) -> Result<Order, CheckoutError> {
        let verdict = self.client.verify(payable).await;
        if !matches!(
            verdict,
            Ok(Verdict::Paid(_) | Verdict::NotPaid { .. } | Verdict::Mismatch(_))
        ) {
            self.tell(Happened::Undetermined);
        }
        let event = Event::Captured(verdict.as_ref());
        let (order, _) = self.decided_once(order, number, event).await?;
        Ok(order)
    }

    /// Has an event decided and the change applied. If somebody else changed the
    /// order meanwhile, it is decided anew by what is stored then.
    async fn decided_once(
        &self,
        mut order: Order,
        number: u32,
        mut event: Event<'_>,
    ) -> Result<(Order, Next), CheckoutError> {
        for _ in 0..PATIENCE {
            let decision = decide(&order, number, event, self.now());
            let Some(change) = decision.change else {
                return Ok((order, decision.next));
            };
            match self.stored(self.store.apply(&change).await)? {
                Applied::Done { ref_id_twice } => {
                    self.announce(&change);
                    take_up(&mut order, change);
                    if !ref_id_twice || matches!(event, Event::RefIdTwice) {
                        return Ok((order, decision.next));
                    }
                    event = Event::RefIdTwice;
                }
                Applied::Stale => order = self.order(&order.number).await?,
                Applied::OrderIdTwice if matches!(event, Event::Adopted(_)) => {
                    return Err(CheckoutErrorKind::NothingToDecide.into());
                }
                Applied::OrderIdTwice => event = Event::OrderIdTwice,
            }
        }
        Err(CheckoutErrorKind::Contended.into())
    }

    fn announce(&self, change: &Change) {
        let (number, to) = (change.order.as_str(), &change.to);
        for alarm in &change.alarms {
            tracing::warn!(
                order = number,
                attempt = to.number,
                alarm = alarm.as_str(),
                "a person should look"
            );
            self.tell(Happened::Raised(*alarm));
        }
        if let Some(note) = &change.note {
            tracing::info!(
                order = number,
                attempt = to.number,
                state = to.state.as_str(),
                "{note}"
            );
        }
        if change.ends {
            self.tell(Happened::Settled(to.state));
        }
    }
}

fn take_up(order: &mut Order, change: Change) {
    let mut attempts = order.attempts.iter_mut();
    if let Some(attempt) = attempts.find(|attempt| attempt.number == change.to.number) {
        *attempt = change.to;
    }
}
