//! One run on one store, from the first customer to the verdict.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use jibit_checkout::{Checkout, Entry};
use jibit_hyper::{HyperTransport, Roots};
use jibit_sandbox::{Account, FaultPlan, Sandbox, State};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    Outcome,
    customers::{Customers, Visit},
    faults::{self, Struck},
    fleet::{Fleet, Site},
    goods::Goods,
    meddler::Meddler,
    progress::Progress,
    said,
    seed::{About, Seed},
    shop::{self, MERCHANT, Mistake},
    verdict::{Books, Verdict},
};

/// How many customers are about at a time.
const TOGETHER: usize = 32;

/// How long the shops have to catch up: a lease of whoever died, and the asks after it; or
/// what a webhook waits that was lost six times.
const CATCH_UP: Duration = Duration::from_secs(240);

/// Longer than the sandbox waits for a verify.
const WINDOW: Duration = Duration::from_secs(16 * 60);

/// Where the shops keep their orders.
pub(crate) enum Place {
    Sqlite,
    /// At this URL.
    Postgres(String),
}

impl Place {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// How many shops share it, and over how many agents.
    const fn size(&self, by_agents: bool) -> (usize, usize) {
        match (self, by_agents) {
            (Self::Sqlite, false) => (1, 0),
            (Self::Postgres(_), false) => (4, 0),
            (Self::Sqlite, true) => (2, 1),
            (Self::Postgres(_), true) => (2, 3),
        }
    }

    fn address(&self, folder: &TempDir) -> String {
        match self {
            Self::Sqlite => folder.path().join("orders.sqlite").display().to_string(),
            Self::Postgres(url) => url.clone(),
        }
    }
}

/// Whoever leads a run.
pub(crate) struct Conductor {
    pub(crate) place: Place,
    pub(crate) seed: Seed,
    pub(crate) mistake: Option<Mistake>,
    /// Whether the shops ask agents.
    pub(crate) by_agents: bool,
    pub(crate) progress: Arc<Progress>,
}

impl Conductor {
    pub(crate) async fn conduct(&self) -> Outcome<Verdict> {
        let folder = TempDir::with_prefix("jibit-chaos-").map_err(said)?;
        let sandbox = Arc::new(Sandbox::start().await.map_err(said)?);
        sandbox.arm(faults::plan(self.seed)?);
        let meddler = if self.by_agents {
            Some(Meddler::start(self.seed).await?)
        } else {
            None
        };
        let site = Site {
            gateway: sandbox.url(),
            store: self.place.address(&folder),
            folder: folder.path().to_owned(),
            mistake: self.mistake,
            webhook: meddler.as_ref().map(|(_, url)| url.clone()),
        };
        // Before the shops: it makes the store.
        let checkout = shop::checkout(&site.gateway, &site.store).await?;
        let goods = Goods::open(&site.goods())?;
        let (shops, agents) = self.place.size(self.by_agents);
        let fleet = Fleet::start(site, shops, agents)?;
        if let Some((meddler, _)) = &meddler {
            meddler.reaches(fleet.shops()?);
        }
        let browser = HyperTransport::builder().roots(Roots::none()).build();
        let customers = Customers {
            sandbox: Arc::clone(&sandbox),
            shops: fleet.shops()?,
            by_agents: self.by_agents,
            browser: browser.map_err(said)?,
            seed: self.seed,
        };
        let fleet = RefCell::new(fleet);
        let (visits, ()) = tokio::try_join!(self.serve(&customers), self.kill(&fleet))?;

        let struck = Struck::so_far(&sandbox, &customers.browser).await?;
        sandbox.arm(FaultPlan::default());
        if let Some((meddler, _)) = &meddler {
            meddler.behave();
        }
        let ended = Ended {
            sandbox: &sandbox,
            checkout: &checkout,
            goods: &goods,
            visits: &visits,
        };
        self.catch_up(&ended, &fleet).await?;
        drop(fleet);
        let mut verdict = ended.verdict(&customers.browser).await?;
        verdict.payments = self.progress.payments;
        verdict.kills = self.progress.killed.load(Relaxed);
        verdict.struck = struck;
        verdict.webhooks = meddler.map(|(meddler, _)| meddler.to_string());
        if !verdict.is_clean() {
            verdict.kept = Some(folder.keep().display().to_string());
        }
        Ok(verdict)
    }

