//! A shop's life under strace, its customer, and what comes after its death.

use std::{
    cell::Cell,
    env, fmt,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, SystemTime},
};

use jibit_checkout::{Checkout, State};
use jibit_hyper::Timestamp;
use jibit_sandbox::{Sandbox, State as GatewayState};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::trace::Trace;
use crate::{
    Outcome,
    goods::Goods,
    one::{self, NUMBER},
    said,
    shop::{self, STORE},
};

/// How long a shop may take over one order.
const LIMIT: Duration = Duration::from_secs(60);

/// How much later the shop is back: the leases of whoever died are over, and an
/// initiate that nobody waits for any more is given up.
const LATER: Duration = Duration::from_secs(6 * 60);

/// How often whoever is back goes over the order.
const ROUNDS: usize = 5;

/// What meets a shop.
#[derive(Clone, Copy)]
pub(super) enum Strike<'a> {
    None,
    /// Nothing, but only calls about its files are watched.
    Watch,
    /// SIGKILL at the `nth` call of this name by one of its threads.
    Kill {
        name: &'a str,
        nth: u64,
    },
    /// The `nth` call of this name about its files fails, and if `lasting` each
    /// after it.
    Fail {
        name: &'a str,
        nth: u64,
        error: &'a str,
        lasting: bool,
    },
}

impl fmt::Display for Strike<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None | Self::Watch => f.write_str("undisturbed"),
            Self::Kill { name, nth } => write!(f, "killed at {name} {nth}"),
            Self::Fail {
                name,
                nth,
                error,
                lasting,
            } => {
                let from = if *lasting { "from " } else { "" };
                write!(f, "{error} {from}at {name} {nth}")
            }
        }
    }
}

/// A shop with files of its own.
pub(super) struct Life<'a> {
    sandbox: &'a Sandbox,
    folder: TempDir,
    /// Whether the customer paid.
    paid: Cell<bool>,
}

impl<'a> Life<'a> {
    pub(super) fn new(sandbox: &'a Sandbox) -> Outcome<Self> {
        Ok(Self {
            sandbox,
            folder: TempDir::with_prefix("jibit-chaos-").map_err(said)?,
            paid: Cell::new(false),
        })
    }

    /// Keeps the files, and says where they are.
    pub(super) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("orders.sqlite")
    }

    fn goods(&self) -> PathBuf {
        self.folder.path().join("goods.sqlite")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("trace")
    }

    /// The shop begins the order, the customer pays and comes back, the shop hands
    /// out the goods; or it dies on the way.
    pub(super) async fn lead(&self, strike: &Strike<'_>) -> Outcome<Trace> {
        let mut shop = self.spawn(strike)?;
        let ended = match timeout(LIMIT, self.visit(&mut shop)).await {
            Ok(ended) => ended?,
            Err(_) => {
                shop.kill().await.map_err(said)?;
                return Err(format!("{strike}: it hangs"));
            }
        };
        Trace::read(&self.log(), ended)
    }

    fn spawn(&self, strike: &Strike<'_>) -> Outcome<Child> {
        let mut command = Command::new("strace");
        // With what each descriptor is, and as much of what is sent as tells requests apart.
        command.args(["-f", "-y", "-s", "64", "-o"]).arg(self.log());
        let inject = match strike {
            Strike::None | Strike::Watch => None,
            Strike::Kill { name, nth } => Some(format!("inject={name}:signal=KILL:when={nth}")),
            Strike::Fail {
                name,
                nth,
                error,
                lasting,
            } => {
                let from = if *lasting { "+" } else { "" };
                Some(format!("inject={name}:error={error}:when={nth}{from}"))
            }
        };
        if let Some(inject) = inject {
            command.args(["-e", &inject]);
        }
        if matches!(strike, Strike::Watch | Strike::Fail { .. }) {
            for file in [self.store(), self.goods()] {
                for end in ["", "-wal", "-journal"] {
                    let path = format!("{}{end}", file.display());
                    command.args(["-P", &path]);
                }
            }
        }
        command
            .arg(env::current_exe().map_err(said)?)
            .args(["order", "--gateway", &self.sandbox.url(), "--goods"])
            .arg(self.goods())
            .env(STORE, self.store())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("strace does not start: {error}"))
    }

    /// What the customer does, for as long as there is a shop.
    async fn visit(&self, shop: &mut Child) -> Outcome<ExitStatus> {
        let output = shop.stdout.take().ok_or("the shop has no output")?;
        let mut page = String::new();
        let read = BufReader::new(output).read_line(&mut page).await;
        read.map_err(said)?;
        if page.ends_with('\n') {
            let query = self.pay(page.trim())?;
            if let Some(mut input) = shop.stdin.take() {
                // The shop may have died meanwhile.
                let _ = input.write_all(format!("{query}\n").as_bytes()).await;
            }
        }
        shop.wait().await.map_err(said)
    }

    /// The customer pays; the query that he comes back with.
    fn pay(&self, page: &str) -> Outcome<String> {
        let id = page.rsplit('/').next().unwrap_or_default();
        let order = self.sandbox.pay(id).map_err(said)?;
        self.paid.set(true);
        let url = order.return_url();
        let query = url.split_once('?').map_or("", |(_, query)| query);
        Ok(query.to_owned())
    }

    /// The shop is back, and undisturbed. A customer who was sent nowhere tries again.
    pub(super) async fn recover(&self) -> Outcome<()> {
        let store = self.store().display().to_string();
        let checkout = shop::checkout(&self.sandbox.url(), &store).await?;
        let checkout = checkout.timed_by(later);
        let goods = Goods::open(&self.goods())?;
        for _ in 0..ROUNDS {
            if !self.paid.get() {
                let started = one::start(&checkout).await?;
                self.pay(&started.redirect_url)?;
            }
            let number = NUMBER.parse().map_err(said)?;
            checkout.reconcile_one(&number).await.map_err(said)?;
            one::hand_out(&checkout, &goods).await?;
            let backlog = checkout.backlog().await.map_err(said)?;
            if backlog.unfulfilled == 0 && self.handed(&goods)? > 0 {
                break;
            }
        }
        self.judge(&checkout, &goods).await
    }

    fn handed(&self, goods: &Goods) -> Outcome<u64> {
        Ok(goods.all()?.iter().map(|row| row.handed).sum())
    }

    async fn judge(&self, checkout: &Checkout, goods: &Goods) -> Outcome<()> {
        let order = checkout.order(&NUMBER.parse().map_err(said)?).await;
        let attempts = order.map_err(said)?.attempts;
        let paid = attempts.iter().filter(|it| it.state == State::Paid).count();
        let captured = attempts.iter().filter_map(|it| it.order_id.as_ref());
        let captured = captured.filter(|id| {
            self.sandbox.state(id.as_str()) == Some(GatewayState::PurchaseConfirmByMerchant)
        });
        let (captured, handed) = (captured.count(), self.handed(goods)?);
        if (paid, captured, handed) == (1, 1, 1) {
            return Ok(());
        }
        Err(format!(
            "{paid} attempts are paid, {captured} captured, and goods left {handed} times"
        ))
    }
}

fn later() -> Timestamp {
    let now = SystemTime::now() + LATER;
    Timestamp::default()
        + now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
}
