//! Payments over the Jibit QR payment gateway that survive whatever happens: none
//! is lost, and none is fulfilled twice.
//!
//! A [`Checkout`] is made of a [`Client`](jibit_client::Client), a [`Store`] and the
//! URL that customers come back to:
//!
//! ```
//! # use jibit_checkout::{CallbackUrl, Checkout, Purchase, SqliteStore, Standing};
//! # async fn shop(client: jibit_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open("orders.sqlite3").await?;
//! let back = CallbackUrl::new("https://shop.example/paid")?;
//! let checkout = Checkout::open(client, store, back).await?;
//!
//! // The customer pays: send the browser to the page.
//! let (number, amount) = ("order-17".parse()?, "125000".parse()?);
//! let purchase = Purchase::new(number, amount, "09121234567".parse()?)?;
//! let page = checkout.start(purchase).await?.redirect_url;
//!
//! // The browser comes back with this query. What it says is not believed.
//! # let query = "";
//! match checkout.handle_callback(query).await?.map(|order| order.standing) {
//!     Some(Standing::Paid) => println!("thank you"),
//!     Some(Standing::NotPaid) => println!("you have not paid"),
//!     _ => println!("we are still asking the gateway"),
//! }
//!
//! // Whoever ships takes paid orders from here, and only from here.
//! for paid in checkout.fulfilments(10, std::time::Duration::from_secs(300)).await? {
//!     println!("ship {}", paid.number); // it may come again until:
//!     checkout.fulfilled(&paid.number).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Somewhere [`run_reconciler`](Checkout::run_reconciler) has to run, on one host or
//! on many: it asks about customers who never come back, and about everything that a
//! crash or an outage left open.
//!
//! # Stores
//!
//! [`SqliteStore`] keeps the orders of a shop on one machine in a file (feature `sqlite`,
//! on by default); `PostgresStore` those of a fleet (feature `postgres`). A [`Store`] of
//! your own is held against the same tests with feature `suite`.
//!
//! # What holds
//!
//! A shop's order has *attempts*, each one order at the gateway. What is sent is
//! stored before; only the gateway's own answer makes an order paid or not paid; an
//! order has one *slot*, and only the attempt that holds it captures money. The move
//! to [`State::Paid`] and the order's row in the outbox are one transaction. Killing
//! the process between any two instructions breaks none of it.
//!
//! What each event leads to is decided by pure transitions, without a clock, a store
//! or a runtime; a [`Store`] decides nothing and only applies a [`Change`] whole or
//! not at all.

mod address;
mod checkout;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod columns;
mod error;
mod memory;
mod notices;
mod observe;
mod order;
#[cfg(feature = "postgres")]
mod postgres;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
#[cfg(feature = "suite")]
pub mod suite;
#[cfg(all(feature = "tokens", any(feature = "postgres", feature = "sqlite")))]
mod tokens;

pub use address::open_store;
pub use checkout::{
    Audited, CODE_PARAMETER, Checkout, Due, NextCheck, Purchase, Reconciled, Returned, Started,
};
pub use error::{CheckoutError, CheckoutErrorKind};
pub use jibit_proto::CallbackUrl;
pub use memory::MemoryStore;
pub use notices::{Notice, NoticeId, NoticeKind, Notices};
pub use observe::{Happened, Metrics, Observer};
pub use order::{
    AccountKey, Alarm, Attempt, Code, Order, OrderNumber, Reason, Seen, Standing, State,
    UnknownWord,
};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresBuilder, PostgresStore};
pub use rules::Change;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use store::{
    Applied, Backlog, Entry, Filter, Fulfilment, NewOrder, Store, StoreError, Urgency,
};
#[cfg(all(feature = "tokens", any(feature = "postgres", feature = "sqlite")))]
pub use tokens::{SealedTokens, TokenKey};
