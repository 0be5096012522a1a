//! Mobile numbers that trigger a scenario without any set-up, as test cards do
//! at card gateways. `docs/sandbox.md` has them as a table.

use crate::{Operation, Phase, Returning, fault::Mischief, mobile::Mobile};

/// What happens to whoever pays with a reserved number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The wallet holds nothing.
    Empty,
    Blocked,
    /// The first verify captures, and its answer is lost.
    VerifyLost,
    /// The first verify meets a proxy's 502 and never arrives.
    VerifyBefore,
    /// The first inquiry is answered with garbage.
    InquiryGarbage,
    /// The first verify is answered 401, with a token that lives.
    Unauthorized,
    /// A second verify says success.
    VerifiedAgain,
    /// Inquiry and verify say ten times the amount.
    OtherAmount,
    Returns(Returning),
}

/// `0999000` and four digits: 0001 is the first of these.
const RESERVED: [Scenario; 11] = [
    Scenario::Empty,
    Scenario::Blocked,
    Scenario::VerifyLost,
    Scenario::VerifyBefore,
    Scenario::InquiryGarbage,
    Scenario::Unauthorized,
    Scenario::VerifiedAgain,
    Scenario::OtherAmount,
    Scenario::Returns(Returning::Never),
    Scenario::Returns(Returning::Twice),
    Scenario::Returns(Returning::ForgedStatus),
];

impl Scenario {
    /// The scenario of a mobile number, if it has one.
    pub(crate) fn of(mobile: Mobile) -> Option<Self> {
        let number = mobile.number().checked_sub(990_000_001)?;
        RESERVED.get(usize::try_from(number).ok()?).copied()
    }

    /// What strikes a request about an order, of which `earlier` of its kind
    /// went before.
    pub(crate) const fn strikes(
        self,
        operation: Operation,
        earlier: u64,
        amount: u64,
    ) -> Option<(Phase, Mischief)> {
        let first = earlier == 0;
        Some(match (self, operation) {
            (Self::VerifyLost, Operation::Verify) if first => (Phase::After, Mischief::Reset),
            (Self::VerifyBefore, Operation::Verify) if first => (Phase::Before, Mischief::Html),
            (Self::InquiryGarbage, Operation::Inquiry) if first => {
                (Phase::After, Mischief::Garbage)
            }
            (Self::Unauthorized, Operation::Verify) if first => {
                (Phase::Before, Mischief::Unauthorized)
            }
            (Self::VerifiedAgain, Operation::Verify) => (Phase::After, Mischief::VerifiedAgain),
            (Self::OtherAmount, Operation::Verify | Operation::Inquiry) => {
                // An amount fits a signed number: 2^53-1 at most.
                (
                    Phase::After,
                    Mischief::Amount(amount.cast_signed().saturating_mul(9)),
                )
            }
            _ => return None,
        })
    }
}
