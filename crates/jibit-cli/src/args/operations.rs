//! The commands about a shop's own orders, which read its store.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, RangedU64ValueParser, TypedValueParser},
};
use jibit_checkout::{Alarm, Reason, State, UnknownWord};

use super::duration;

const ORDERS_EXAMPLES: &str = "\
Examples:
  jibit orders --store shop.sqlite3
  jibit orders --state open --limit 20
  jibit orders --alarm near-deadline --json
  jibit orders --after order-17           the page that follows order-17";

const ORDER_EXAMPLES: &str = "\
Examples:
  jibit order order-17
  jibit order order-17 --json
  jibit order adopt order-17 7wvkgrn0 --attempt 1      the gateway's 7wvkgrn0 is ours
  jibit order release order-17 --attempt 1 --yes       another attempt may be paid";

const RECONCILE_EXAMPLES: &str = "\
Examples:
  jibit reconcile                  runs until Ctrl-C, beside the shop or on its own
  jibit reconcile --once --json    asks about all that is due, and ends";

const AUDIT_EXAMPLES: &str = "\
Examples:
  jibit audit                      every order; ends with 10 if anything disagrees
  jibit audit --since 24h --json   the orders of the last day";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  jibit doctor
  jibit doctor --json --store-file /run/secrets/store";

/// Where the shop keeps its orders.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// The shop's store: a file of SQLite, or a postgres:// URL without a
    /// password. Without it, JIBIT_STORE, JIBIT_STORE_FILE and jibit.sqlite3 in
    /// this folder are tried.
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
    /// A file that holds the store's address: for one with a password.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "store")]
    pub(crate) store_file: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = ORDERS_EXAMPLES)]
pub(crate) struct Orders {
    /// Only orders with an attempt in this state.
    #[arg(long, value_name = "STATE", value_parser = states())]
    pub(crate) state: Option<State>,
    /// Only orders with this alarm.
    #[arg(long, value_name = "ALARM", value_parser = alarms())]
    pub(crate) alarm: Option<Alarm>,
    /// How many at most, the latest first.
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = limit())]
    pub(crate) limit: usize,
    /// Go on after this order, the last one of the page before.
    #[arg(long, value_name = "ORDER", allow_hyphen_values = true)]
    pub(crate) after: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(
    after_help = ORDER_EXAMPLES,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct Order {
    /// The shop's number of the order; after -- if it is adopt or release.
    #[arg(value_name = "ORDER", required = true)]
    pub(crate) number: Option<String>,
    #[command(subcommand)]
    pub(crate) decision: Option<Decision>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// What only a person decides.
#[derive(Subcommand)]
pub(crate) enum Decision {
    /// Say that an attempt is the gateway's order of this id.
    ///
    /// For an attempt that never got an orderId, whose customer came back with
    /// another one (alarm unknown-order), or that is quarantined. The gateway is
    /// asked and its answer counts: what is paid is captured.
    Adopt {
        /// The shop's number of the order.
        #[arg(value_name = "ORDER")]
        number: String,
        /// The gateway's id of the order.
        #[arg(value_name = "ORDER_ID")]
        order_id: String,
        #[command(flatten)]
        which: Which,
    },
    /// Say that an order may be paid by another attempt than this quarantined one.
    Release {
        /// The shop's number of the order.
        #[arg(value_name = "ORDER")]
        number: String,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
pub(crate) struct Which {
    /// Which attempt of the order; 1 is the first.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) attempt: u32,
    /// Do not ask: for scripts in which a person decided.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
#[command(after_help = RECONCILE_EXAMPLES)]
pub(crate) struct Reconcile {
    /// End when nothing is due.
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(after_help = AUDIT_EXAMPLES)]
pub(crate) struct Audit {
    /// Only orders that are no older, such as 90m or 24h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) since: Option<Duration>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

fn limit() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..=1000)
}

/// A state's name without what a shell would take apart.
fn word(state: State) -> &'static str {
    match state {
        State::Quarantined(Reason::StrangersCapture) => "quarantined-strangers-capture",
        State::Quarantined(Reason::Mismatch) => "quarantined-mismatch",
        State::Quarantined(Reason::Contradiction) => "quarantined-contradiction",
        state => state.as_str(),
    }
}

fn states() -> impl TypedValueParser<Value = State> {
    let names = State::ALL.map(|state| PossibleValue::new(word(state)).alias(state.as_str()));
    PossibleValuesParser::new(names).try_map(|name| {
        let mut all = State::ALL.into_iter();
        let named = |state: &State| word(*state) == name || state.as_str() == name;
        all.find(named).ok_or(UnknownWord)
    })
}

fn alarms() -> impl TypedValueParser<Value = Alarm> {
    PossibleValuesParser::new(Alarm::ALL.map(Alarm::as_str)).try_map(|name| name.parse::<Alarm>())
}
