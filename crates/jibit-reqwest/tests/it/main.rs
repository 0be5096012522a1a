//! The transport keeps the contract, whatever the builder says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use jibit_reqwest::ReqwestTransport;
use jibit_testkit::conformance::{Job, Kit, Setup};
use reqwest::{Certificate, Client, ClientBuilder, redirect};

fn builder(setup: &Setup<'_>) -> ClientBuilder {
    // reqwest takes the process's provider, and asks for one at every build.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = setup
        .trust
        .map(|pem| Certificate::from_pem(pem.as_bytes()).unwrap());
    Client::builder().tls_certs_only(trusted)
}

fn block_on() -> impl Fn(Job<'_>) + Clone {
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    move |job| runtime.block_on(job)
}

#[test]
fn the_transport_keeps_the_contract() {
    let kit = Kit::futures("jibit-reqwest", block_on(), |setup| {
        ReqwestTransport::new(builder(setup)).unwrap()
    });
    let report = kit.with_http2().run();
    // For `cargo xtask conformance`.
    report
        .save(concat!(
            env!("CARGO_TARGET_TMPDIR"),
            "/conformance-jibit-reqwest.tsv"
        ))
        .unwrap();
    report.assert_passed();
}

#[test]
fn what_would_send_twice_or_elsewhere_is_switched_off() {
    let kit = Kit::futures("jibit-reqwest, set up to do more", block_on(), |setup| {
        let builder = builder(setup)
            .redirect(redirect::Policy::limited(9))
            .retry(
                reqwest::retry::for_host("127.0.0.1").classify_fn(|attempt| {
                    match attempt.status() {
                        Some(status) if status.as_u16() < 400 => attempt.success(),
                        _ => attempt.retryable(),
                    }
                }),
            )
            .gzip(true)
            .referer(true);
        ReqwestTransport::new(builder).unwrap()
    });
    kit.with_http2().run_quietly().assert_passed();
}

#[test]
fn the_kit_finds_what_is_left_to_the_shop() {
    let kit = Kit::futures("a cookie store", block_on(), |setup| {
        ReqwestTransport::new(builder(setup).cookie_store(true)).unwrap()
    });
    assert_eq!(kit.run_quietly().failed(), ["requests::no_cookies"]);

    let kit = Kit::futures("no verification", block_on(), |setup| {
        ReqwestTransport::new(builder(setup).tls_danger_accept_invalid_certs(true)).unwrap()
    });
    let failed = kit.run_quietly().failed();
    assert_eq!(
        failed,
        ["tls::stranger", "tls::another_name", "tls::expired"]
    );
}
