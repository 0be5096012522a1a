//! TLS to the database, as `verify-full` of libpq is: the server shows a certificate
//! of its own name, by an authority that is trusted.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::Problem;

/// Trusts the authorities in this PEM text; the platform's if there is none.
pub(super) fn connector(authorities: Option<&str>) -> Result<MakeRustlsConnect, Problem> {
    let broken = |error: &dyn std::fmt::Display| Problem::new(format!("TLS: {error}"));
    // Named, because a process default would panic where a build has two.
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(&error))?;
    let config = match authorities {
        None => config
            .with_platform_verifier()
            .map_err(|error| broken(&error))?,
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| broken(&error))?;
                roots.add(certificate).map_err(|error| broken(&error))?;
            }
            if roots.is_empty() {
                return Err(broken(&"the PEM text has no certificate"));
            }
            config.with_root_certificates(roots)
        }
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}
