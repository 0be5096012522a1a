//! Flows: one outcome from one or more requests.
//!
//! A flow says what to ask ([`Flow::ask`]), is told what came of it
//! ([`Flow::advance`]) and ends in a verdict. It knows nothing of tokens,
//! pauses' lengths or sockets.
//!
//! ```text
//!            inquiry                                  verify
//!  Settle ─▶ Look ─┬─▶ Payable ─▶ Capture ─▶ Verifying ─┬─▶ Paid
//!                  │                            ▲       │ any doubt
//!                  │         PURCHASE_BY_USER   │       ▼
//!                  │                            └── Looking ─▶ Paid, NotPaid, Mismatch, Undetermined
//!                  └─▶ Confirmed, Pending, NotPaid, Mismatch, Undetermined
//! ```

use crate::{
    Error, OrderId,
    wire::{
        Payment,
        initiate::{Initiated, NewOrder},
        inquiry::Inquired,
    },
};

/// The request that a flow wants next.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Ask<'a> {
    /// A pair of tokens from the gateway, not from before the call.
    Authenticate,
    /// `POST /order/initiate`: once it may have arrived, never again.
    Initiate(&'a NewOrder),
    /// `GET /order/inquiry/{orderId}`: safe to repeat.
    Inquiry(&'a OrderId),
    /// `POST /order/verify/{orderId}`: to be sent once for each time it is
    /// asked for, and again only if it certainly was not sent.
    Verify(&'a OrderId),
}

/// The answer to what a flow asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// To [`Ask::Authenticate`].
    Authenticated,
    /// To [`Ask::Initiate`].
    Initiated(Initiated),
    /// To [`Ask::Inquiry`].
    Inquired(Inquired),
    /// To [`Ask::Verify`].
    Verified(Payment),
}

/// Where a flow stands after an answer.
#[derive(Clone, Debug)]
#[must_use]
pub enum Progress<T> {
    /// Ask again at once.
    Next,
    /// Ask again after a pause; the pauses grow.
    Pause,
    /// The flow has ended with this; it is not to be advanced any more.
    Done(T),
}

mod sealed {
    #[allow(unnameable_types, reason = "that is what seals the trait")]
    pub trait Sealed {}
    impl Sealed for crate::Look {}
    impl Sealed for crate::Capture {}
    impl Sealed for crate::Settle {}
    impl Sealed for crate::Authenticate {}
    impl Sealed for crate::Initiate {}
    impl Sealed for crate::Inquiry {}
}

/// One outcome, one or more requests. The crate's own flows are the only ones:
/// a wrong order of requests loses money.
pub trait Flow: sealed::Sealed {
    /// What the flow ends in.
    type Output;

    /// What to ask next.
    fn ask(&self) -> Ask<'_>;

    /// Takes what came of the last [`ask`](Self::ask). An answer to another
    /// question counts as an unreadable one.
    fn advance(&mut self, reply: Result<Reply, Error>) -> Progress<Self::Output>;

    /// Ends the flow where it stands, because there is no time left or no way
    /// on; `cause` says which.
    fn expire(&mut self, cause: Error) -> Self::Output;

    /// Whether money may be on the way: such a flow is not held to the
    /// session's retry budget, only to its pauses and its deadline.
    fn is_urgent(&self) -> bool {
        false
    }
}
