//! A verify whose answer is lost still ends paid when the money was paid.

use std::process::Stdio;

use bytes::Bytes;
use http::Response;
use jibit_sandbox::{Account, Effect, Fate, Fault, Operation, Phase};
use serde_json::json;

use crate::bench::{Bench, INITIATE, Ran, peak_memory, until};

const FLOOD: u64 = 512 * 1024 * 1024;

fn faults() -> Vec<Fault> {
    let wire = [
        Fate::Close,
        Fate::Reset,
        Fate::Cut(0),
        Fate::Cut(30),
        Fate::Flood(FLOOD),
        Fate::Hang,
    ];
    let garbage = Effect::Answer(Response::new(Bytes::from_static(b"\xff\xfe{{{")));
    let silent = Effect::Answer(Response::new(Bytes::from_static(b"{\"result\":{}}")));
    [Phase::Before, Phase::After]
        .into_iter()
        .flat_map(|phase| {
            let wire = wire.iter().cloned().map(Effect::Wire);
            let answers = [garbage.clone(), silent.clone()];
            let effects: Vec<_> = wire.chain(answers).collect();
            let pages = [302, 307, 500, 502, 503].map(move |status| match phase {
                Phase::Before => Fault::status_before(Operation::Verify, status),
                _ => Fault::status_after(Operation::Verify, status),
            });
            effects
                .into_iter()
                .map(move |effect| Fault::new(Operation::Verify, phase, effect))
                .chain(pages)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verify_ends_paid_whatever_becomes_of_its_answer() {
    let bench = Bench::new().await;
    let mut merchant = 0;
    for fault in faults() {
        let id = bench.paid().await;
        bench.sandbox.inject(fault.clone());
        let words = [
            "verify",
            &id,
            "--amount",
            "1000",
            "--merchant-order-id",
            "m-1",
            "--json",
            "--timeout",
            "1",
        ];
        let mut command = bench.command(&words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let peak = peak_memory(&mut child).await;
        let ran = Ran::of(child.wait_with_output().await.unwrap());
        assert_eq!(ran.exit, 0, "{fault:?}: {} {}", ran.stdout, ran.stderr);
        assert_eq!(ran.json()["outcome"], "paid");
        match peak {
            Some(peak) => assert!(peak < 64 * 1024, "{fault:?}: {peak} KiB"),
            None if cfg!(target_os = "linux") => panic!("no memory was measured"),
            None => eprintln!("skipped: memory is measured on Linux only"),
        }
        merchant += 1000;
        let account = Account::Merchant("7746".to_owned());
        assert_eq!(bench.sandbox.balance(&account), merchant, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_falls_silent_after_the_verify_leaves_it_undetermined() {
    let bench = Bench::new().await;
    let id = bench.paid().await;
    bench
        .sandbox
        .inject(Fault::after(Operation::Verify, Fate::Reset));
    // The first inquiry is the look; all later ones are lost.
    let look = Fault::after(Operation::Inquiry, Fate::Deliver);
    bench.sandbox.inject(look);
    for _ in 0..100 {
        bench
            .sandbox
            .inject(Fault::after(Operation::Inquiry, Fate::Reset));
    }
    let words = [
        "verify",
        &id,
        "--amount",
        "1000",
        "--merchant-order-id",
        "m-1",
        "--deadline",
        "3",
    ];
    let (exit, answer) = bench.json(&words).await;
    assert_eq!(exit, 5);
    let known = json!({
        "outcome": "undetermined", "orderId": id, "status": "PURCHASE_BY_USER",
        "amount": 1000, "merchantOrderId": "m-1", "refId": answer["refId"],
    });
    assert_eq!(answer, known);
    assert!(answer["refId"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_does_not_lose_the_sale() {
    let bench = Bench::new().await;
    for dead in [
        &[Operation::Verify][..],
        &[Operation::Inquiry],
        &[Operation::Inquiry, Operation::Verify],
    ] {
        let id = bench.paid().await;
        for operation in dead {
            (bench.sandbox).inject(Fault::status_before(*operation, 401));
        }
        assert_eq!(bench.verify(&id).await.0, 0, "{dead:?}");
    }
}

/// Runs a command until its request of this kind has arrived, and interrupts it.
#[cfg(unix)]
async fn interrupted(bench: &Bench, words: &[&str], at: Operation) -> Ran {
    let mut command = bench.command(words);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let before = bench.sandbox.arrived(at);
    until(async || bench.sandbox.arrived(at) > before).await;
    let pid = child.id().unwrap().to_string();
    let kill = tokio::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(kill.await.unwrap().success());
    Ran::of(child.wait_with_output().await.unwrap())
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_is_in_doubt_only_about_what_has_left() {
    let bench = Bench::new().await;
    for (hangs, words, exit, certainty) in [
        (
            Operation::Authenticate,
            &INITIATE[..],
            8,
            "nothing-happened",
        ),
        (Operation::Initiate, &INITIATE[..], 5, "unknown"),
        (Operation::Inquiry, &["inquiry", "x"][..], 5, "unknown"),
        (Operation::Authenticate, &["authenticate"][..], 5, "unknown"),
    ] {
        bench.sandbox.inject(Fault::after(hangs, Fate::Hang));
        let words = [words, &["--json"][..]].concat();
        let ran = interrupted(&bench, &words, hangs).await;
        assert_eq!(ran.exit, exit, "{words:?}");
        assert_eq!(ran.json()["error"]["certainty"], certainty, "{words:?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_stopped_in_the_middle_says_what_it_does_not_know() {
    let bench = Bench::new().await;
    let id = bench.paid().await;
    bench
        .sandbox
        .inject(Fault::after(Operation::Verify, Fate::Hang));
    let words = [
        "verify",
        &id,
        "--amount",
        "1000",
        "--merchant-order-id",
        "m-1",
        "--json",
    ];
    let ran = interrupted(&bench, &words, Operation::Verify).await;
    assert_eq!(ran.exit, 5);
    assert_eq!(
        ran.json(),
        json!({"outcome": "undetermined", "orderId": id})
    );
    assert_eq!(
        bench.verify(&id).await.0,
        0,
        "run again, it finds the payment"
    );
}
