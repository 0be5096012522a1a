//! The Jibit client on hyper, rustls and tokio: everything that an application
//! needs to talk to the gateway, in one dependency.
//!
//! Make one [`Client`] for a process and clone it wherever it is needed: clones
//! share the tokens, the limits and the connections. Its calls run inside a
//! tokio runtime with IO and time enabled.
//!
#![cfg_attr(
    any(feature = "platform-roots", feature = "webpki-roots"),
    doc = "```no_run"
)]
#![cfg_attr(
    not(any(feature = "platform-roots", feature = "webpki-roots")),
    doc = "```ignore"
)]
//! use jibit_hyper::{Config, Secret};
//!
//! # async fn shop() -> Result<(), Box<dyn std::error::Error>> {
//! let password = Secret::new(std::env::var("JIBIT_PASSWORD")?);
//! let client = jibit_hyper::client(Config::new("https://pg.jibit.mobi", "7746", password))?;
//!
//! client.authenticate().await?; // the credentials are right
//! let found = client.inquiry("8d5a4f".parse()?).await?;
//! println!("{found:?}");
//! # Ok(())
//! # }
//! ```
//!
//! # Other settings
//!
//! [`HyperTransport::builder`] takes roots of your own and other limits, and
//! [`client_with`] makes a client over the result:
//!
//! ```
//! use std::time::Duration;
//! use jibit_hyper::{Config, HyperTransport, Roots, Secret};
//!
//! // A sandbox on this machine: plain http, so no certificate is trusted.
//! let transport = HyperTransport::builder()
//!     .roots(Roots::none())
//!     .connect_timeout(Duration::from_secs(1))
//!     .build()?;
//! let config = Config::new("http://127.0.0.1:8080", "7746", Secret::new("123456"));
//! let client = jibit_hyper::client_with(config, transport)?;
//! # Ok::<(), jibit_hyper::SetupError>(())
//! ```
//!
//! # What the transport holds to
//!
//! * A request is sent once: no redirect is followed, nothing is retried. What
//!   to do about a failure is decided above, by what the error is certain of.
//! * [`TransportError::not_sent`] means that no byte of the request left:
//!   unknown host, refused port, no connection in time, failed TLS, or a pooled
//!   connection that ended before its turn. Everything else is
//!   [`TransportError::unknown`].
//! * Connecting (DNS, TCP and TLS together) takes 3 s at most, an answer has
//!   at most 64 headers in 16 KiB (over HTTP/2: 16 KiB of them) and a body of
//!   64 KiB. How long an answer may take is the client's to say.
//! * A connection is kept for 30 s after its last request, and as many of them as
//!   there were requests at once: a handshake costs as much as forty requests.
//! * TLS always verifies; there is no switch for it. The cryptography is
//!   ring's, whatever other provider is in the build.
//! * Headers and bodies are never logged and never in an error's text.
//!
//! # Features
//!
//! | feature | what it gives |
//! |---|---|
//! | `platform-roots` (default) | trust in the authorities that the operating system trusts: [`Roots`]`::platform` |
//! | `webpki-roots` | trust in the authorities that Mozilla trusts, as of the build: [`Roots`]`::bundled` |
//! | `file-tokens` | `FileTokens`: tokens that processes of one machine share |
//! | `http2` | HTTP/2 where the gateway offers it by ALPN; HTTP/1.1 otherwise |
//!
//! `client` exists if one of the first two is on, and prefers the platform's
//! authorities. Without them, give [`Roots`] to the builder.

mod clock;
mod connection;
mod connector;
mod error;
mod pool;
mod roots;
mod transport;

use std::hash::{BuildHasher as _, RandomState};

#[doc(no_inline)]
pub use jibit_client::*;

pub use clock::TokioClock;
pub use error::SetupError;
pub use roots::Roots;
pub use transport::{HyperTransport, TransportBuilder};

/// A client over a [`HyperTransport`] as it is by default.
///
/// # Errors
///
/// If a setting of `config` cannot work or the roots cannot be loaded.
#[cfg(any(feature = "platform-roots", feature = "webpki-roots"))]
pub fn client(config: Config) -> Result<Client, SetupError> {
    client_with(config, HyperTransport::builder().build()?)
}

/// A client over `transport`, on tokio's clock.
///
/// # Errors
///
/// If a setting of `config` cannot work.
pub fn client_with(
    config: Config,
    transport: impl Transport + 'static,
) -> Result<Client, SetupError> {
    // Its keys come from the operating system: each process gets another seed.
    let seed = RandomState::new().hash_one(());
    Ok(Client::new(config, seed, transport, TokioClock::new())?)
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
