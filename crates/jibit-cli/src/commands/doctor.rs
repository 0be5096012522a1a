use anstyle::AnsiColor;
use jibit_checkout::{AccountKey, Backlog, Store};
use jibit_hyper::{Certainty, ErrorKind, Timestamp};
use serde::Serialize;

use crate::{
    account::{self, Account, Moves, Skew},
    args::{Doctor, Settings},
    interrupt,
    report::{Exit, Failure, Report, whole_message},
    show,
    store::{self, Place},
};

/// From here on the clocks of a fleet's hosts and the gateway's tell different
/// stories, in milliseconds.
const SKEWED: i64 = 5_000;

/// From here on hosts take each other's work: what one holds for a minute is over
/// for another. That costs requests, no money.
const BADLY_SKEWED: i64 = 60_000;

/// A token that lives for a shorter time than this is renewed all the time.
const SHORT_LIFE: std::time::Duration = std::time::Duration::from_secs(600);

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    Ok,
    Warn,
    Bad,
}

/// What was looked at, what was found, and what to do.
#[derive(Serialize)]
struct Check {
    check: &'static str,
    health: Health,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self {
            check,
            health: Health::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            health: Health::Warn,
            remedy: Some(remedy.into()),
            ..Self::ok(check, found)
        }
    }

    fn bad(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            health: Health::Bad,
            ..Self::warn(check, found, remedy)
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    health: Health,
    checks: &'a [Check],
}

pub(crate) async fn run(settings: &Settings, args: &Doctor) -> Result<Report, Failure> {
    let mut checks = Vec::new();
    let looked = async {
        match account::open(settings, Moves::Nothing) {
            Ok(account) => {
                checks.push(configuration(settings));
                gateway(&account, &mut checks).await;
            }
            Err(failure) => checks.push(refused("configuration", &failure)),
        }
        at_store(settings, args, &mut checks).await;
    };
    tokio::select! {
        () = looked => {}
        () = interrupt::pressed() => return Err(Failure::interrupted(Certainty::NothingHappened)),
    }
    Ok(report(&checks))
}

/// A failure whose text ends in what to do.
fn refused(check: &'static str, failure: &Failure) -> Check {
    let text = failure.text();
    let (found, remedy) = text.split_once("; ").unwrap_or((&text, "see above"));
    Check::bad(check, found, remedy)
}

fn configuration(settings: &Settings) -> Check {
    let username = settings.username.as_deref().unwrap_or_default();
    let base = account::gateway(&settings.base_url, "--base-url", settings, Moves::Nothing);
    let Ok(base) = base else {
        // It was opened with the same settings.
        return Check::ok("configuration", "complete");
    };
    let found = format!("merchant {username} at {}", base.origin());
    if base.origin().starts_with("http:") && !base.is_loopback() {
        let remedy = "use https, or be sure of the network: whoever listens reads tokens";
        return Check::warn("configuration", format!("{found}, by plain http"), remedy);
    }
    Check::ok("configuration", found)
}

/// Logs in, and learns from the answer: whether the gateway is there, whether it takes
/// the password, what time it is there, and how long its tokens live.
async fn gateway(account: &Account, checks: &mut Vec<Check>) {
    let authenticated = account.client.authenticate().await;
    match &authenticated {
        Ok(()) => checks.push(Check::ok("gateway", "answers, and accepts the credentials")),
        Err(error) if error.answer().is_some() && error.kind() == ErrorKind::Credentials => {
            checks.push(Check::bad(
                "gateway",
                format!(
                    "answers, and refuses the credentials: {}",
                    whole_message(error)
                ),
                "compare the merchant id and the password with those that Jibit gave",
            ));
        }
        Err(error) => checks.push(Check::bad(
            "gateway",
            whole_message(error),
            "see whether the base URL is right, and whether a firewall, DNS or TLS is in the way",
        )),
    }
    if let Some(skew) = account.skew() {
        checks.push(clock(skew));
    }
    if authenticated.is_ok() {
        let ends = account.client.tokens_expire();
        checks.extend(ends.map(|ends| token(ends, account.client.clock().now())));
    }
}

fn clock(skew: Skew) -> Check {
    // What the answer leaves possible reaches over 0 if the clocks may be the same.
    let off = skew.least.max(0) + skew.most.min(0);
    if off.abs() < SKEWED {
        return Check::ok("clock", "goes with the gateway's");
    }
    let way = if off > 0 { "behind" } else { "ahead of" };
    let found = format!("{} s {way} the gateway's", off.abs() / 1000);
    let remedy = "let NTP set this machine's clock, such as by systemd-timesyncd or chrony";
    if off.abs() < BADLY_SKEWED {
        Check::warn("clock", found, remedy)
    } else {
        Check::bad("clock", found, remedy)
    }
}

