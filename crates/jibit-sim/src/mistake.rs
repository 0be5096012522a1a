//! Mistakes that a shop, a store or a transport may make. A simulator that does not
//! find each of them has lost its eyes: the tests plant them one by one.
//!
//! Each is made at the seams that the real code has to the store, the network and the
//! shop around it, so that no switch stands in the code that decides about money. Each
//! rule of a history has one, but for S9: the money is the sandbox's, whose tests break its book.

use std::time::Duration;

use jibit_checkout::{Change, Order, Reason, Seen, State};
use jibit_client::OrderStatus;
use jibit_sandbox::Operation;

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mistake {
    /// A callback that says "paid" is taken for the gateway's word.
    BelievesCallbacks,
    /// Each callback makes us ask, however soon after another.
    AsksAtEachCallback,
    /// Nobody asks by himself.
    NoReconciler,
    /// A verify that fails ends the attempt.
    VerifyErrorIsFailure,
    /// A verify is taken for done, whatever came of it.
    VerifyErrorIsSuccess,
    /// An attempt is over when the shop's own clock says so.
    ExpiresLocally,
    /// After five tries nobody asks any more.
    GivesUp,
    /// An inquiry that times out means that nobody paid.
    UnpaidByTimeOut,
    /// merchantOrderIds are compared without trimming.
    ComparesIdsExactly,
    /// Verify is sent without a look.
    NoLook,
    /// A verify whose answer is lost is sent again at once.
    ReplaysVerify,
    /// An initiate whose answer is lost is sent again.
    ReplaysInitiate,
    /// A refresh whose answer is lost is sent again.
    ReplaysRefresh,
    /// The bearer goes wherever a redirect points.
    FollowsRedirects,
    /// Who waits for an answer waits for a minute more.
    LateTimeOut,
    /// What is sent is logged.
    LogsRequests,
    /// Each call has a session of its own.
    SessionNotShared,
    /// A call whose caller is gone stays: its request and its lease with it.
    NoDropGuard,
    /// A change is made whatever the attempt has become meanwhile.
    NoConditionalUpdate,
    /// Any attempt may capture, also while another does.
    NoSlot,
    /// Whether other attempts were captured is not asked.
    BlindToSiblings,
    /// An order that was withdrawn is captured all the same.
    CapturesWithdrawn,
    /// A second attempt takes the first one's place.
    InitiateOverwrites,
    /// The intent to capture is not in the store when verify leaves.
    IntentUnsaved,
    /// What others captured is handed out.
    FulfilsStrangers,
    /// That an order was handed out is not written down.
    FulfilledUnmarked,
}

impl Mistake {
    /// What it makes of a change to `was`. `failed` is the request about this attempt
    /// whose answer was no success, if that was the last one.
    pub(crate) fn spoil(self, change: &mut Change, was: &Order, failed: Option<Operation>) {
        let to = &mut change.to;
        let before = was.attempt(to.number);
        let age = change.at.since(to.created_at);
        match self {
            Self::VerifyErrorIsFailure
                if to.state == State::VerifyIntent && failed == Some(Operation::Verify) =>
            {
                end(change, State::Lapsed);
            }
            Self::VerifyErrorIsSuccess
                if to.state == State::VerifyIntent && failed == Some(Operation::Verify) =>
            {
                end(change, State::Paid);
                change.to.slot = true;
                change.fulfils = true;
            }
            Self::ExpiresLocally
                if to.state == State::Open && age > Duration::from_secs(15 * 60) =>
            {
                end(change, State::Lapsed);
            }
            Self::UnpaidByTimeOut
                if to.state == State::Open && failed == Some(Operation::Inquiry) =>
            {
                end(change, State::Cancelled);
            }
            Self::GivesUp if to.version > 6 => to.next_ask = None,
            Self::NoConditionalUpdate => {
                change.from = before.map_or(change.from, |before| before.version);
                to.version = change.from + 1;
            }
            Self::NoSlot if !matches!(to.state, State::Quarantined(_)) => {
                to.slot = false;
                change.takes_slot = false;
            }
            Self::BlindToSiblings
                if to.state == State::Open
                    && to.seen == Some(Seen::Status(OrderStatus::PurchaseByUser))
                    && was.withdrawn_at.is_none()
                    && (was.slot_holder()).is_none_or(|it| it.number == to.number) =>
            {
                to.state = State::VerifyIntent;
                to.slot = true;
                change.takes_slot = true;
            }
            Self::CapturesWithdrawn => change.takes_slot = false,
            Self::FulfilsStrangers if to.state == State::Quarantined(Reason::StrangersCapture) => {
                to.state = State::Paid;
                change.fulfils = true;
            }
            _ => {}
        }
    }

    /// What it makes of an order that was read.
    pub(crate) fn misread(self, order: &mut Order) {
        match self {
            Self::CapturesWithdrawn => order.withdrawn_at = None,
            Self::AsksAtEachCallback => {
                order.attempts.iter_mut().for_each(|it| it.asked_at = None);
            }
            Self::NoSlot => order.attempts.iter_mut().for_each(|it| it.slot = false),
            _ => {}
        }
    }

    /// Whether it sends a request again whose answer was lost.
    pub(crate) const fn replays(self, operation: Operation) -> bool {
        matches!(
            (self, operation),
            (Self::ReplaysVerify, Operation::Verify)
                | (Self::ReplaysInitiate, Operation::Initiate)
                | (Self::ReplaysRefresh, Operation::Refresh)
        )
    }
}

fn end(change: &mut Change, state: State) {
    change.to.state = state;
    change.to.slot = false;
    change.to.next_ask = None;
}
