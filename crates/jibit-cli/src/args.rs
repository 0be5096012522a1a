//! The command line, as `--help` shows it.

mod agent;
mod operations;

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    time::Duration,
};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{RangedU64ValueParser, TypedValueParser as _},
};
use clap_complete::Shell;
use jibit_sandbox::{FaultPlan, Profile, Quirk, Returning, WindowFrom};

pub(crate) use agent::Agent;
pub(crate) use operations::{Audit, Decision, Doctor, Order, Orders, Reconcile, StoreArgs};

const EXAMPLES: &str = "\
Examples:
  jibit demo                       one payment from end to end, on this machine
  jibit demo --web                 a shop to buy at in a browser, on this machine
  jibit sandbox                    a gateway to develop against, at http://127.0.0.1:8090

  export JIBIT_BASE_URL=http://127.0.0.1:8090 JIBIT_USERNAME=7746 JIBIT_PASSWORD=123456
  jibit authenticate
  jibit initiate --amount 125000 --mobile 09121234567 --merchant-order-id order-17-1 \\
      --callback-url https://shop.example/return
  jibit pay 7wvkgrn0               as the customer would, at the sandbox
  jibit verify 7wvkgrn0 --amount 125000 --merchant-order-id order-17-1
  jibit inquiry 7wvkgrn0 --json
  jibit advance 15m                what nobody verified is refunded, at the sandbox

  export JIBIT_STORE=shop.sqlite3  the store of a shop on jibit-checkout
  jibit orders --alarm near-deadline
  jibit order order-17             its attempts, and what happened
  jibit reconcile                  asks about customers who never came back
  jibit audit                      holds the store against the gateway
  jibit doctor                     what is wrong with this machine's settings
  jibit agent --callback-url URL   all of it for a shop that is not in Rust

Exit status:
  0  done, or paid                       7  refused by the gateway
  2  usage, configuration or input       8  unreachable, nothing was sent
  3  not paid: cancelled, final          9  pending: not paid yet
  4  another amount or order than ours  10  audit or doctor found something
  5  undetermined: it may have happened 11  the store does not work, or is busy
  6  credentials refused";

/// Take, settle and inspect payments of the Jibit QR payment gateway.
#[derive(Parser)]
#[command(name = "jibit", version, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Pay one order from end to end, on this machine.
    Demo(Demo),
    /// Run a local gateway to develop and test against.
    Sandbox(Sandbox),
    /// Record what a shop and a gateway say to each other, without what is private.
    ///
    /// Point the shop's base URL at the address that this listens on. The five
    /// operations are passed on to the upstream, each request once and
    /// unchanged, and each exchange is written as a fixture: passwords, tokens,
    /// numbers, addresses and texts are replaced, the same by the same. An
    /// answer is waited for as long as --deadline says, longer than shops wait.
    /// Read a file before you show it: what the gateway says in words is kept.
    Capture(Capture),
    /// Check the credentials.
    Authenticate,
    /// Register an order and print where the customer pays.
    Initiate(Initiate),
    /// Settle an order: ask, capture if it is paid, and be sure of the answer.
    Verify(Verify),
    /// Ask for an order's state.
    Inquiry(Inquiry),
    /// Pay an order at a sandbox, as its customer.
    Pay(Touch),
    /// Cancel an order at a sandbox, as its customer.
    Cancel(Touch),
    /// Put a sandbox's clock forward.
    Advance(Advance),
    /// Show or set the plan by which a sandbox fails.
    Faults {
        /// What to do; to show it if nothing is said.
        #[command(subcommand)]
        action: Option<FaultsAction>,
    },
    /// List the shop's orders.
    Orders(Orders),
    /// Show an order: its attempts, and what happened; or decide about one.
    Order(Order),
    /// Ask about orders whose time has come, and capture what is paid.
    ///
    /// It needs to run somewhere, on one host or on many: it settles customers who
    /// never come back, and all that a crash or an outage left open. Ctrl-C ends
    /// it after the calls under way; what is cut short is asked about again.
    Reconcile(Reconcile),
    /// Take payments for a shop in any language, over HTTP.
    ///
    /// It stores orders, sends customers to the gateway, settles what they paid and
    /// calls the shop's webhook until the shop has heard of it. Any number of them may
    /// share a Postgres. Ctrl-C ends it after what is under way.
    Agent(Agent),
    /// Hold the shop's store against the gateway's word. Changes nothing.
    Audit(Audit),
    /// Check settings, gateway, clock and store, and say what to do.
    Doctor(Doctor),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// The gateway.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "JIBIT_BASE_URL", hide_env_values = true,
        default_value = jibit_proto::BaseUrl::PRODUCTION
    )]
    pub(crate) base_url: String,
    /// The merchant id.
    #[arg(
        long,
        global = true,
        value_name = "ID",
        env = "JIBIT_USERNAME",
        hide_env_values = true
    )]
    pub(crate) username: Option<String>,
    /// A file that holds the password. Without it, JIBIT_PASSWORD,
    /// JIBIT_PASSWORD_FILE and a prompt are tried; it is never an argument.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Move money: initiate and verify at a host that is not this machine.
    #[arg(long, global = true, env = "JIBIT_LIVE", hide_env_values = true, value_parser = switch)]
    pub(crate) live: bool,
    /// Allow plain http to this host. Whoever listens on the way reads tokens.
    #[arg(
        long,
        global = true,
        value_name = "HOST",
        env = "JIBIT_ALLOW_HTTP",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) allow_http: Vec<String>,
    /// A file that holds the token of a sandbox's controls; or
    /// JIBIT_CONTROL_TOKEN or JIBIT_CONTROL_TOKEN_FILE.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) control_token_file: Option<PathBuf>,
    /// Neither use nor keep the tokens that commands share, under
    /// $XDG_STATE_HOME/jibit or ~/.local/state/jibit.
    #[arg(long, global = true)]
    pub(crate) no_token_cache: bool,
    /// Time for each attempt.
    #[arg(long, global = true, value_name = "SECONDS", default_value = "10", value_parser = seconds())]
    pub(crate) timeout: Duration,
    /// Time for the whole command.
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30", value_parser = seconds())]
    pub(crate) deadline: Duration,
    /// Print one JSON object, also when it fails.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on standard error; -vv for each attempt.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

