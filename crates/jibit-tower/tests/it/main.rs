//! The transport keeps the contract over hyper-util's client, and the kit finds
//! each layer that may not stand inside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{error::Error, future, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use jibit_testkit::conformance::{Job, Kit, Setup};
use jibit_tower::TowerTransport;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tower::{ServiceBuilder, retry};
use tower_http::{
    decompression::DecompressionLayer,
    follow_redirect::{FollowRedirectLayer, policy},
    set_header::SetRequestHeaderLayer,
};

type Hyper = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// What a shop of its own might use.
fn hyper(setup: &Setup<'_>) -> Hyper {
    let mut roots = RootCertStore::empty();
    if let Some(pem) = setup.trust {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        roots.add(certificate).unwrap();
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .build();
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

fn block_on() -> impl Fn(Job<'_>) + Clone {
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    move |job| runtime.block_on(job)
}

#[test]
fn the_transport_keeps_the_contract() {
    let kit = Kit::futures("jibit-tower", block_on(), |setup| {
        let service = ServiceBuilder::new()
            .concurrency_limit(64)
            .layer(SetRequestHeaderLayer::overriding(
                header::USER_AGENT,
                HeaderValue::from_static("shop/1.0"),
            ))
            .service(hyper(setup));
        TowerTransport::<_, _, Full<Bytes>>::new(service).not_sent_if(legacy::Error::is_connect)
    });
    let report = kit.with_http2().run();
    // For `cargo xtask conformance`.
    report
        .save(concat!(
            env!("CARGO_TARGET_TMPDIR"),
            "/conformance-jibit-tower.tsv"
        ))
        .unwrap();
    report.assert_passed();
}

#[test]
fn without_a_word_on_errors_everything_may_have_arrived() {
    let kit = Kit::futures("without a word on errors", block_on(), |setup| {
        TowerTransport::<_, _, Full<Bytes>>::new(hyper(setup))
    });
    let refused = [
        "losses::refused_port",
        "losses::unknown_host",
        "tls::stranger",
        "tls::another_name",
        "tls::expired",
        "tls::no_tls",
    ];
    assert_eq!(kit.run_quietly().failed(), refused);
}

#[test]
fn the_kit_finds_a_redirect_layer() {
    let kit = Kit::futures("redirects", block_on(), |setup| {
        let service = ServiceBuilder::new()
            .layer(FollowRedirectLayer::with_policy(policy::Limited::default()))
            .service(hyper(setup));
        TowerTransport::<_, _, Full<Bytes>>::new(service).not_sent_if(legacy::Error::is_connect)
    });
    let failed = kit.run_quietly().failed();
    assert_eq!(
        failed,
        ["answers::redirects", "answers::replaying_redirects"]
    );
}

#[test]
fn the_kit_finds_a_decompression_layer() {
    let kit = Kit::futures("decompression", block_on(), |setup| {
        let service = ServiceBuilder::new()
            .layer(DecompressionLayer::new())
            .service(hyper(setup));
        TowerTransport::<_, _, Full<Bytes>>::new(service).not_sent_if(legacy::Error::is_connect)
    });
    let failed = kit.run_quietly().failed();
    assert_eq!(failed, ["requests::no_encoding", "answers::encoded"]);
}

/// As people write them: whatever fails is tried again.
#[derive(Clone)]
struct Again(u32);

impl<A, E> retry::Policy<Request<Full<Bytes>>, Response<A>, E> for Again {
    type Future = future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        outcome: &mut Result<Response<A>, E>,
    ) -> Option<Self::Future> {
        let failed = outcome
            .as_ref()
            .map_or(true, |answer| answer.status().is_server_error());
        self.0 = self.0.checked_sub(1)?;
        failed.then(|| future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

#[test]
fn the_kit_finds_a_retry_layer() {
    let kit = Kit::futures("retries", block_on(), |setup| {
        let service = ServiceBuilder::new()
            .layer(retry::RetryLayer::new(Again(1)))
            .service(hyper(setup));
        TowerTransport::<_, _, Full<Bytes>>::new(service).not_sent_if(legacy::Error::is_connect)
    });
    let failed = kit.run_quietly().failed();
    for case in [
        "answers::server_errors",
        "losses::closed",
        "losses::lost_on_a_kept_connection",
    ] {
        assert!(failed.contains(&case), "{case} is not among {failed:?}");
    }
}

#[test]
fn debug_shows_settings_and_nothing_else() {
    let transport = TowerTransport::<_, Box<dyn Error + Send + Sync>, Full<Bytes>>::new(
        tower::service_fn(|_: Request<Full<Bytes>>| async {
            Err::<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>>("no".into())
        }),
    );
    let shown = format!("{transport:?}");
    assert_eq!(shown, "TowerTransport { max_body: 65536, .. }");
}
