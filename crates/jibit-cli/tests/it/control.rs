//! What a sandbox does on request.

use jibit_proto::Secret;
use jibit_sandbox::Settings;
use serde_json::json;

use crate::bench::{Bench, Ran, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_and_cancels_at_the_prompt() {
    let bench = Bench::new().await;
    let id = bench.initiate().await;
    let (exit, paid) = bench.json(&["pay", &id]).await;
    assert_eq!((exit, &paid["status"]), (0, &json!("PURCHASE_BY_USER")));
    let (exit, again) = bench.json(&["pay", &id]).await;
    assert_eq!((exit, &again["error"]["code"]), (7, &json!(9024)));
    assert_eq!(again["error"]["kind"], "refused");
    assert_eq!(bench.verify(&id).await.0, 0);

    let id = bench.initiate().await;
    let said = bench.run(&["cancel", &id]).await;
    assert!(said.stdout.contains("CANCEL_BY_USER"), "{}", said.stdout);
    assert!(said.stdout.contains("status=CANCEL_BY_USER"));
    assert_eq!(bench.verify(&id).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_passes_at_the_prompt() {
    let bench = Bench::new().await;
    let id = bench.paid().await;
    let said = bench.run(&["advance", "15m"]).await;
    assert!(
        said.stdout.starts_with("The sandbox's clock says "),
        "{}",
        said.stdout
    );
    let (exit, answer) = bench.verify(&id).await;
    assert_eq!((exit, &answer["status"]), (3, &json!("CANCEL_BY_SYSTEM")));
    // A day later the tokens that are kept are dead too.
    let (exit, _) = bench.json(&["advance", "25h"]).await;
    assert_eq!(exit, 0);
    assert_eq!(bench.verify(&id).await.0, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_sandbox_on_this_machine_is_asked() {
    for words in [
        &["pay", "x", "--json"][..],
        &[
            "advance",
            "1m",
            "--json",
            "--base-url",
            "https://pg.example",
        ],
        &["pay", "..", "--json", "--base-url", "http://127.0.0.1:1"],
        &["advance", "soon", "--json"],
    ] {
        assert_eq!(run(words).await.exit, 2, "{words:?}");
    }
    let words = ["cancel", "x", "--json", "--base-url", "http://127.0.0.1:1"];
    let ran = run(&words).await;
    assert_eq!(
        (ran.exit, &ran.json()["error"]["kind"]),
        (8, &json!("transport"))
    );
    // Something else listens there.
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", peer.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut wire, _) = peer.accept().unwrap();
        let _ = wire.read(&mut [0; 4096]);
        let _ = wire.write_all(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno");
    });
    let ran = run(&["pay", "x", "--json", "--base-url", &url]).await;
    assert_eq!(
        (ran.exit, &ran.json()["error"]["kind"]),
        (2, &json!("configuration"))
    );
}

#[tokio::test]
async fn help_tells_the_sandbox_s_times() {
    let help = run(&["sandbox", "--help"]).await.stdout;
    for word in [
        "--window-from",
        "[default: 30m]",
        "[default: 24h]",
        "--refresh-life",
    ] {
        assert!(help.contains(word), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_set_shown_and_cleared_at_the_prompt() {
    let bench = Bench::new().await;
    let id = bench.paid().await;
    let plan = "verify after nth=1 reset; inquiry after every=2 status=503";
    let (exit, set) = bench.json(&["faults", "set", plan]).await;
    let line = format!("seed=0; {plan}");
    assert_eq!((exit, &set["plan"]), (0, &json!(line)));
    // The money is found all the same.
    assert_eq!(bench.verify(&id).await.0, 0);
    let shown = bench.run(&["faults"]).await.stdout;
    assert!(
        shown.starts_with(&format!("{line}\nstruck so far, by rule: 1, 1")),
        "{shown}"
    );
    let cleared = bench.run(&["faults", "clear"]).await.stdout;
    assert_eq!(cleared.trim(), "No request is struck.");

    let wrong = bench
        .run(&["faults", "set", "verify whenever drop", "--json"])
        .await;
    assert_eq!(wrong.exit, 2);
    assert!(
        wrong
            .stdout
            .contains("is no phase; give before, after or body"),
        "{}",
        wrong.stdout
    );
    for words in [
        &["sandbox", "--json", "--faults", "pay before drop"][..],
        &["sandbox", "--json", "--faults-file", "/no/such/file"],
    ] {
        assert_eq!(run(words).await.exit, 2, "{words:?}");
    }
}

#[tokio::test]
async fn a_sandbox_says_what_it_takes_to_run_its_faults_again() {
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let words = [
        "sandbox",
        "--listen",
        "127.0.0.1:0",
        "--faults",
        "seed=7; any before chance=5% drop",
    ];
    let mut command = crate::bench::command(&words);
    let mut sandbox = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(sandbox.stderr.take().unwrap())
        .lines()
        .next_line()
        .await;
    let line = said.unwrap().unwrap();
    assert!(
        line.ends_with("--faults 'seed=7; any before chance=5% drop'"),
        "{line}"
    );
    sandbox.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_token_controls_a_sandbox() {
    let settings = Settings::default().control_token(Secret::new("open sesame"));
    let bench = Bench::with(settings).await;
    let id = bench.initiate().await;
    let (exit, refused) = bench.json(&["pay", &id]).await;
    assert_eq!((exit, &refused["error"]["code"]), (7, &json!(9041)));
    let file = bench.state.with_extension("token");
    std::fs::write(&file, "open sesame\n").unwrap();
    let path = file.to_str().unwrap();
    let (exit, paid) = bench
        .json(&["pay", &id, "--control-token-file", path])
        .await;
    assert_eq!((exit, &paid["status"]), (0, &json!("PURCHASE_BY_USER")));
    let mut faults = bench.command(&["faults", "--json"]);
    let by_variable = faults.env("JIBIT_CONTROL_TOKEN", "open sesame").output();
    assert_eq!(Ran::of(by_variable.await.unwrap()).exit, 0);

    // It is shown to no gateway: the default is the production one.
    // However it is spelled.
    for gateway in [
        &[][..],
        &["--base-url", "https://pg.jibit.mobi/"],
        &["--base-url", "https://PG.Jibit.mobi:443/v1"],
    ] {
        let words = [&["pay", &id, "--json"], gateway].concat();
        let mut lost = crate::bench::command(&words);
        let lost = lost.env("JIBIT_CONTROL_TOKEN", "open sesame").output();
        let lost = Ran::of(lost.await.unwrap());
        assert_eq!(
            (lost.exit, &lost.json()["error"]["kind"]),
            (2, &json!("configuration")),
            "{gateway:?}"
        );
    }
    for (content, said) in [(Some(""), "is empty"), (None, "cannot be read")] {
        match content {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let ran = bench.run(&["pay", &id, "--control-token-file", path]).await;
        assert!(ran.exit == 2 && ran.stderr.contains(said), "{}", ran.stderr);
    }
}
