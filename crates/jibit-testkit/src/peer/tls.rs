use std::{io, net::TcpStream, sync::Arc};

use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// A certificate that vouches for itself, and its key.
pub struct Identity(CertifiedKey<KeyPair>);

impl Identity {
    /// One for a host's name or address.
    ///
    /// # Errors
    ///
    /// If the name cannot stand in a certificate.
    pub fn new(host: &str) -> io::Result<Self> {
        Self::made(params(host)?)
    }

    /// One that was good until the year 2001.
    ///
    /// # Errors
    ///
    /// If the name cannot stand in a certificate.
    pub fn expired(host: &str) -> io::Result<Self> {
        let mut params = params(host)?;
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        Self::made(params)
    }

    /// The certificate, for whoever is to trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.cert.pem()
    }

    fn made(params: CertificateParams) -> io::Result<Self> {
        let signing_key = KeyPair::generate().map_err(io::Error::other)?;
        let cert = params.self_signed(&signing_key).map_err(io::Error::other)?;
        Ok(Self(CertifiedKey { cert, signing_key }))
    }

    pub(super) fn server(&self, protocols: &[&str]) -> io::Result<Arc<ServerConfig>> {
        let certificate = CertificateDer::from(self.0.cert.der().to_vec());
        let key = PrivateKeyDer::try_from(self.0.signing_key.serialize_der());
        let key = key.map_err(io::Error::other)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate], key)
            })
            .map_err(io::Error::other)?;
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Ok(Arc::new(config))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn params(host: &str) -> io::Result<CertificateParams> {
    CertificateParams::new([host.to_owned()]).map_err(io::Error::other)
}

pub(super) fn accept(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
) -> io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    tls.complete_io(&mut stream)?;
    Ok(StreamOwned::new(tls, stream))
}
