//! The Jibit client for threads: no runtime is started and none is needed.
//!
//! Make one [`Client`] for a process and clone it into each thread: clones share
//! the tokens, the limits and the connections. Its calls block the thread that
//! makes them, each until its deadline at the latest.
//!
#![cfg_attr(
    any(feature = "platform-roots", feature = "webpki-roots"),
    doc = "```no_run"
)]
#![cfg_attr(
    not(any(feature = "platform-roots", feature = "webpki-roots")),
    doc = "```ignore"
)]
//! use jibit_blocking::{Config, Secret};
//!
//! # fn shop() -> Result<(), Box<dyn std::error::Error>> {
//! let password = Secret::new(std::env::var("JIBIT_PASSWORD")?);
//! let client = jibit_blocking::client(Config::new("https://pg.jibit.mobi", "7746", password))?;
//!
//! client.authenticate()?; // the credentials are right
//! let found = client.inquiry("8d5a4f".parse()?)?;
//! println!("{found:?}");
//! # Ok(())
//! # }
//! ```
//!
//! The methods, verdicts and errors are those of the async client: both carry
//! out what `jibit-proto` decides.
//!
//! # Another HTTP library
//!
//! A [`Transport`] is one function, so a closure will do:
//!
//! ```
//! use std::time::Duration;
//! use jibit_blocking::{Client, Config, Secret, SystemClock, TransportError};
//!
//! let my_http = |request: http::Request<bytes::Bytes>, limit: Duration| {
//!     Err(TransportError::not_sent("not connected to anything"))
//! };
//! let config = Config::new("https://pg.jibit.mobi", "7746", Secret::new("123456"));
//! let client = Client::new(config, 7, my_http, SystemClock::new())?;
//! # Ok::<(), jibit_blocking::InvalidInput>(())
//! ```
//!
//! What a transport must do, and a kit that checks it, is in `jibit-testkit`.
//!
//! # Features
//!
//! | feature | what it gives |
//! |---|---|
//! | `ureq` (default) | `UreqTransport`: ureq and rustls (ring), with connections kept for each thread |
//! | `platform-roots` (default) | trust in the authorities that the operating system trusts |
//! | `file-tokens` | `FileTokens`: tokens that processes of one machine share |
//! | `webpki-roots` | trust in the authorities that Mozilla trusts, as of the build |
//!
//! With `ureq`, the level `trace` of the `log` crate is off in the whole program:
//! ureq writes tokens there.
//!
//! `client` exists if one of the last two is on, and prefers the platform's
//! authorities.

mod client;
mod clock;
mod driver;
mod tokens;
#[cfg(feature = "ureq")]
mod ureq;

pub use client::{Client, Transport};
pub use clock::{Clock, SystemClock};
pub use jibit_driver::Account;
#[cfg(feature = "file-tokens")]
pub use jibit_driver::FileTokens;
pub use jibit_proto::{
    CallbackUrl, Certainty, Config, Error, ErrorKind, Expected, InvalidInput, MerchantOrderId,
    Mobile, OrderId, OrderStatus, Payable, Private, Receipt, RedirectUrl, RefId, Rial, Secret,
    Sighting, Timestamp, Toman, TransportError, Verdict,
    wire::{
        Payment,
        initiate::{Initiated, NewOrder},
        inquiry::Inquired,
    },
};
pub use tokens::{Claim, Right, StoreError, TokenStore};
#[cfg(feature = "ureq")]
pub use ureq::{Roots, SetupError, TransportBuilder, UreqTransport, client_with};

#[cfg(any(feature = "platform-roots", feature = "webpki-roots"))]
pub use ureq::client;
