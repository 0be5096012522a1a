use crate::{
    Capture, Error, Expected, Look, OrderId, Sighting, Verdict,
    flow::{Ask, Flow, Progress, Reply},
};

/// Ends the doubt about an order: [`Look`], then [`Capture`] if it is payable.
/// For callers without a store of their own.
///
/// An `Err` means that no verify can have left.
#[derive(Debug)]
pub struct Settle(Step);

#[derive(Debug)]
enum Step {
    Look(Look),
    Capture(Box<Capture>),
}

impl Settle {
    /// Settles the order that was stored together with `expected`.
    #[must_use]
    pub const fn new(order_id: OrderId, expected: Expected) -> Self {
        Self(Step::Look(Look::new(order_id, expected)))
    }
}

impl Flow for Settle {
    type Output = Result<Verdict, Error>;

    fn ask(&self) -> Ask<'_> {
        match &self.0 {
            Step::Look(look) => look.ask(),
            Step::Capture(capture) => capture.ask(),
        }
    }

    fn advance(&mut self, reply: Result<Reply, Error>) -> Progress<Self::Output> {
        let found = match &mut self.0 {
            Step::Look(look) => look.advance(reply),
            Step::Capture(capture) => return capture.advance(reply),
        };
        let sighting = match found {
            Progress::Done(Ok(sighting)) => sighting,
            Progress::Done(Err(error)) => return Progress::Done(Err(error)),
            Progress::Next => return Progress::Next,
            Progress::Pause => return Progress::Pause,
        };
        Progress::Done(Ok(match sighting {
            Sighting::Payable(payable) => {
                self.0 = Step::Capture(Box::new(Capture::new(payable)));
                return Progress::Next;
            }
            Sighting::Confirmed(receipt) => Verdict::Paid(receipt),
            Sighting::Pending(seen) => Verdict::Pending(seen),
            Sighting::NotPaid(seen) => Verdict::NotPaid {
                seen,
                refunded: false,
            },
            Sighting::Mismatch(mismatch) => Verdict::Mismatch(mismatch),
            Sighting::Undetermined(seen) => Verdict::Undetermined {
                last: Some(seen),
                cause: None,
            },
        }))
    }

    fn is_urgent(&self) -> bool {
        matches!(&self.0, Step::Capture(capture) if capture.is_urgent())
    }

    fn expire(&mut self, cause: Error) -> Self::Output {
        match &mut self.0 {
            Step::Look(_) => Err(cause),
            Step::Capture(capture) => capture.expire(cause),
        }
    }
}
