//! The transport keeps the contract.

use jibit_hyper::{HyperTransport, Roots};
use jibit_testkit::conformance::Kit;

#[test]
fn the_transport_keeps_the_contract() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let handle = runtime.handle().clone();
    let kit = Kit::futures(
        "jibit-hyper",
        move |job| handle.block_on(job),
        |setup| {
            let roots = match setup.trust {
                Some(pem) => Roots::from_pem(pem.as_bytes()).unwrap(),
                None => Roots::none(),
            };
            HyperTransport::builder().roots(roots).build().unwrap()
        },
    );
    #[cfg(feature = "http2")]
    let kit = kit.with_http2();
    let report = kit.run();
    // For `cargo xtask conformance`.
    report
        .save(concat!(
            env!("CARGO_TARGET_TMPDIR"),
            "/conformance-jibit-hyper.tsv"
        ))
        .unwrap();
    report.assert_passed();
}
