use crate::{
    Certainty, Error, ErrorKind, Look, Mismatch, Payable, Receipt, Sighting,
    flow::{Ask, Flow, Progress, Reply},
    look::{Comparison, compare},
    wire::inquiry::Inquired,
};

/// How often a verify is sent again that the gateway answered and did not
/// accept, while inquiry still shows the payment: then a person should look.
const MAX_REFUSALS: u32 = 3;

/// What became of a payment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Paid and verified, with the stored amount and merchantOrderId; final.
    Paid(Receipt),
    /// Not paid *yet* (`INITIAL`, `PGENTRY`): ask again. Nothing was verified.
    Pending(Inquired),
    /// The gateway cancelled; final.
    NotPaid {
        /// What the gateway says: `CANCEL_BY_USER` or `CANCEL_BY_SYSTEM`.
        seen: Inquired,
        /// Whether the customer had paid: the gateway returns that money, and
        /// the shop should know.
        refunded: bool,
    },
    /// The gateway speaks of another amount or another order: a person must
    /// look. Where a look says so nothing was verified; where the answer to a
    /// verify says so money may have moved.
    Mismatch(Mismatch),
    /// Nobody knows yet. It is neither paid nor unpaid: settle it again later.
    Undetermined {
        /// What the gateway said last, if it said anything.
        last: Option<Inquired>,
        /// Why it could not be settled, if an error is the reason.
        cause: Option<Error>,
    },
}

impl Verdict {
    /// The verdict in a word: `paid`, `pending`, `not-paid`, `mismatch` or
    /// `undetermined`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Paid(_) => "paid",
            Self::Pending(_) => "pending",
            Self::NotPaid { .. } => "not-paid",
            Self::Mismatch(_) => "mismatch",
            Self::Undetermined { .. } => "undetermined",
        }
    }
}

/// Captures a payment that a look has shown: verify; when in doubt look; verify
/// again only after a look that shows `PURCHASE_BY_USER`.
///
/// An `Err` means that no verify can have left. Once one may have left, every
/// end is a [`Verdict`].
#[derive(Debug)]
pub struct Capture {
    /// With what a look saw last.
    payable: Payable,
    step: Step,
    /// Whether a verify may have reached the gateway.
    left: bool,
    refusals: u32,
}

#[derive(Debug)]
enum Step {
    Verifying,
    /// Looking because of this error.
    Looking(Look, Error),
}

impl Capture {
    /// Captures what the look found. Make the intent durable first: a crash
    /// after this sends leaves nobody else who knows.
    #[must_use]
    pub const fn new(payable: Payable) -> Self {
        Self {
            payable,
            step: Step::Verifying,
            left: false,
            refusals: 0,
        }
    }

    fn verified(&mut self, reply: Result<Reply, Error>) -> Progress<Result<Verdict, Error>> {
        let error = match reply {
            Ok(Reply::Verified(payment)) => {
                self.left = true;
                let expected = self.payable.expected.clone();
                match compare(&expected, &payment) {
                    Comparison::Ours => {
                        let order_id = self.payable.order_id.clone();
                        return Progress::Done(Ok(Verdict::Paid(Receipt {
                            order_id,
                            expected,
                            payment,
                        })));
                    }
                    Comparison::Differs => {
                        return Progress::Done(Ok(Verdict::Mismatch(Mismatch {
                            expected,
                            status: None,
                            payment,
                        })));
                    }
                    Comparison::Silent => Error::other_question(),
                }
            }
            Ok(_) => Error::other_question(),
            Err(error) => error,
        };
        if error.certainty() == Certainty::NothingHappened {
            // It did not leave. The way may heal; refused credentials do not.
            return match error.kind() {
                ErrorKind::Transport => Progress::Pause,
                _ => Progress::Done(self.expire(error)),
            };
        }
        self.left = true;
        if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Credentials) {
            self.refusals += 1;
        }
        let look = Look::new(self.payable.order_id.clone(), self.payable.expected.clone());
        self.step = Step::Looking(look, error);
        Progress::Pause
    }

    fn looked(&mut self, sighting: Sighting, doubt: Error) -> Progress<Result<Verdict, Error>> {
        let verdict = match sighting {
            Sighting::Payable(payable) => {
                self.payable = payable;
                if self.refusals < MAX_REFUSALS {
                    self.step = Step::Verifying;
                    return Progress::Pause;
                }
                return Progress::Done(self.expire(doubt));
            }
            Sighting::Confirmed(receipt) => Verdict::Paid(receipt),
            Sighting::NotPaid(seen) => Verdict::NotPaid {
                seen,
                refunded: true,
            },
            Sighting::Mismatch(mismatch) => Verdict::Mismatch(mismatch),
            // A paid order that reads unpaid after a verify left is a doubt, not a "not yet".
            Sighting::Pending(seen) | Sighting::Undetermined(seen) => {
                self.payable.seen = seen;
                return Progress::Done(self.expire(doubt));
            }
        };
        Progress::Done(Ok(verdict))
    }
}

impl Flow for Capture {
    type Output = Result<Verdict, Error>;

    fn ask(&self) -> Ask<'_> {
        match &self.step {
            Step::Verifying => Ask::Verify(&self.payable.order_id),
            Step::Looking(look, _) => look.ask(),
        }
    }

    fn advance(&mut self, reply: Result<Reply, Error>) -> Progress<Self::Output> {
        let (found, doubt) = match &mut self.step {
            Step::Verifying => return self.verified(reply),
            Step::Looking(look, doubt) => (look.advance(reply), doubt.clone()),
        };
        match found {
            Progress::Done(Ok(sighting)) => self.looked(sighting, doubt),
            Progress::Done(Err(error)) => Progress::Done(self.expire(error)),
            Progress::Next => Progress::Next,
            Progress::Pause => Progress::Pause,
        }
    }

    fn is_urgent(&self) -> bool {
        self.left
    }

    fn expire(&mut self, cause: Error) -> Self::Output {
        if !self.left {
            return Err(cause);
        }
        Ok(Verdict::Undetermined {
            last: Some(self.payable.seen.clone()),
            cause: Some(cause),
        })
    }
}
