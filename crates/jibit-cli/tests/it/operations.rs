//! What people on call do with a shop's orders.

use jibit_checkout::{OrderNumber, PostgresStore};
use jibit_test_postgres::Server;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, Ran},
    shop::{MOBILE, Shop, checkout, start},
};

fn numbers(listed: &Value) -> Vec<&str> {
    let orders = listed["orders"].as_array().unwrap().iter();
    orders.map(|it| it["number"].as_str().unwrap()).collect()
}

/// What happened to an order, in the words of its timeline.
fn happened(order: &Value) -> String {
    let lines = order["timeline"].as_array().unwrap().iter();
    let lines: Vec<_> = lines.map(|it| it["text"].as_str().unwrap()).collect();
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_filtered_and_paged() {
    let shop = Shop::new().await;
    for number in ["o-1", "o-2", "o-3"] {
        shop.start(number).await;
    }
    let stranger = shop.strangers("o-4").await;
    assert_eq!(shop.run(&["reconcile", "--once"]).await.exit, 0);

    let (exit, all) = shop.json(&["orders"]).await;
    assert_eq!((exit, numbers(&all)), (0, vec!["o-4", "o-3", "o-2", "o-1"]));
    assert_eq!(all["account"], shop.checkout.account().as_str());
    assert_eq!(all["next"], Value::Null);
    let latest = &all["orders"][0];
    assert_eq!(
        (&latest["standing"], &latest["amount"]),
        (&json!("asking"), &json!(1000))
    );
    assert!(latest["createdAt"].as_str().unwrap().ends_with('Z'));
    let attempt = &latest["attempts"][0];
    assert_eq!(attempt["orderId"], stranger);
    assert_eq!(attempt["state"], "quarantined: strangers-capture");
    assert_eq!(attempt["alarms"], json!(["strangers-capture"]));

    for filter in [
        ["--state", "quarantined-strangers-capture"],
        ["--alarm", "strangers-capture"],
    ] {
        let (_, some) = shop.json(&[&["orders"][..], &filter].concat()).await;
        assert_eq!(numbers(&some), ["o-4"]);
    }
    let (_, open) = shop.json(&["orders", "--state", "open"]).await;
    assert_eq!(numbers(&open), ["o-3", "o-2", "o-1"]);

    let page = ["orders", "--limit", "2"];
    let (_, first) = shop.json(&page).await;
    assert_eq!(
        (numbers(&first), &first["next"]),
        (vec!["o-4", "o-3"], &json!("o-3"))
    );
    let (_, second) = shop.json(&[&page[..], &["--after", "o-3"]].concat()).await;
    assert_eq!(
        (numbers(&second), &second["next"]),
        (vec!["o-2", "o-1"], &Value::Null)
    );

    let table = shop.run(&page).await;
    let lines: Vec<_> = table.stdout.lines().collect();
    assert!(lines[0].starts_with("ORDER ") && lines[0].contains(" STANDING "));
    assert!(lines[1].starts_with("o-4 ") && lines[1].contains(" strangers-capture"));
    assert!(lines[2].starts_with("o-3 ") && lines[2].contains(" open"));
    assert_eq!(
        (lines.len(), table.stderr.as_str()),
        (3, "There are more: --after o-3\n")
    );
    let none = shop.run(&["orders", "--state", "paid"]).await;
    assert!(none.stdout.starts_with("No such orders of 7746@http://"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_with_what_happened_and_without_what_is_private() {
    let shop = Shop::new().await;
    let id = shop.start("o-1").await;
    let number: OrderNumber = "o-1".parse().unwrap();
    let code = shop.checkout.order(&number).await.unwrap().attempts[0].code;
    let shown = shop.run(&["order", "o-1"]).await;
    assert_eq!(shown.exit, 0, "{}", shown.stderr);
    for words in [
        "Order o-1 of 7746@http://",
        "1000 Rial, asking",
        &id,
        "…4567",
        "an attempt began",
    ] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
    let machine = shop.run(&["order", "o-1", "--json"]).await;
    let order = machine.json();
    assert_eq!(order["attempts"][0]["merchantOrderId"], "o-1-1");
    assert_eq!(order["timeline"][0]["text"], "the order was opened");
    for secret in [MOBILE, &code.to_string(), "123456\"", "\u{1b}"] {
        for said in [&shown, &machine] {
            assert!(!said.stdout.contains(secret) && !said.stderr.contains(secret));
        }
    }

    // Reading takes no password.
    let mut command = shop.bench.command(&["order", "o-1", "--store", &shop.file]);
    let ran = command.env_remove("JIBIT_PASSWORD").output();
    assert_eq!(Ran::of(ran.await.unwrap()).exit, 0);

    for words in [&["order", "o-2"][..], &["orders", "--after", "o-2"]] {
        let (exit, answer) = shop.json(words).await;
        assert_eq!(exit, 2);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("has no order o-2 in this store"),
            "{message}"
        );
    }
    let (_, answer) = shop.json(&["order", "o-1", "--username", "8000"]).await;
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("also holds orders of 7746@http://"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_named_as_it_is_and_made_by_nobody_but_a_shop() {
    let shop = Shop::new().await;
    shop.start("o-1").await;
    let folder = &shop.bench.state;
    let missing = folder.join("mistyped.sqlite3");
    let missing = missing.to_str().unwrap();
    let empty = folder.join("empty.sqlite3");
    std::fs::write(&empty, "").unwrap();
    let lines: [&[&str]; 6] = [
        &["orders"],
        &["order", "o-1"],
        &["audit"],
        &["reconcile", "--once"],
        &["order", "release", "o-1", "--attempt", "1", "--yes"],
        &["order", "adopt", "o-1", "x", "--attempt", "1", "--yes"],
    ];
    for words in lines {
        for (address, said) in [
            (missing, "there is no such file"),
            (empty.to_str().unwrap(), "the file is empty"),
            (
                "mysql://db/shop",
                "neither a file's path nor a postgres:// URL",
            ),
        ] {
            let line = [words, &["--store", address, "--json"]].concat();
            let ran = shop.bench.run(&line).await;
            let error = &ran.json()["error"];
            assert_eq!((ran.exit, &error["kind"]), (2, &json!("configuration")));
            assert!(error["message"].as_str().unwrap().contains(said), "{error}");
        }
        // Nobody named one, and there is none in the folder.
        let mut command = shop.bench.command(words);
        let ran = Ran::of(command.current_dir(folder).output().await.unwrap());
        assert!(
            ran.stderr.contains("there is no jibit.sqlite3"),
            "{}",
            ran.stderr
        );
    }
    assert!(!std::path::Path::new(missing).exists());
    assert_eq!(std::fs::metadata(&empty).unwrap().len(), 0);

    // What is no database is left as it is.
    let text = folder.join("notes.txt");
    std::fs::write(&text, "my notes, which are longer than a header").unwrap();
    let words = ["orders", "--store", text.to_str().unwrap(), "--json"];
    let ran = shop.bench.run(&words).await;
    assert_eq!(
        (ran.exit, &ran.json()["error"]["kind"]),
        (11, &json!("store"))
    );
    assert!(
        std::fs::read_to_string(&text)
            .unwrap()
            .starts_with("my notes")
    );

    // By a file that holds the address, by a variable, and in the folder.
    let address = folder.join("address");
    std::fs::write(&address, format!("{}\n", shop.file)).unwrap();
    let address = address.to_str().unwrap();
    let by_argument = shop.bench.run(&["orders", "--store-file", address]).await;
    assert!(by_argument.stdout.contains("o-1"), "{}", by_argument.stderr);
    let mut by_variable = shop.bench.command(&["orders"]);
    let by_variable = by_variable.env("JIBIT_STORE_FILE", address).output();
    assert!(Ran::of(by_variable.await.unwrap()).stdout.contains("o-1"));
    std::fs::rename(&shop.file, folder.join("jibit.sqlite3")).unwrap();
    for tail in ["-wal", "-shm"] {
        let _ = std::fs::rename(
            format!("{}{tail}", shop.file),
            folder.join(format!("jibit.sqlite3{tail}")),
        );
    }
    let mut in_folder = shop.bench.command(&["orders"]);
    let in_folder = in_folder.current_dir(folder).output().await.unwrap();
    assert!(Ran::of(in_folder).stdout.contains("o-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_a_password_is_refused_as_an_argument_and_never_shown() {
    let bench = Bench::new().await;
    let address = "postgres://shop:hunter2@127.0.0.1:1/shop";
    let joined = format!("--store={address}");
    for words in [
        &["orders", "--store", address, "--json"][..],
        &["orders", &joined, "--json"],
        &["order", "adopt", "o-1", "x", "--store", address, "--json"],
        &["reconcile", "--nonsense", address, "--json"],
    ] {
        let ran = bench.run(words).await;
        let error = &ran.json()["error"];
        assert_eq!((ran.exit, &error["kind"]), (2, &json!("invalid-input")));
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("JIBIT_STORE_FILE")
        );
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
    }
    // It may stand in a variable; nobody is there.
    for words in [&["orders", "--json"][..], &["doctor", "--json"]] {
        let mut command = bench.command(words);
        let ran = Ran::of(command.env("JIBIT_STORE", address).output().await.unwrap());
        assert_eq!(ran.exit, if words[0] == "orders" { 11 } else { 10 });
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_adopts_or_releases_and_the_timeline_says_so() {
    let shop = Shop::new().await;
    let id = shop.strangers("o-1").await;
    shop.strangers("o-2").await;
    assert_eq!(shop.run(&["reconcile", "--once"]).await.exit, 0);
    let quarantined = "quarantined: strangers-capture";
    let adopt = ["order", "adopt", "o-1", &id, "--attempt", "1"];
    let release = ["order", "release", "o-2", "--attempt", "1"];
    for decision in [&adopt[..], &release] {
        // Nobody is at a terminal, and nobody said yes.
        let (exit, answer) = shop.json(decision).await;
        assert_eq!(exit, 2);
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains("--yes")
        );
    }
    assert_eq!(shop.state("o-1").await, quarantined);
    assert_eq!(shop.state("o-2").await, quarantined);

    let (exit, adopted) = shop.json(&[&adopt[..], &["--yes"]].concat()).await;
    assert_eq!((exit, &adopted["standing"]), (0, &json!("paid")));
    assert!(happened(&adopted).contains("a person said that this payment is ours"));
    let released = shop.run(&[&release[..], &["--yes"]].concat()).await;
    assert_eq!(released.exit, 0, "{}", released.stderr);
    let words = "a person gave the order free for another payment";
    assert!(released.stdout.contains(words), "{}", released.stdout);
    assert_eq!(shop.state("o-2").await, "released");

    // A second time there is nothing to decide.
    for (decision, kind) in [
        (&release[..], "nothing-to-decide"),
        (&adopt, "nothing-to-decide"),
        (
            &["order", "release", "o-2", "--attempt", "9"],
            "no-such-order",
        ),
    ] {
        let (exit, answer) = shop.json(&[decision, &["--yes"]].concat()).await;
        assert_eq!((exit, &answer["error"]["kind"]), (2, &json!(kind)));
    }
    // An order's number stands after the decision.
    let (exit, _) = shop.json(&[&["order", "o-1"], &adopt[1..]].concat()).await;
    assert_eq!(exit, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_at_a_distant_host_only_when_told_to() {
    let shop = Shop::new().await;
    for words in [
        &["reconcile", "--once"][..],
        &["order", "adopt", "o-1", "x", "--attempt", "1", "--yes"],
    ] {
        let line = [words, &["--base-url", "https://pg.example"]].concat();
        let (exit, answer) = shop.json(&line).await;
        assert_eq!(exit, 2);
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .contains("--live")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_works_on_a_shop_s_postgres() {
    let Some(server) = Server::shared() else {
        return;
    };
    let url = server.database().await;
    let bench = Bench::new().await;
    let checkout = checkout(&bench, PostgresStore::connect(&url).await.unwrap()).await;
    bench.sandbox.pay(&start(&checkout, "o-1").await).unwrap();
    let run = async |words: &[&str]| {
        let mut command = bench.command(&[words, &["--json"]].concat());
        let ran = Ran::of(command.env("JIBIT_STORE", &url).output().await.unwrap());
        (ran.exit, ran.json())
    };
    let (exit, settled) = run(&["reconcile", "--once"]).await;
    assert_eq!((exit, &settled["settled"]), (0, &json!({"paid": 1})));
    assert_eq!(run(&["orders"]).await.1["orders"][0]["standing"], "paid");
    assert_eq!(run(&["audit"]).await.1["agree"], 1);
    let (_, said) = run(&["doctor"]).await;
    assert_eq!(
        said["checks"][4]["found"],
        "Postgres opens, tables of version 2"
    );
}
