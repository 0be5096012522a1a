use std::{fmt, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::SetupError;

/// The authorities whose word is taken for who the gateway is.
#[derive(Clone)]
pub struct Roots(Source);

#[derive(Clone)]
enum Source {
    #[cfg(feature = "platform-roots")]
    Platform,
    Store(Arc<RootCertStore>),
}

impl Roots {
    /// Those that the operating system trusts, at the time of
    /// [`build`](crate::TransportBuilder::build).
    #[cfg(feature = "platform-roots")]
    #[must_use]
    pub const fn platform() -> Self {
        Self(Source::Platform)
    }

    /// Those that Mozilla trusted when this program was built.
    #[cfg(feature = "webpki-roots")]
    #[must_use]
    pub fn bundled() -> Self {
        Self::store(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// Only the certificates in `pem`; other things in it are passed over.
    ///
    /// # Errors
    ///
    /// If it holds no certificate, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, SetupError> {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| {
                // The reader's own text quotes lines, which may be a key's.
                SetupError::BadCertificate("the text is not pem".into())
            })?;
            store
                .add(certificate)
                .map_err(|error| SetupError::BadCertificate(error.into()))?;
        }
        if store.is_empty() {
            return Err(SetupError::NoCertificate);
        }
        Ok(Self::store(store))
    }

    /// None at all: every https gateway is refused. For plain http to this
    /// machine, where the platform may have no authorities.
    #[must_use]
    pub fn none() -> Self {
        Self::store(RootCertStore::empty())
    }

    fn store(store: RootCertStore) -> Self {
        Self(Source::Store(Arc::new(store)))
    }

    /// What is trusted if nobody says what to trust.
    pub(crate) fn built_in() -> Option<Self> {
        #[cfg(feature = "platform-roots")]
        return Some(Self::platform());
        #[cfg(all(feature = "webpki-roots", not(feature = "platform-roots")))]
        return Some(Self::bundled());
        #[cfg(not(any(feature = "platform-roots", feature = "webpki-roots")))]
        return None;
    }

    /// TLS that trusts these roots.
    pub(crate) fn tls(self) -> Result<ClientConfig, SetupError> {
        // Named, because a process default would panic where a build has two.
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SetupError::Tls(error.into()))?;
        let config = match self.0 {
            #[cfg(feature = "platform-roots")]
            Source::Platform => {
                rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier(config)
                    .map_err(|error| SetupError::Tls(error.into()))?
            }
            Source::Store(store) => config.with_root_certificates(store),
        };
        Ok(config.with_no_client_auth())
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            #[cfg(feature = "platform-roots")]
            Source::Platform => f.write_str("Roots(platform)"),
            Source::Store(store) => write!(f, "Roots({})", store.len()),
        }
    }
}
