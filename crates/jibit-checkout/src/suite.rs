//! Tests that every store has to pass. Run them on your own:
//!
//! ```
//! # use jibit_checkout::{MemoryStore, suite};
//! # async fn run() -> Result<(), suite::Failure> {
//! let store = MemoryStore::new();
//! suite::run(&store).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Each case works on an account of its own that no run has used before, so a store
//! may hold other rows, and the suite may run on it again.

use std::{error::Error, fmt};

/// Ends a case if what it says does not hold.
macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+).into());
        }
    };
}

mod changes;
mod claims;
mod lists;
mod orders;
mod outbox;
mod shop;

use crate::store::Store;
use changes::{
    one_order_id, one_slot, ref_id_is_no_key, stale_changes_nothing, withdrawn_takes_no_slot,
};
use claims::{claimed_by_urgency, claims_change_no_version, raced};
use lists::{accounts_are_apart, counted, listed};
use orders::{begun_once, found_by_code, opened_once, read_as_written};
use outbox::{fulfilled_once, paid_is_in_the_outbox};
use shop::Shop;

/// The rule that a store breaks, and how.
#[derive(Debug)]
pub struct Failure {
    case: &'static str,
    problem: Problem,
}

type Problem = Box<dyn Error + Send + Sync>;
type Checked = Result<(), Problem>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.problem)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

macro_rules! cases {
    ($($case:ident: $rule:literal;)*) => {
        /// The rules, by name, that [`run`] tests.
        pub const CASES: &[(&str, &str)] = &[$((stringify!($case), $rule),)*];

        /// Tests a store by every case.
        ///
        /// # Errors
        ///
        /// The first rule that it breaks.
        pub async fn run(store: &dyn Store) -> Result<(), Failure> {
            $(
                let case = stringify!($case);
                let shop = Shop::new(store, case).map_err(|problem| Failure { case, problem })?;
                $case(&shop).await.map_err(|problem| Failure { case, problem })?;
            )*
            Ok(())
        }
    };
}

cases! {
    opened_once: "an order is stored once, as it was first";
    read_as_written: "what was written is read the same";
    begun_once: "an attempt is begun once, unless the order is withdrawn or its slot taken";
    found_by_code: "an attempt is found by its code";
    stale_changes_nothing: "a change that was decided for another version changes nothing";
    one_slot: "an order has one slot";
    withdrawn_takes_no_slot: "nothing takes the slot of a withdrawn order, and nothing withdraws a taken one";
    one_order_id: "no two attempts of an account have one orderId";
    ref_id_is_no_key: "a refId on two orders is told, and hinders nothing";
    paid_is_in_the_outbox: "a paid order is in the outbox, once, and with its change";
    fulfilled_once: "a fulfilment is held, handed out again, and marked once";
    claimed_by_urgency: "due attempts are claimed by urgency, and are nobody else's until then";
    claims_change_no_version: "a change that was decided before a claim is made all the same";
    accounts_are_apart: "an account sees its own rows alone";
    listed: "orders are listed, the latest first, by filter and page";
    counted: "what waits is counted";
    raced: "of many that decide at once, one is heard";
}
