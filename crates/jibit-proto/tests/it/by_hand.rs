//! The example that drives the core by hand, against a gateway on real sockets.

use jibit_proto::Verdict;
use jibit_sandbox::Sandbox;

#[path = "../../examples/by_hand.rs"]
#[allow(dead_code, reason = "its `main`")]
mod example;

#[test]
fn a_payment_driven_by_hand_ends_paid() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sandbox = runtime.block_on(Sandbox::start()).unwrap();
    let verdict = example::pay(&sandbox.url(), |link| {
        let (_, order) = link.rsplit_once('/').unwrap();
        sandbox.pay(order).unwrap();
    });
    assert!(matches!(verdict.unwrap(), Verdict::Paid(_)));
    let example = include_str!("../../examples/by_hand.rs");
    assert!(example.lines().count() < 80, "short enough to read at once");
}
