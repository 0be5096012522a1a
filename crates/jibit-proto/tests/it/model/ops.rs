//! What happens in the model.

#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Begins a call about an order, with a deadline in so many seconds.
    Begin(Kind, usize, u64),
    /// Ends a request under way; where the fate leaves it open the flag says
    /// whether it took effect.
    Answer(Pick, Fate, bool),
    /// A lost request takes effect after all.
    Late(usize),
    /// A driver misses its time-out: only an answer ends the request now.
    Stall(Pick),
    Abandon(Pick),
    /// The call that renews the tokens is abandoned.
    AbandonLeader,
    /// A call is dropped without `abandon`.
    Vanish(Pick),
    Advance(u64),
    /// Polls every parked call although nobody woke it.
    Nudge,
    /// Another password, known to the gateway or not.
    Password(bool),
    Export,
    Restore,
    /// Another system logs in: our token is dead.
    Revoke,
    /// The customer or the gateway moves an order on.
    Move(usize, &'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Authenticate,
    Initiate,
    Inquiry,
    Look,
    Settle,
}

/// Which request under way: the oldest, the newest or any. A number counts round and
/// round what there is, here as above.
#[derive(Clone, Debug)]
pub(crate) enum Pick {
    Oldest,
    Newest,
    Any(usize),
}

#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Honest,
    NotSent,
    Lost,
    Status(u16),
    /// A status with a Retry-After.
    Busy(u16, &'static str),
    /// A 200 with this errorCode.
    Code(i64),
    Garbage,
    Oversize,
    /// The truth, but for the amount or the merchantOrderId.
    WrongEcho,
    /// The truth, but for an inquiry's state, which is that of long ago.
    Stale,
}
