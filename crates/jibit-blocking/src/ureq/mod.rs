//! The transport on ureq.
//!
//! At its most talkative level ureq writes what goes over the wire, bearer and
//! tokens included, to the `log` crate. No setting of its own stops that, so this
//! feature takes that level out of the program (`max_level_debug`), and so does
//! every crate that shares `log` with it. Events of `tracing` are not touched.

mod late;
mod roots;
mod transport;
mod wire;

use std::{
    error::Error as StdError,
    hash::{BuildHasher as _, RandomState},
};

use jibit_proto::{Config, InvalidInput};

pub use roots::Roots;
pub use transport::{TransportBuilder, UreqTransport};

use crate::{Client, SystemClock, Transport};

/// A client over a [`UreqTransport`] as it is by default.
///
/// # Errors
///
/// If a setting of `config` cannot work or the roots cannot be loaded.
#[cfg(any(feature = "platform-roots", feature = "webpki-roots"))]
pub fn client(config: Config) -> Result<Client, SetupError> {
    client_with(config, UreqTransport::builder().build()?)
}

/// A client over `transport`, on the system's clock.
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
    Ok(Client::new(config, seed, transport, SystemClock::new())?)
}

/// Why a client or transport cannot be made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A setting of the client cannot work.
    #[error("a setting cannot work")]
    Config(#[from] InvalidInput),

    /// No roots were given and none are built in.
    #[error("no roots to trust: give some, or build with platform-roots or webpki-roots")]
    NoRoots,

    /// The PEM text holds no certificate.
    #[error("the pem text holds no certificate")]
    NoCertificate,

    /// The PEM text, or a certificate in it, cannot be read.
    #[error("the pem text holds what is not a certificate")]
    BadCertificate(#[source] Box<dyn StdError + Send + Sync>),
}