    async fn serve(&self, customers: &Customers) -> Outcome<Vec<Visit>> {
        let visits = stream::iter(0..self.progress.payments).map(|customer| async move {
            self.let_in(customer).await;
            let visit = customers.buy(customer).await;
            self.progress.served.fetch_add(1, Relaxed);
            visit
        });
        Ok(visits.buffer_unordered(TOGETHER).collect().await)
    }

    /// Customers do not run ahead of the kills, so that all of them live through some.
    async fn let_in(&self, customer: u64) {
        let ahead = customer.saturating_sub(TOGETHER as u64);
        let due = ahead * self.progress.kills / self.progress.payments.max(1);
        while self.progress.killed.load(Relaxed) < due {
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills shops, spread over the customers, each at a moment of its own.
    async fn kill(&self, fleet: &RefCell<Fleet>) -> Outcome<()> {
        for kill in 0..self.progress.kills {
            let drawn = self.seed.at(About::Kill, kill);
            let due = self.progress.payments * kill / self.progress.kills;
            while self.progress.served.load(Relaxed) < due {
                sleep(Duration::from_millis(5)).await;
                fleet.borrow_mut().check()?;
            }
            // Long enough to log in and to capture something, most times.
            sleep(Duration::from_millis(drawn % 3000)).await;
            fleet.borrow_mut().kill(drawn >> 32)?;
            self.progress.killed.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    /// Waits until nothing waits, or for as long as that may take.
    async fn catch_up(&self, ended: &Ended<'_>, fleet: &RefCell<Fleet>) -> Outcome<()> {
        let began = Instant::now();
        loop {
            fleet.borrow_mut().check()?;
            let waiting = ended.waiting().await?;
            self.progress.waiting.store(waiting, Relaxed);
            if waiting == 0 || began.elapsed() > CATCH_UP {
                return Ok(());
            }
            sleep(Duration::from_millis(500)).await;
        }
    }
}

/// When all customers have been served.
struct Ended<'a> {
    sandbox: &'a Sandbox,
    checkout: &'a Checkout,
    goods: &'a Goods,
    visits: &'a [Visit],
}

impl Ended<'_> {
    /// How much the shops have yet to do.
    async fn waiting(&self) -> Outcome<u64> {
        let goods = self.goods.all()?;
        let handed: BTreeSet<_> = goods.iter().map(|row| row.number.as_str()).collect();
        let is_captured =
            |page: &String| self.sandbox.state(page) == Some(State::PurchaseConfirmByMerchant);
        let paid = self.visits.iter().filter(|visit| visit.paid);
        let waits = paid.filter(|visit| {
            !visit.pages.iter().any(is_captured) || !handed.contains(visit.number.as_str())
        });
        let backlog = self.checkout.backlog().await.map_err(said)?;
        Ok(waits.count() as u64 + backlog.unfulfilled + backlog.undetermined)
    }

    async fn verdict(&self, by: &HyperTransport) -> Outcome<Verdict> {
        // Whatever is not captured by now goes back to who paid it.
        self.sandbox.advance(WINDOW);
        let book = faults::read(self.sandbox, by, "book").await?;
        let merchant = Account::Merchant(MERCHANT.to_owned());
        let mut verdict = Verdict::of(&Books {
            visits: self.visits,
            state: &|page| self.sandbox.state(page),
            merchant: self.sandbox.balance(&merchant),
            escrow: self.sandbox.balance(&Account::Escrow),
            goods: &self.goods.all()?,
        });
        let wrong = book.get("violations").and_then(Value::as_array);
        for wrong in wrong.ok_or("the sandbox does not say what is wrong with its book")? {
            verdict.disagree(None, &wrong.to_string());
        }
        for disagreement in &mut verdict.disagreements {
            let Some(number) = &disagreement.number else {
                continue;
            };
            let number = number.parse().map_err(said)?;
            let timeline = self.checkout.timeline(&number).await.map_err(said)?;
            disagreement.timeline = timeline.iter().map(line).collect();
        }
        Ok(verdict)
    }
}

/// A line of a timeline, as people read it.
fn line(entry: &Entry) -> String {
    let attempt = entry.attempt.map(|number| format!(" attempt {number}"));
    let state = entry.state.map(|state| format!(" {state}"));
    let (attempt, state) = (attempt.unwrap_or_default(), state.unwrap_or_default());
    format!("{:?}{attempt}{state}: {}", entry.at, entry.text)
}