fn token(ends: Timestamp, now: Timestamp) -> Check {
    let left = ends.since(now);
    let found = format!(
        "lives for {} h {:02} min, until {}",
        left.as_secs() / 3600,
        left.as_secs() / 60 % 60,
        show::local(ends)
    );
    if left < SHORT_LIFE {
        let remedy = "ask Jibit why: each process has to log in again and again";
        return Check::warn("token", found, remedy);
    }
    Check::ok("token", found)
}

async fn at_store(settings: &Settings, args: &Doctor, checks: &mut Vec<Check>) {
    let place = match Place::named(&args.store) {
        Ok(place) if place.is_none() => {
            checks.push(Check::warn(
                "store",
                "none is named",
                "name the shop's by --store, JIBIT_STORE or JIBIT_STORE_FILE, if it uses jibit-checkout",
            ));
            return;
        }
        Ok(place) => place,
        Err(failure) => return checks.push(refused("store", &failure)),
    };
    match place.open().await {
        Ok(store) => {
            checks.push(opened(&*store, place.kind()).await);
            if let Ok(account) = account::key(settings) {
                inside(&*store, &account, checks).await;
            }
        }
        Err(failure) => checks.push(refused("store", &failure)),
    }
}

async fn opened(store: &dyn Store, kind: &str) -> Check {
    match store.schema_version().await {
        Ok(Some(version)) => Check::ok(
            "store",
            format!("{kind} opens, tables of version {version}"),
        ),
        Ok(None) => Check::ok("store", format!("{kind} opens")),
        Err(error) => refused("store", &Failure::store(&error)),
    }
}

/// What a store holds.
async fn inside(store: &dyn Store, account: &AccountKey, checks: &mut Vec<Check>) {
    match store::others(store, account).await {
        Ok(None) => checks.push(Check::ok("accounts", "no orders but this account's")),
        Ok(Some(others)) => checks.push(Check::warn(
            "accounts",
            others,
            "nothing, if that is meant: they are neither asked about nor shipped",
        )),
        Err(failure) => return checks.push(refused("accounts", &failure)),
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = Timestamp::default() + now.unwrap_or_default();
    match store.backlog(account, now).await {
        Ok(backlog) => checks.push(waiting(&backlog)),
        Err(error) => checks.push(refused("backlog", &Failure::store(&error))),
    }
}

fn waiting(backlog: &Backlog) -> Check {
    let found = format!(
        "{} due, {} near the deadline, {} undetermined, {} quarantined, {} paid and not fulfilled",
        backlog.due,
        backlog.near_deadline,
        backlog.undetermined,
        backlog.quarantined,
        backlog.unfulfilled
    );
    let check = "backlog";
    if backlog.near_deadline > 0 {
        let remedy = "run jibit reconcile now: the gateway takes these payments back at 15 minutes";
        Check::bad(check, found, remedy)
    } else if backlog.quarantined > 0 {
        let remedy = "see jibit orders --alarm strangers-capture, mismatch and contradiction, and decide by \
                      jibit order adopt or release";
        Check::warn(check, found, remedy)
    } else if backlog.due > 0 || backlog.undetermined > 0 {
        let remedy = "see that jibit reconcile or the shop's own reconciler runs";
        Check::warn(check, found, remedy)
    } else if backlog.unfulfilled > 0 {
        let remedy = "see that the shop takes its fulfilments";
        Check::warn(check, found, remedy)
    } else {
        Check::ok(check, found)
    }
}

fn report(checks: &[Check]) -> Report {
    let is_any = |health| checks.iter().any(|check| check.health == health);
    let health = if is_any(Health::Bad) {
        Health::Bad
    } else if is_any(Health::Warn) {
        Health::Warn
    } else {
        Health::Ok
    };
    let lines: Vec<_> = checks.iter().map(line).collect();
    let json = Shown { health, checks };
    let mut report = Report::new(&json, lines.join("\n"));
    if health == Health::Bad {
        report.exit = Exit::Found;
    }
    report
}

fn line(check: &Check) -> String {
    let (word, colour) = match check.health {
        Health::Ok => ("ok  ", AnsiColor::Green),
        Health::Warn => ("warn", AnsiColor::Yellow),
        Health::Bad => ("bad ", AnsiColor::Red),
    };
    let style = colour.on_default().bold();
    let remedy = check.remedy.as_ref();
    let remedy = remedy.map(|remedy| format!("\n      {:<14} → {remedy}", ""));
    format!(
        "{style}{word}{style:#}  {:<14} {}{}",
        check.check,
        check.found,
        remedy.unwrap_or_default()
    )
}