fn seconds() -> impl clap::builder::TypedValueParser<Value = Duration> {
    RangedU64ValueParser::<u64>::new()
        .range(1..=86_400)
        .map(Duration::from_secs)
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Keep the shop and the gateway up, to pay in a browser.
    #[arg(long)]
    pub(crate) web: bool,
    /// Where the shop of --web listens; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = address, requires = "web")]
    pub(crate) listen: SocketAddr,
}

#[derive(Args)]
pub(crate) struct Sandbox {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8090", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// A merchant and its password; may stand several times.
    #[arg(
        long = "merchant",
        value_name = "ID:PASSWORD",
        default_value = "7746:123456",
        hide_default_value = false
    )]
    pub(crate) merchants: Vec<String>,
    /// What the customer's page calls a merchant's shop; may stand several times.
    #[arg(long = "shop-name", value_name = "ID=NAME")]
    pub(crate) shop_names: Vec<String>,
    /// How answers are written: as the document prints them, or without its quirks.
    #[arg(long, value_enum, default_value = "printed")]
    pub(crate) profile: ProfileName,
    /// Switch a single quirk of the answers on or off; may stand several times.
    /// docs/sandbox.md lists them.
    #[arg(long = "quirk", value_name = "NAME=on|off", value_parser = quirk)]
    pub(crate) quirks: Vec<(Quirk, bool)>,
    /// How the customer's browser comes back to the shop: get, post, twice,
    /// late=SECONDS, never, forged-status or forged-order.
    #[arg(long = "return", value_name = "WAY", default_value = "get")]
    pub(crate) returning: Returning,
    /// How long after the payment a verify is taken, such as 15m or 90s.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = duration)]
    pub(crate) verify_window: Duration,
    /// From when that counts.
    #[arg(long, value_enum, default_value = "payment")]
    pub(crate) window_from: WindowFromName,
    /// Fail by this plan, such as "seed=7; any before chance=5% drop".
    #[arg(long, value_name = "PLAN", conflicts_with = "faults_file")]
    pub(crate) faults: Option<FaultPlan>,
    /// Fail by the plan in this file: a rule a line, # for remarks.
    #[arg(long, value_name = "FILE")]
    pub(crate) faults_file: Option<PathBuf>,
    /// How many orders to keep; the next one is refused.
    #[arg(long, value_name = "NUMBER", default_value = "1000000")]
    pub(crate) max_orders: usize,
    /// How long after initiate an order may be paid.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = duration)]
    pub(crate) unpaid_expiry: Duration,
    /// How long a token lives.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    pub(crate) token_life: Duration,
    /// How long a refresh token lives.
    #[arg(long, value_name = "TIME", default_value = "2160h", value_parser = duration)]
    pub(crate) refresh_life: Duration,
}

