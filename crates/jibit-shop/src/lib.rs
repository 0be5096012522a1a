//! The shop of `jibit demo --web`: a small Persian shop on axum and
//! [`jibit_checkout`], with an operator's page.
//!
//! It is a shop to look at and to copy from, and sells nothing. What it shows:
//!
//! * A basket has its order's number from the start. Whoever pays again for the
//!   same basket, or in two tabs, pays the same order; whoever changes a basket that
//!   was taken to the gateway gets another number, and the old order is withdrawn
//!   before the new one begins. So nobody pays twice for one basket.
//! * The customer comes back to `jibit-axum`'s page.
//! * The reconciler runs beside it, and a worker ships what is paid.
//! * `/operator` shows every order with its attempts and its timeline, what waits,
//!   and has buttons where a person has to decide. `/metrics` is for Prometheus.
//!   Both are for this machine alone: a shop that listens beyond it has neither.
//!
//! ```no_run
//! use jibit_checkout::MemoryStore;
//!
//! # async fn shop(client: jibit_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let shop = jibit_shop::serve(listener, client, MemoryStore::new()).await?;
//! println!("buy at {}, watch at {}", shop.url(), shop.operator_url());
//! # Ok(())
//! # }
//! ```

mod basket;
mod catalogue;
mod front;
mod guard;
mod operator;
mod page;
mod sales;
mod shipping;

use std::{fmt, io, net::SocketAddr, sync::Arc};

use axum::{Router, extract::FromRef, middleware};
use jibit_axum::{ReturnPage, callback};
use jibit_checkout::{
    CallbackUrl, Checkout, CheckoutError, Happened, Metrics, Observer as _, Store,
};
use jibit_client::Client;
use tokio::{net::TcpListener, task::JoinSet};

use sales::Sales;

/// What the shop is called.
pub const NAME: &str = "دکان نمونه";

/// A running shop. It stops when it is dropped.
pub struct Shop {
    address: SocketAddr,
    checkout: Checkout,
    _tasks: JoinSet<()>,
}

/// Why a shop cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener has no address.
    #[error("the shop's address cannot be read")]
    Address(#[source] io::Error),
    /// The checkout cannot be opened.
    #[error("the shop's checkout cannot be opened")]
    Checkout(#[source] CheckoutError),
}

/// What every page of the shop works with.
#[derive(Clone)]
struct State {
    checkout: Checkout,
    sales: Arc<Sales>,
    metrics: Arc<Metrics>,
}

impl FromRef<State> for Checkout {
    fn from_ref(state: &State) -> Self {
        state.checkout.clone()
    }
}

/// Opens a shop that takes payments with `client` and keeps them in `store`.
/// Customers reach it by plain http at the listener's address.
///
/// # Errors
///
/// If the listener has no address, or the store does not work.
pub async fn serve(
    listener: TcpListener,
    client: Client,
    store: impl Store + 'static,
) -> Result<Shop, ServeError> {
    let address = listener.local_addr().map_err(ServeError::Address)?;
    let metrics = Arc::new(Metrics::default());
    let checkout = checkout(client, store, address, &metrics).await;
    let checkout = checkout.map_err(ServeError::Checkout)?;
    let state = State {
        checkout: checkout.clone(),
        sales: Arc::default(),
        metrics,
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(shipping::run(checkout.clone(), Arc::clone(&state.sales)));
    let reconciles = checkout.clone();
    tasks.spawn(async move { reconciles.run_reconciler().await });
    let router = router(state, address);
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the shop is closed"
            );
        }
    });
    Ok(Shop {
        address,
        checkout,
        _tasks: tasks,
    })
}

async fn checkout(
    client: Client,
    store: impl Store + 'static,
    address: SocketAddr,
    metrics: &Arc<Metrics>,
) -> Result<Checkout, CheckoutError> {
    // The shop is Persian, whatever the browser speaks.
    let back = CallbackUrl::new(&format!("http://{address}/return?lang=fa"))?;
    let checkout = Checkout::open(client, store, back).await?;
    let metrics = Arc::clone(metrics);
    Ok(checkout.observed_by(move |what: Happened| metrics.happened(what)))
}

fn router(state: State, address: SocketAddr) -> Router {
    let back = callback("/return", ReturnPage::new(NAME, "/"));
    let mut guarded = front::routes();
    if address.ip().is_loopback() {
        let operator = operator::routes().layer(middleware::from_fn(guard::own_name));
        guarded = guarded.merge(operator);
    }
    // The way back is not guarded: a gateway may send its customer by a form.
    guarded
        .layer(middleware::from_fn(guard::own_pages))
        .merge(back)
        .fallback(page::nothing_here)
        .with_state(state)
}

impl Shop {
    /// Where customers go.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where whoever runs the shop looks.
    #[must_use]
    pub fn operator_url(&self) -> String {
        format!("http://{}/operator", self.address)
    }

    /// What takes the shop's payments.
    #[must_use]
    pub const fn checkout(&self) -> &Checkout {
        &self.checkout
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What the guides show is compiled, and run where it can be.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../docs/integration.md")]
    struct Integration;

    #[doc = include_str!("../../../docs/fleets.md")]
    struct Fleets;
}
