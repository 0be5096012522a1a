//! The sans-IO core of the Jibit QR payment gateway, protocol 2.1.
//!
//! This crate does no IO, reads no clock and draws no randomness. It holds the
//! values that the protocol speaks of, each parsed once at the edge, so that
//! the rest of a program cannot hold a wrong one:
//!
//! | value | type | why it is a type |
//! |---|---|---|
//! | an amount | [`Rial`], [`Toman`] | a tenfold error is the field's commonest money bug |
//! | a customer's number | [`Mobile`] | ten spellings, one wire form, never in a log |
//! | identifiers | [`OrderId`], [`MerchantOrderId`], [`RefId`] | they stand in paths, queries and comparisons |
//! | a state of an order | [`OrderStatus`] | an unknown state is kept, and is never success |
//! | where the browser returns | [`CallbackUrl`], [`Callback`] | a callback is a hint, never proof |
//! | where the gateway is | [`BaseUrl`] | the only origin that is ever called |
//! | a password, a token | [`Secret`] | it cannot be printed |
//! | an instant | [`Timestamp`] | always an argument |
//! | text about a person | [`Private`] | shown only where it is asked for |
//! | what went wrong | [`Error`], [`TransportError`], [`InvalidInput`] | [`Certainty`] tells what may have happened |
//!
//! ```
//! use jibit_proto::{Callback, Mobile, OrderStatus, Rial, Toman};
//!
//! let price: Rial = Toman::new(12_500)?.to_rial()?;
//! assert_eq!(price.get(), 125_000);
//!
//! let customer: Mobile = "+98 912 123 4567".parse()?;
//! assert_eq!(customer.as_str(), "09121234567");
//!
//! // What the browser brought back says when to ask, never what is true.
//! let callback = Callback::from_query("orderId=7wvkgrn0&status=PURCHASE_BY_USER")?;
//! assert_eq!(callback.claimed_status(), Some(&OrderStatus::PurchaseByUser));
//! # Ok::<(), jibit_proto::InvalidInput>(())
//! ```
//!
//! The five operations are in [`wire`]: a function that builds the request and
//! one that reads the answer for each, so that any HTTP library can carry them.
//!
//! What to ask in which order, and what the answers come to, is in [`flow`]:
//! [`Look`], [`Capture`] and [`Settle`] end in a [`Verdict`]. A [`Session`] holds the
//! tokens and drives flows: it says what to send, how long to wait and when a
//! call has ended; [`session`] opens with the loop that a driver runs, and
//! `examples/by_hand.rs` is a whole payment over `std::net` with nothing else.
//!
//! # Out of scope
//!
//! Sockets, TLS, time-outs and storage: those belong to transports, drivers
//! and the checkout.

mod base_url;
mod callback;
mod capture;
mod error;
pub mod flow;
mod ids;
mod look;
mod mobile;
mod money;
mod private;
mod secret;
pub mod session;
mod settle;
mod single;
mod status;
mod time;
pub mod wire;

pub use base_url::{BaseUrl, CallbackUrl, HttpHosts, RedirectUrl};
pub use callback::Callback;
pub use capture::{Capture, Verdict};
pub use error::{
    Certainty, Delivery, Error, ErrorKind, GatewayAnswer, InvalidInput, TransportError,
};
pub use ids::{MerchantOrderId, OrderId, RefId};
pub use look::{Expected, Look, Mismatch, Payable, Receipt, Sighting};
pub use mobile::Mobile;
pub use money::{Rial, Toman};
pub use private::Private;
pub use secret::{Bearer, Secret};
pub use session::{Config, Session};
pub use settle::Settle;
pub use single::{Authenticate, Initiate, Inquiry};
pub use status::{OrderStatus, UnknownStatus};
pub use time::Timestamp;
