//! What `jibit reconcile`, `audit` and `doctor` find and do.

use jibit_sandbox::{FaultPlan, Operation};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Ran, until},
    shop::{Shop, checkout},
};

#[tokio::test(flavor = "multi_thread")]
async fn who_paid_and_never_returned_is_settled() {
    let shop = Shop::new().await;
    shop.paid("o-1").await;
    let cancelled = shop.start("o-2").await;
    shop.bench.sandbox.cancel(&cancelled).unwrap();
    shop.start("o-3").await;
    let (exit, counts) = shop.json(&["reconcile", "--once"]).await;
    assert_eq!(exit, 0, "{counts}");
    assert_eq!(
        counts,
        json!({
            "asked": 3, "failed": 0, "unanswered": 0, "undetermined": 0,
            "settled": {"paid": 1, "cancelled": 1}, "alarms": {},
            "waiting": {
                "due": 0, "nearDeadline": 0, "undetermined": 0, "quarantined": 0,
                "unfulfilled": 1,
            },
        })
    );
    assert_eq!(shop.state("o-1").await, "paid");
    assert_eq!(shop.bench.sandbox.arrived(Operation::Verify), 1);
    let again = shop.run(&["reconcile", "--once"]).await;
    assert!(
        again
            .stdout
            .starts_with("Attempts asked about: 0; none settled.\nWaiting: 0 due")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_yet_is_no_success() {
    let shop = Shop::new().await;
    shop.paid("o-1").await;
    let plan: FaultPlan = "inquiry before status=500".parse().unwrap();
    shop.bench.sandbox.arm(plan);
    let words = ["reconcile", "--once", "--deadline", "1"];
    let (exit, counts) = shop.json(&words).await;
    assert_eq!((exit, &counts["unanswered"]), (5, &json!(1)), "{counts}");
    assert_eq!(shop.state("o-1").await, "open");
    let (exit, found) = shop.json(&["audit", "--deadline", "1"]).await;
    assert_eq!((exit, &found["unanswered"]), (5, &json!(1)), "{found}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_reconciler_runs_until_it_is_asked_to_end() {
    use std::process::Stdio;

    let shop = Shop::new().await;
    shop.paid("o-1").await;
    let mut command = shop.bench.command(&["reconcile", "--json"]);
    let command = command.env("JIBIT_STORE", &shop.file);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.unwrap();
    until(async || shop.state("o-1").await == "paid").await;
    // What comes later is settled, too.
    shop.paid("o-2").await;
    until(async || shop.state("o-2").await == "paid").await;
    let pid = child.id().unwrap().to_string();
    let killed = tokio::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(killed.await.unwrap().success());
    let ran = Ran::of(child.wait_with_output().await.unwrap());
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["settled"], json!({"paid": 2}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_finds_what_disagrees_and_changes_nothing() {
    let shop = Shop::new().await;
    shop.start("o-1").await;
    let (exit, found) = shop.json(&["audit"]).await;
    assert_eq!(exit, 0);
    assert_eq!(
        found,
        json!({
            "orders": 1, "agree": 1, "notAsked": 0, "unanswered": 0, "disagreements": [],
            "complete": true,
        })
    );
    // Somebody else captures with this account.
    let id = shop.strangers("o-2").await;
    let (exit, found) = shop.json(&["audit"]).await;
    assert_eq!(
        (exit, &found["orders"], &found["agree"]),
        (10, &json!(2), &json!(1))
    );
    assert_eq!(
        found["disagreements"],
        json!([{
            "order": "o-2", "attempt": 1, "orderId": id, "stored": "open",
            "gateway": "confirmed",
            "meaning": "the money was captured, and this store does not have it as paid",
        }])
    );
    let table = shop.run(&["audit", "--since", "1h"]).await;
    assert_eq!(table.exit, 10);
    let lines: Vec<_> = table.stdout.lines().collect();
    assert!(lines[0].starts_with("ORDER ") && lines[1].starts_with("o-2 "));
    assert!(
        table.stdout.contains("2 orders: 1 attempts agree"),
        "{}",
        table.stdout
    );
    assert_eq!(shop.state("o-2").await, "open");
    // They are a minute old.
    let (exit, none) = shop.json(&["audit", "--since", "10s"]).await;
    assert_eq!((exit, &none["orders"]), (0, &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_reads_every_page() {
    let shop = Shop::new().await;
    for order in 0..205 {
        shop.start(&format!("o-{order}")).await;
    }
    let stranger = shop.strangers("first").await;
    let (exit, found) = shop.json(&["audit"]).await;
    assert_eq!(
        (exit, &found["orders"], &found["agree"]),
        (10, &json!(206), &json!(205))
    );
    assert_eq!(found["disagreements"][0]["orderId"], stranger);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_end_an_audit() {
    let shop = Shop::new().await;
    shop.start("o-1").await;
    let mut command = shop.bench.command(&["audit", "--json"]);
    command
        .env("JIBIT_STORE", &shop.file)
        .env("JIBIT_PASSWORD", "hunter2");
    let ran = Ran::of(command.output().await.unwrap());
    assert_eq!(
        (ran.exit, &ran.json()["error"]["kind"]),
        (6, &json!("credentials"))
    );
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
}

/// What a doctor says of one thing.
fn check<'a>(said: &'a Value, name: &str) -> &'a Value {
    let mut checks = said["checks"].as_array().unwrap().iter();
    checks.find(|it| it["check"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_finds_nothing_where_nothing_is_wrong() {
    let shop = Shop::new().await;
    let (exit, said) = shop.json(&["doctor"]).await;
    assert_eq!((exit, &said["health"]), (0, &json!("ok")), "{said}");
    let names = [
        "configuration",
        "gateway",
        "clock",
        "token",
        "store",
        "accounts",
        "backlog",
    ];
    for name in names {
        assert_eq!(check(&said, name)["health"], "ok", "{said}");
    }
    let store = &check(&said, "store")["found"];
    assert_eq!(store, "SQLite opens, tables of version 2");
    let token = check(&said, "token")["found"].as_str().unwrap();
    assert!(token.starts_with("lives for 2"), "{token}");
    let lines = shop.run(&["doctor"]).await.stdout;
    assert_eq!(
        lines.lines().filter(|line| line.starts_with("ok ")).count(),
        names.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_sees_a_clock_that_goes_wrong() {
    for (seconds, exit, health, way) in [
        (-3600, 10, "bad", "ahead of the gateway's"),
        (30, 0, "warn", "behind the gateway's"),
    ] {
        let shop = Shop::new().await;
        let plan: FaultPlan = format!("any after skew={seconds}").parse().unwrap();
        shop.bench.sandbox.arm(plan);
        let (code, said) = shop.json(&["doctor"]).await;
        let clock = check(&said, "clock");
        assert_eq!((code, &clock["health"]), (exit, &json!(health)), "{said}");
        assert!(clock["found"].as_str().unwrap().contains(way), "{clock}");
        assert!(clock["remedy"].as_str().unwrap().contains("NTP"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_names_what_is_wrong_and_what_to_do() {
    let shop = Shop::new().await;
    shop.paid("o-1").await;
    shop.strangers("o-2").await;
    let (exit, said) = shop.json(&["doctor"]).await;
    let backlog = check(&said, "backlog");
    assert_eq!((exit, &backlog["health"]), (0, &json!("warn")));
    assert!(backlog["found"].as_str().unwrap().starts_with("2 due, "));
    assert_eq!(shop.run(&["reconcile", "--once"]).await.exit, 0);
    let (_, said) = shop.json(&["doctor"]).await;
    let remedy = check(&said, "backlog")["remedy"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(remedy.contains("jibit order adopt or release"), "{said}");

    // Another account's orders in the same file.
    let mut command = shop
        .bench
        .command(&["doctor", "--json", "--username", "8000"]);
    command
        .env("JIBIT_STORE", &shop.file)
        .env("JIBIT_PASSWORD", "hunter2");
    let ran = Ran::of(command.output().await.unwrap());
    let said = ran.json();
    assert_eq!((ran.exit, &said["health"]), (10, &json!("bad")));
    assert_eq!(check(&said, "gateway")["health"], "bad");
    let accounts = check(&said, "accounts");
    assert_eq!(accounts["health"], "warn");
    assert!(accounts["found"].as_str().unwrap().contains("7746@http://"));
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));

    // No password, and a store that is not there.
    let mut command = shop.bench.command(&["doctor", "--json"]);
    command
        .env_remove("JIBIT_PASSWORD")
        .env("JIBIT_STORE", "nowhere.sqlite3");
    let ran = Ran::of(command.output().await.unwrap());
    let said = ran.json();
    assert_eq!(ran.exit, 10);
    let configuration = check(&said, "configuration");
    assert_eq!(configuration["found"], "password is missing");
    assert!(
        configuration["remedy"]
            .as_str()
            .unwrap()
            .starts_with("set JIBIT_PASSWORD")
    );
    assert_eq!(check(&said, "store")["health"], "bad");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_needs_no_store_and_says_when_nobody_is_there() {
    let bench = Bench::new().await;
    std::fs::create_dir_all(&bench.state).unwrap();
    let mut command = bench.command(&["doctor", "--json"]);
    let ran = Ran::of(command.current_dir(&bench.state).output().await.unwrap());
    assert_eq!(ran.exit, 0);
    assert_eq!(check(&ran.json(), "store")["health"], "warn");
    let words = [
        "doctor",
        "--json",
        "--base-url",
        "http://127.0.0.1:1",
        "--deadline",
        "1",
    ];
    let ran = Ran::of(
        bench
            .command(&words)
            .current_dir(&bench.state)
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(ran.exit, 10);
    assert_eq!(check(&ran.json(), "gateway")["health"], "bad");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_account_s_orders_are_reconciled() {
    let shop = Shop::new().await;
    shop.paid("o-1").await;
    let (other, file) = (Bench::new().await, shop.file.clone());
    let store = jibit_checkout::SqliteStore::open(&file).await.unwrap();
    let theirs = checkout(&other, store).await;
    let id = crate::shop::start(&theirs, "o-1").await;
    other.sandbox.pay(&id).unwrap();
    let ran = shop.run(&["reconcile", "--once", "--json"]).await;
    assert_eq!(ran.json()["asked"], 1);
    assert!(
        ran.stderr.contains(theirs.account().as_str()),
        "{}",
        ran.stderr
    );
    assert_eq!(other.sandbox.arrived(Operation::Verify), 0);
}
