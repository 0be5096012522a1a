//! Asks about attempts whose time has come.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jibit_proto::Timestamp;

use super::{Checkout, LEASE};
use crate::{
    CheckoutError,
    order::{Order, OrderNumber, State},
    rules::Event,
};

/// How many attempts are asked about at a time.
const TOGETHER: usize = 16;

/// How long a reconciler rests when nothing is due.
const REST: Duration = Duration::from_secs(2);

/// How long it rests at most when the store does not work.
const MAX_REST: Duration = Duration::from_secs(30);

/// An attempt to ask about, which nobody else takes until its lease is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// The shop's order.
    pub number: OrderNumber,
    /// Which attempt of it.
    pub attempt: u32,
}

/// When an order is to be reconciled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextCheck {
    /// At this instant or a little later.
    At(Timestamp),
    /// Not by itself: nothing more can become of it, or only a callback is a reason
    /// to ask.
    Never,
}

/// What one pass came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciled {
    /// How many attempts were asked about.
    pub asked: usize,
    /// How many of them could not be written down: they are asked about again when
    /// their lease is over.
    pub failed: usize,
}

impl Checkout {
    /// Takes attempts whose time has come, the most urgent first, at most `limit`;
    /// nobody else gets them for as long as `lease`. Give each to
    /// [`reconcile_one`](Self::reconcile_one).
    ///
    /// # Errors
    ///
    /// If the store does not work; some may be taken all the same, for `lease`.
    pub async fn claim(&self, limit: usize, lease: Duration) -> Result<Vec<Due>, CheckoutError> {
        let now = self.now();
        let taken = self
            .store
            .claim(&self.account, now, now + lease, limit)
            .await;
        let due = |(number, attempt)| Due { number, attempt };
        Ok(self.stored(taken)?.into_iter().map(due).collect())
    }

    /// Asks about every attempt of an order that may still come to something, and
    /// captures what is paid. Says when to do so again: a job engine needs nothing
    /// else. Any number may do so at once; dropping the future does no harm.
    ///
    /// # Errors
    ///
    /// If the store does not work, or the account has no such order.
    pub async fn reconcile_one(&self, number: &OrderNumber) -> Result<NextCheck, CheckoutError> {
        let mut order = self.order(number).await?;
        let open = order.attempts.iter().filter(|it| it.next_ask.is_some());
        let open: Vec<_> = open.map(|attempt| attempt.number).collect();
        for attempt in open {
            order = self.reconcile_attempt(order, attempt).await?;
        }
        let asks = order.attempts.iter().filter_map(|it| it.next_ask);
        Ok(asks.min().map_or(NextCheck::Never, NextCheck::At))
    }

    async fn reconcile_attempt(&self, order: Order, attempt: u32) -> Result<Order, CheckoutError> {
        match order.attempt(attempt).map(|attempt| attempt.state) {
            Some(State::Initiating) => self.settle_event(order, attempt, Event::Forgotten).await,
            Some(state) if !state.is_final() => self.look_and_settle(order, attempt).await,
            _ => Ok(order),
        }
    }

    /// Asks about every attempt whose time has come, the most urgent first and
    /// sixteen at a time, until none is left.
    ///
    /// # Errors
    ///
    /// If nothing can be claimed because the store does not work.
    pub async fn reconcile(&self) -> Result<Reconciled, CheckoutError> {
        let mut pass = Reconciled::default();
        loop {
            let batch = self.reconcile_some().await?;
            if batch.asked == 0 {
                return Ok(pass);
            }
            pass.asked += batch.asked;
            pass.failed += batch.failed;
        }
    }

    /// Asks about the sixteen most urgent attempts whose time has come, or as many as
    /// there are: none is left once none was asked about.
    ///
    /// # Errors
    ///
    /// If nothing can be claimed because the store does not work.
    pub async fn reconcile_some(&self) -> Result<Reconciled, CheckoutError> {
        let due = self.claim(TOGETHER, LEASE).await?;
        let asked = due.len();
        // By value: a closure over borrowed ones makes a future that no task takes.
        let ends = stream::iter(due).map(|due| self.reconcile_due(due));
        let ends: Vec<_> = ends.buffer_unordered(TOGETHER).collect().await;
        let failed = ends.iter().filter(|end| end.is_err()).count();
        Ok(Reconciled { asked, failed })
    }

    async fn reconcile_due(&self, due: Due) -> Result<(), CheckoutError> {
        let order = self.order(&due.number).await;
        let ended = match order {
            Ok(order) => self.reconcile_attempt(order, due.attempt).await,
            Err(error) => Err(error),
        };
        ended.map(drop).inspect_err(|error| {
            tracing::warn!(
                order = due.number.as_str(),
                attempt = due.attempt,
                error = error as &(dyn std::error::Error + 'static),
                "it could not be reconciled and is asked about again"
            );
        })
    }

    /// Reconciles for as long as the future is polled: every two seconds, or more
    /// rarely while the store does not work. Any number of hosts may run it. To stop
    /// it, drop it.
    pub async fn run_reconciler(&self) {
        let mut rest = REST;
        loop {
            rest = match self.reconcile().await {
                Ok(_) => REST,
                Err(error) => {
                    tracing::error!(
                        error = &error as &(dyn std::error::Error + 'static),
                        "nothing can be reconciled for now"
                    );
                    (rest * 2).min(MAX_REST)
                }
            };
            let clock = self.client.clock();
            clock.sleep_until(clock.now() + rest).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not run: it is enough that it compiles.
    fn _a_task_takes_them(checkout: &Checkout, number: &OrderNumber) {
        fn is_send(_: impl Send) {}
        is_send(checkout.run_reconciler());
        is_send(checkout.reconcile());
        is_send(checkout.reconcile_one(number));
        is_send(checkout.handle_callback(""));
    }
}