#[derive(Args)]
pub(crate) struct Capture {
    /// The gateway that requests are passed on to. If it is not this machine,
    /// money moves there: say --live.
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,
    /// Where to listen, on this machine only; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8091", value_parser = address)]
    pub(crate) listen: SocketAddr,
    /// The folder for the fixtures. What is there stays; numbers go on.
    #[arg(long, value_name = "DIR", default_value = "captured")]
    pub(crate) into: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum WindowFromName {
    Payment,
    Initiate,
}

impl From<WindowFromName> for WindowFrom {
    fn from(name: WindowFromName) -> Self {
        match name {
            WindowFromName::Payment => Self::Payment,
            WindowFromName::Initiate => Self::Initiate,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ProfileName {
    Printed,
    Tidy,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Printed => Self::Printed,
            ProfileName::Tidy => Self::Tidy,
        }
    }
}

// The payments' own values are read by the protocol's types, not by the
// parser: its errors repeat the value, which may be a person's.

#[derive(Args)]
pub(crate) struct Initiate {
    /// The amount, in Rial (1 Toman is 10 Rial).
    #[arg(long, value_name = "RIAL", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// Where the customer's browser returns.
    #[arg(long, value_name = "URL")]
    pub(crate) callback_url: String,
    /// The customer's mobile number, in any usual spelling.
    #[arg(long, value_name = "MOBILE", allow_hyphen_values = true)]
    pub(crate) mobile: String,
    /// The order's id in your system; a new one for each attempt.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) merchant_order_id: String,
    /// Text that the gateway gives back.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) additional_data: Option<String>,
    /// Text that the customer sees on the gateway's page.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) description: Option<String>,
}

#[derive(Args)]
pub(crate) struct Verify {
    /// The gateway's id of the order, as initiate gave it.
    #[arg(value_name = "ORDER_ID")]
    pub(crate) order_id: String,
    /// The amount that was initiated, in Rial.
    #[arg(long, value_name = "RIAL", allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// The order's id in your system, as it was initiated.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) merchant_order_id: String,
}

#[derive(Subcommand)]
pub(crate) enum FaultsAction {
    /// Show the plan and how often it has struck.
    Show,
    /// Strike by this plan from here on.
    Set {
        /// Such as "verify after nth=1 reset"; docs/sandbox.md has the words.
        plan: String,
    },
    /// Strike no more.
    Clear,
}

#[derive(Args)]
pub(crate) struct Touch {
    /// The gateway's id of the order.
    #[arg(value_name = "ORDER_ID")]
    pub(crate) order_id: String,
}

#[derive(Args)]
pub(crate) struct Advance {
    /// How far, such as 15m or 90s.
    #[arg(value_name = "TIME", value_parser = duration)]
    pub(crate) time: Duration,
}

#[derive(Args)]
pub(crate) struct Inquiry {
    /// The gateway's id of the order.
    #[arg(value_name = "ORDER_ID")]
    pub(crate) order_id: String,
}

/// A switch that a variable sets; an empty variable is as good as none.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("give 1 or 0".to_owned()),
    }
}

/// A quirk and whether it is on.
fn quirk(text: &str) -> Result<(Quirk, bool), String> {
    let (name, on) = text.split_once('=').unwrap_or((text, "on"));
    let on = match on {
        "on" => true,
        "off" => false,
        _ => return Err("give on or off".to_owned()),
    };
    match name.parse() {
        Ok(quirk) => Ok((quirk, on)),
        Err(_) => {
            let names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.as_str()).collect();
            Err(format!("give one of {}", names.join(", ")))
        }
    }
}

/// The first address of a host and a port.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .ok_or_else(|| "give a host of this machine and a port, such as 127.0.0.1:8090".to_owned())
}

/// A time as people write it: `90s`, `15m`, `1h`; plain digits are seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, unit) = text.split_at(digits.len());
    let seconds = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    digits
        .parse::<u64>()
        .ok()
        .zip(seconds)
        .and_then(|(count, seconds)| count.checked_mul(seconds))
        .filter(|seconds| (1..=31_536_000).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "give a time such as 90s, 15m or 1h, of a year at most".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_empty_switch_is_off_and_a_strange_one_is_an_error() {
        assert_eq!((switch(""), switch("1")), (Ok(false), Ok(true)));
        assert!(switch("maybe").is_err());
        assert!(address("localhost:0").is_ok_and(|address| address.ip().is_loopback()));
        assert!(address("nowhere").is_err());
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        for wrong in [
            "",
            "m",
            "0s",
            "-5m",
            "1d",
            "1.5h",
            "99999999999999999999s",
            "5 m",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
