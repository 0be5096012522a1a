use std::error::Error as StdError;

use jibit_client::InvalidInput;

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

    /// TLS cannot be set up, as when the platform has no authorities.
    #[error("tls cannot be set up")]
    Tls(#[source] Box<dyn StdError + Send + Sync>),
}
