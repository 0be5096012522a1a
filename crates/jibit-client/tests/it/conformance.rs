//! A transport of a user's own: the one of docs/transports.md.

use std::time::{Instant, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jibit_client::{Client, Config, Secret, Transport, TransportError};
use jibit_sandbox::Sandbox;
use jibit_testkit::conformance::{CASES, Kit};

use crate::on_smol::{SmolClock, SmolTransport};

const DOCUMENT: &str = include_str!("../../../../docs/transports.md");

#[test]
fn the_transport_of_the_document_keeps_the_contract() {
    let kit = Kit::futures("smol", |job| smol::block_on(job), |_| SmolTransport);
    let report = kit.without_tls().run();
    // For `cargo xtask conformance`.
    report
        .save(concat!(
            env!("CARGO_TARGET_TMPDIR"),
            "/conformance-smol.tsv"
        ))
        .unwrap();
    report.assert_passed();
}

/// A closure as a transport, with a name for the kit.
struct Closure<F>(F);

impl<F> std::fmt::Debug for Closure<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Closure")
    }
}

#[async_trait]
impl<F: Transport> Transport for Closure<F> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.0.send(request).await
    }
}

#[test]
fn a_closure_is_a_transport() {
    let kit = Kit::futures(
        "a closure",
        |job| smol::block_on(job),
        |_| Closure(|request: Request<Bytes>| async move { SmolTransport.send(request).await }),
    );
    kit.without_tls().run_quietly().assert_passed();
}

#[test]
fn the_client_runs_on_smol() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = runtime.block_on(Sandbox::start()).unwrap();
    let config = Config::new(sandbox.url(), "7746", Secret::new("123456"));
    let clock = SmolClock(SystemTime::now(), Instant::now());
    let client = Client::new(config, 7, SmolTransport, clock).unwrap();
    smol::block_on(async {
        client.authenticate().await.unwrap();
        let calls = (0..20).map(|_| {
            let client = client.clone();
            smol::spawn(async move { client.inquiry("unknown1".parse().unwrap()).await })
        });
        for call in calls.collect::<Vec<_>>() {
            let refused = call.await.unwrap_err();
            assert_eq!(refused.kind(), jibit_client::ErrorKind::NoSuchOrder);
        }
    });
}

#[test]
fn the_document_shows_this_code() {
    let code = include_str!("on_smol.rs").replace("pub(crate) ", "pub ");
    assert!(code.lines().count() < 60);
    assert!(
        DOCUMENT.contains(&format!("```rust\n{code}```")),
        "put tests/it/on_smol.rs into docs/transports.md, with `pub` for `pub(crate)`"
    );
}

#[test]
fn the_document_has_the_whole_contract() {
    let rows = CASES
        .iter()
        .map(|case| format!("| {} | `{}` |\n", case.rule, case.name));
    let contract = rows.collect::<String>();
    assert!(
        DOCUMENT.contains(&contract),
        "put this into docs/transports.md:\n{contract}"
    );
}
