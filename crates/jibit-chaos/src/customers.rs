//! People who buy, pay or cancel, and come back or do not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jibit_hyper::{HyperTransport, Transport as _};
use jibit_sandbox::Sandbox;
use tokio::time::{sleep, timeout};

use crate::{
    Outcome, said,
    seed::{About, Seed},
};

/// How long a browser waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a customer tries to buy.
const STUBBORN: Duration = Duration::from_secs(120);

/// What a customer does after the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Cancels, comes back, and claims to have paid.
    Cancels,
    /// Two people pay for the same order, each on a page of his own.
    PaysTwice,
    NeverReturns,
    ReturnsThrice,
    Returns,
}

impl Plan {
    /// A twentieth cancels and as many pay twice, a tenth never returns, a tenth
    /// returns three times.
    pub(crate) const fn of(seed: Seed, customer: u64) -> Self {
        match seed.at(About::Plan, customer) % 20 {
            0 => Self::Cancels,
            1 => Self::PaysTwice,
            2 | 3 => Self::NeverReturns,
            4 | 5 => Self::ReturnsThrice,
            _ => Self::Returns,
        }
    }
}

/// What a customer did, told by himself.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// The shop's order.
    pub(crate) number: String,
    pub(crate) plan: Plan,
    /// The gateway's orders that he was sent to.
    pub(crate) pages: Vec<String>,
    /// Whether he paid on them.
    pub(crate) paid: bool,
    /// What kept him from doing what he planned.
    pub(crate) trouble: Option<String>,
}

/// The customers of some shops.
pub(crate) struct Customers {
    pub(crate) sandbox: Arc<Sandbox>,
    /// Where the shops are.
    pub(crate) shops: Vec<String>,
    pub(crate) browser: HyperTransport,
    pub(crate) seed: Seed,
    /// Whether they ask agents, who send everybody with the same order to one page.
    pub(crate) by_agents: bool,
}

impl Customers {
    /// A customer buys the order of his number.
    pub(crate) async fn buy(&self, customer: u64) -> Visit {
        let mut visit = Visit {
            number: format!("order-{customer}"),
            plan: match Plan::of(self.seed, customer) {
                Plan::PaysTwice if self.by_agents => Plan::Returns,
                plan => plan,
            },
            pages: Vec::new(),
            paid: false,
            trouble: None,
        };
        visit.trouble = self.go_through(customer, &mut visit).await.err();
        visit
    }

    async fn go_through(&self, customer: u64, visit: &mut Visit) -> Outcome<()> {
        let payers = if visit.plan == Plan::PaysTwice { 2 } else { 1 };
        for payer in 0..payers {
            let page = self.page(customer, payer, &visit.number).await?;
            visit.pages.push(page);
        }
        for page in &visit.pages {
            let touched = match visit.plan {
                Plan::Cancels => self.sandbox.cancel(page),
                _ => self.sandbox.pay(page),
            };
            let order = touched.map_err(|refusal| format!("at the page {page}: {refusal}"))?;
            visit.paid = visit.plan != Plan::Cancels;
            let times = match visit.plan {
                Plan::NeverReturns => 0,
                Plan::ReturnsThrice => 3,
                _ => 1,
            };
            let url = order.return_url().replace("CANCEL_BY", "PURCHASE_BY");
            let query = url.split_once('?').map_or("", |(_, query)| query);
            for time in 0..times {
                // A browser does not try again when nothing answers.
                let path = format!("/back?{query}");
                let _ = self.ask(customer + time, Method::GET, &path, "").await;
            }
        }
        Ok(())
    }

    /// The gateway's order that a shop sends the customer to. A shop that is dead just
    /// now, or in trouble, is tried again, as people do.
    async fn page(&self, customer: u64, payer: u64, number: &str) -> Outcome<String> {
        let body = format!("{number} 0912{:07}", customer * 2 + payer);
        let began = Instant::now();
        let mut said = String::new();
        for round in 0.. {
            if began.elapsed() > STUBBORN {
                break;
            }
            match self
                .ask(customer + round, Method::POST, "/buy", &body)
                .await
            {
                Ok(answer) => {
                    let text = String::from_utf8_lossy(answer.body()).into_owned();
                    match answer.status() {
                        StatusCode::OK => {
                            let id = text.rsplit('/').next().unwrap_or_default();
                            return Ok(id.to_owned());
                        }
                        StatusCode::SERVICE_UNAVAILABLE => said = text,
                        _ => return Err(format!("the shop refuses: {text}")),
                    }
                }
                Err(error) => said = error,
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(format!("no page in {} s: {said}", STUBBORN.as_secs()))
    }

    /// Asks one of the shops.
    async fn ask(
        &self,
        place: u64,
        method: Method,
        path: &str,
        body: &str,
    ) -> Outcome<Response<Bytes>> {
        let which = self.seed.at(About::Shop, place) % self.shops.len().max(1) as u64;
        let shop = self.shops.get(usize::try_from(which).unwrap_or_default());
        let shop = shop.ok_or("there is no shop")?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{shop}{path}"))
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .map_err(said)?;
        let answer = timeout(PATIENCE, self.browser.send(request)).await;
        let answer = answer.map_err(|_| format!("no answer in {} s", PATIENCE.as_secs()))?;
        answer.map_err(said)
    }
}
