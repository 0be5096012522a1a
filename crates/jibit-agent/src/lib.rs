//! The checkout for a shop in any language: a process beside it that takes payments of
//! the Jibit QR payment gateway, remembers them, and tells the shop what came of them.
//!
//! `jibit agent` is this crate as a command. The shop speaks HTTP and JSON with it:
//!
//! 1. `POST /orders` stores an order and answers with the URL to send the customer to.
//!    The same body again gives the same order; another body is refused.
//! 2. The customer pays and comes back to the agent's own page, or to the shop, which
//!    passes the query on by `POST /callbacks`. Neither is believed: the gateway is asked.
//! 3. The agent calls the shop's webhook: `order.paid`, `order.not_paid` or
//!    `order.needs_person`, signed, until the shop answers with a status of 200 to 299.
//! 4. The shop fulfils the order, by its number once, and says so:
//!    `POST /orders/{number}/fulfilled`.
//!
//! `GET /openapi.json` describes all of it. An embedded agent is made so:
//!
//! ```no_run
//! use std::sync::Arc;
//! use jibit_agent::{Agent, Listener, Settings};
//! use jibit_axum::ReturnPage;
//! use jibit_checkout::{CallbackUrl, open_store};
//!
//! # async fn run(client: jibit_hyper::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let store = open_store("/var/lib/shop/orders.sqlite3").await?;
//! let back = CallbackUrl::new("https://shop.example/paid")?;
//! let page = ReturnPage::new("کتاب‌فروشی نمونه", "https://shop.example/");
//! let agent = Agent::open(client, store, back, page, Settings::default()).await?;
//! let listener = Listener::tcp("127.0.0.1:8092".parse()?).await?;
//! agent.serve(listener, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! * What an answer says is on the disk. An order whose answer was lost is asked for
//!   again with the same body.
//! * A webhook is sent at least once, with the same `webhook-id` each time, and tells the
//!   state of that moment: nothing goes wrong if it comes late, twice or out of order.
//!   What is to be told is stored with what it is about ([`Notices`]).
//! * Several agents on one Postgres share the work, and each may be killed at any time.
//! * An agent listens on this machine or on a socket's file; beyond, and with a token
//!   wherever one is set, it wants `Authorization: Bearer`. Only the customer's page,
//!   `/health` and `/ready` are for everybody.

mod api;
mod listen;
mod reconcile;
mod server;
mod teller;
mod webhook;

use std::{error::Error as StdError, fmt, future::Future, sync::Arc, time::Duration};

use api::Guard;
use axum::Router;
use jibit_axum::ReturnPage;
use jibit_checkout::{
    CallbackUrl, Checkout, CheckoutError, Happened, Metrics, Notices, Observer as _, StoreError,
};
use jibit_hyper::{Client, Secret, Transport};
use tokio::sync::{Notify, watch};

pub use listen::{ListenError, Listener};
pub use webhook::{Webhook, WebhookSecret};

/// How long what is under way may take when the agent is asked to end.
const LAST: Duration = Duration::from_secs(45);

/// What an agent can be told besides.
#[derive(Default)]
pub struct Settings {
    token: Option<Secret>,
    webhook: Option<(Webhook, Arc<dyn Transport>)>,
}

impl Settings {
    /// Asks callers for this token, as `Authorization: Bearer`.
    #[must_use]
    pub fn token(mut self, token: Secret) -> Self {
        self.token = Some(token);
        self
    }

    /// Tells the shop by this webhook what becomes of orders; a
    /// [`HyperTransport`](jibit_hyper::HyperTransport) will do.
    #[must_use]
    pub fn webhook(mut self, webhook: Webhook, transport: impl Transport + 'static) -> Self {
        self.webhook = Some((webhook, Arc::new(transport)));
        self
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("token", &self.token.is_some())
            .field(
                "webhook",
                &self.webhook.as_ref().map(|(webhook, _)| webhook),
            )
            .finish()
    }
}

/// A checkout that a shop reaches by HTTP.
pub struct Agent {
    shared: Arc<Shared>,
    callback_path: String,
    page: ReturnPage,
    token: Option<Secret>,
    webhook: Option<(Webhook, Arc<dyn Transport>)>,
}

/// What every part works with.
struct Shared {
    checkout: Checkout,
    store: Arc<dyn Notices>,
    metrics: Metrics,
    /// Something happened that the shop may have to be told.
    news: Notify,
}

/// Why an agent cannot be had, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The checkout cannot be opened.
    #[error("the checkout cannot be opened")]
    Checkout(#[source] CheckoutError),
    /// The store does not keep what the shop is to be told.
    #[error("the store does not keep notices")]
    Store(#[source] StoreError),
    /// The callback URL's path is one of the agent's own, or one that stands for others.
    #[error(
        "the callback URL's path is one that the agent needs for itself, or holds a brace, or a \
         part of it begins with : or *: give another, such as https://shop.example/paid"
    )]
    CallbackPath,
    /// Anybody could take payments: the listener is not this machine's alone, and no
    /// token is set.
    #[error(
        "the address is reached from beyond this machine and no token is set: give a token, or \
         an address such as 127.0.0.1:8092"
    )]
    Open,
}

