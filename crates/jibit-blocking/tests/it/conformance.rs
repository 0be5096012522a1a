//! The transport keeps the contract.

use jibit_blocking::{Roots, UreqTransport};
use jibit_testkit::conformance::Kit;

#[test]
fn the_transport_keeps_the_contract() {
    let kit = Kit::blocking("jibit-blocking", |setup| {
        let roots = match setup.trust {
            Some(pem) => Roots::from_pem(pem.as_bytes()).unwrap(),
            None => Roots::none(),
        };
        UreqTransport::builder().roots(roots).build().unwrap()
    });
    let report = kit.run();
    // For `cargo xtask conformance`.
    report
        .save(concat!(
            env!("CARGO_TARGET_TMPDIR"),
            "/conformance-jibit-blocking.tsv"
        ))
        .unwrap();
    report.assert_passed();
}
