use std::{fmt, sync::Arc};

use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::SetupError;

/// The authorities whose word is taken for who the gateway is.
#[derive(Clone)]
pub struct Roots(RootCerts);

impl Roots {
    /// Those that the operating system trusts.
    #[cfg(feature = "platform-roots")]
    #[must_use]
    pub const fn platform() -> Self {
        Self(RootCerts::PlatformVerifier)
    }

    /// Those that Mozilla trusted when this program was built.
    #[cfg(feature = "webpki-roots")]
    #[must_use]
    pub const fn bundled() -> Self {
        Self(RootCerts::WebPki)
    }

    /// Only the certificates in `pem`; other things in it are passed over.
    ///
    /// # Errors
    ///
    /// If it holds no certificate, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SetupError> {
        let mut certificates = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| {
                // The reader's own text quotes lines, which may be a key's.
                SetupError::BadCertificate("the text is not pem".into())
            })?;
            // ureq would pass over what it cannot read.
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|error| SetupError::BadCertificate(error.into()))?;
            certificates.push(Certificate::from_der(&certificate).to_owned());
        }
        if certificates.is_empty() {
            return Err(SetupError::NoCertificate);
        }
        Ok(Self(RootCerts::Specific(Arc::new(certificates))))
    }

    /// None at all: every https gateway is refused. For plain http to this
    /// machine, where the platform may have no authorities.
    #[must_use]
    pub fn none() -> Self {
        Self(RootCerts::Specific(Arc::default()))
    }

    /// What is trusted if nobody says what to trust.
    pub(super) fn built_in() -> Option<Self> {
        #[cfg(feature = "platform-roots")]
        return Some(Self::platform());
        #[cfg(all(feature = "webpki-roots", not(feature = "platform-roots")))]
        return Some(Self::bundled());
        #[cfg(not(any(feature = "platform-roots", feature = "webpki-roots")))]
        return None;
    }

    /// TLS that trusts these roots.
    pub(super) fn tls(self) -> TlsConfig {
        TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            // Named, because a process default would be whatever else the
            // program links.
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(self.0)
            .build()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RootCerts::PlatformVerifier => f.write_str("Roots(platform)"),
            RootCerts::WebPki => f.write_str("Roots(bundled)"),
            RootCerts::Specific(certificates) => write!(f, "Roots({})", certificates.len()),
            _ => f.write_str("Roots"),
        }
    }
}