impl Agent {
    /// An agent over this client and store. Customers come back to `callback_url`, whose
    /// path the agent answers with `page`.
    ///
    /// # Errors
    ///
    /// If the store does not work, the URL is too long to carry a code, or its path is
    /// one of the agent's own.
    pub async fn open(
        client: Client,
        store: Arc<dyn Notices>,
        callback_url: CallbackUrl,
        page: ReturnPage,
        settings: Settings,
    ) -> Result<Self, AgentError> {
        let callback_path = path(callback_url.as_str()).ok_or(AgentError::CallbackPath)?;
        let checkout = Checkout::open(client, Arc::clone(&store), callback_url).await;
        let checkout = checkout.map_err(AgentError::Checkout)?;
        if settings.webhook.is_some() {
            let followed = store.follow(checkout.account()).await;
            followed.map_err(AgentError::Store)?;
        }
        let shared = Arc::new_cyclic(|shared: &std::sync::Weak<Shared>| {
            let shared = shared.clone();
            let observer = move |what: Happened| {
                if let Some(shared) = shared.upgrade() {
                    shared.metrics.happened(what);
                    if matches!(what, Happened::Settled(_) | Happened::Raised(_)) {
                        shared.news.notify_one();
                    }
                }
            };
            Shared {
                checkout: checkout.observed_by(observer),
                store,
                metrics: Metrics::default(),
                news: Notify::new(),
            }
        });
        Ok(Self {
            shared,
            callback_path,
            page,
            token: settings.token,
            webhook: settings.webhook,
        })
    }

    /// What takes the payments.
    #[must_use]
    pub fn checkout(&self) -> &Checkout {
        &self.shared.checkout
    }

    /// The routes alone, for a server of your own. Somebody then has to run
    /// [`Checkout::run_reconciler`], and no webhook is called.
    pub fn router(&self) -> Router {
        self.guarded(Guard::new(self.token.as_ref()))
    }

    fn guarded(&self, guard: Guard) -> Router {
        let (shared, page) = (Arc::clone(&self.shared), self.page.clone());
        api::router(shared, guard, &self.callback_path, page)
    }

    /// Answers the shop and its customers, settles what is due and calls the webhook,
    /// until `stop`. What is under way then ends first, within 45 seconds.
    ///
    /// # Errors
    ///
    /// [`Open`](AgentError::Open), before anything is answered.
    pub async fn serve(
        self,
        listener: Listener,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), AgentError> {
        if listener.is_open() && self.token.is_none() {
            return Err(AgentError::Open);
        }
        let router = match &self.token {
            // Who may open the file may ask, and no browser can.
            None if listener.is_socket() => self.guarded(Guard::none()),
            _ => self.router(),
        };
        let (ending, ended) = watch::channel(false);
        let reconciler = tokio::spawn(reconcile::run(self.shared.checkout.clone(), ended.clone()));
        let teller = self.webhook.map(|(webhook, transport)| {
            let shared = Arc::clone(&self.shared);
            tokio::spawn(teller::run(shared, webhook, transport, ended.clone()))
        });
        let mut over = ended;
        let server = listener.serve(router, async move {
            let _ = over.wait_for(|over| *over).await;
        });
        let mut parts = std::pin::pin!(async {
            server.await;
            let _ = reconciler.await;
            if let Some(teller) = teller {
                let _ = teller.await;
            }
        });
        tokio::select! {
            () = &mut parts => {}
            () = stop => {
                // Nobody hears it if every part is over.
                let _ = ending.send(true);
                // What takes longer is asked about, and told, again by the next agent.
                let _ = tokio::time::timeout(LAST, parts).await;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("checkout", &self.shared.checkout)
            .finish_non_exhaustive()
    }
}

/// The path of the customer's page, if the agent has no other use for it.
fn path(url: &str) -> Option<String> {
    let uri = url.parse::<http::Uri>().ok()?;
    let path = uri.path();
    let mut parts = path.split('/').skip(1);
    let is_own = parts
        .clone()
        .next()
        .is_some_and(|first| api::OWN_PATHS.contains(&first));
    // To a router these stand for whatever may be there.
    let is_pattern = path.contains(['{', '}']) || parts.any(|part| part.starts_with([':', '*']));
    (!is_own && !is_pattern).then(|| path.to_owned())
}

/// An error and its causes in one line.
fn line(error: &(dyn StdError + 'static)) -> String {
    let all = std::iter::successors(Some(error), |&error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
