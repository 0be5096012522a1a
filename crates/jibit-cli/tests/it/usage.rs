//! The command line itself.

use std::io::Write as _;

use jibit_sandbox::Operation;
use serde_json::json;

use crate::bench::{Bench, Ran, run};

#[tokio::test(flavor = "multi_thread")]
async fn settings_stand_anywhere_on_the_line() {
    let bench = Bench::new().await;
    let id = bench.initiate().await;
    let url = bench.sandbox.url();
    for words in [
        [
            "--json",
            "--base-url",
            &url,
            "--username",
            "7746",
            "inquiry",
            &id,
        ],
        [
            "inquiry",
            &id,
            "--username",
            "7746",
            "--base-url",
            &url,
            "--json",
        ],
        [
            "--username",
            "7746",
            "inquiry",
            "--json",
            &id,
            "--base-url",
            &url,
        ],
    ] {
        let mut command = crate::bench::command(&words);
        let ran = Ran::of(
            command
                .env("JIBIT_PASSWORD", jibit_canary::PASSWORD)
                .output()
                .await
                .unwrap(),
        );
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        assert_eq!(ran.json()["status"], "INITIAL");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_comes_from_files_too_and_never_from_an_argument() {
    let bench = Bench::new().await;
    let file = std::env::temp_dir().join(format!("jibit-password-{}", std::process::id()));
    writeln!(
        std::fs::File::create(&file).unwrap(),
        "{}",
        jibit_canary::PASSWORD
    )
    .unwrap();
    let path = file.to_str().unwrap();

    let mut by_setting = bench.command(&["authenticate", "--password-file", path]);
    let ran = Ran::of(
        by_setting
            .env_remove("JIBIT_PASSWORD")
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let mut by_variable = bench.command(&["authenticate"]);
    by_variable
        .env_remove("JIBIT_PASSWORD")
        .env("JIBIT_PASSWORD_FILE", path);
    assert_eq!(Ran::of(by_variable.output().await.unwrap()).exit, 0);
    // An empty variable is as good as none.
    by_variable.env("JIBIT_PASSWORD", "");
    assert_eq!(Ran::of(by_variable.output().await.unwrap()).exit, 0);
    std::fs::remove_file(&file).unwrap();

    let ran = bench
        .run(&["authenticate", "--json", "--password-file", path])
        .await;
    assert_eq!(
        (ran.exit, &ran.json()["error"]["kind"]),
        (2, &json!("configuration"))
    );

    let mut none = bench.command(&["authenticate", "--json"]);
    let ran = Ran::of(none.env_remove("JIBIT_PASSWORD").output().await.unwrap());
    assert_eq!(ran.exit, 2);
    assert!(
        ran.json()["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("password is missing; ")
    );

    for words in [
        &["authenticate", "--password", "hunter2"][..],
        &["authenticate", "--password=hunter2"],
    ] {
        let ran = bench.run(&[words, &["--json"]].concat()).await;
        assert_eq!(ran.exit, 2);
        assert_eq!(ran.json()["error"]["kind"], "invalid-input");
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
    }
}

#[tokio::test]
async fn usage_errors_are_json_too() {
    for words in [
        &["--json"][..],
        &["--json", "nonsense"],
        &["inquiry", "--json"],
        &["inquiry", "x", "--json=yes"],
        &["verify", "x", "--json"],
        &["sandbox", "--json", "--listen", "nowhere"],
        &["sandbox", "--json", "--merchant", "nameonly"],
        &["sandbox", "--json", "--verify-window", "soon"],
        &["sandbox", "--json", "--shop-name", "nameonly"],
        &["sandbox", "--json", "--return", "by-train"],
        &["sandbox", "--json", "--quirk", "mood=on"],
        &["sandbox", "--json", "--quirk", "no-ref-id=maybe"],
        &["demo", "--json", "extra"],
    ] {
        let ran = run(words).await;
        assert_eq!(ran.exit, 2, "{words:?}");
        let error = &ran.json()["error"];
        assert_eq!(
            (&error["kind"], &error["certainty"]),
            (&json!("invalid-input"), &json!("nothing-happened"))
        );
        assert!(!ran.stderr.is_empty());
    }
    for number in ["09121234567", "0912-123-4567", "+98 912 123 4567"] {
        let ran = run(&["inquiry", "x", number]).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
        assert!(!ran.stderr.contains("4567"), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn help_version_and_completions() {
    let help = run(&["--help"]).await;
    assert_eq!(help.exit, 0);
    for word in [
        "Examples:",
        "demo",
        "JIBIT_BASE_URL",
        "Exit status:",
        "https://pg.jibit.mobi",
    ] {
        assert!(help.stdout.contains(word), "{word}");
    }
    assert!(run(&["--version"]).await.stdout.starts_with("jibit 0."));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).await;
        assert_eq!(script.exit, 0);
        assert!(script.stdout.contains("inquiry"));
        let json = run(&["completions", shell, "--json"]).await.json();
        assert_eq!(json["shell"], shell);
        assert!(json["script"] == script.stdout.trim_end());
    }
    // A reader that has gone away.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut gone = crate::bench::command(&["completions", "zsh"]);
    let ran = Ran::of(gone.stdout(writer).output().await.unwrap());
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    // A value from the environment may be anything; help does not show it.
    let mut help = crate::bench::command(&["--help"]);
    let shown = Ran::of(
        help.env("JIBIT_USERNAME", "merchant-of-mine")
            .output()
            .await
            .unwrap(),
    );
    assert!(!shown.stdout.contains("merchant-of-mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_go_to_standard_error_and_tell_no_secret() {
    let bench = Bench::new().await;
    let mut chatty = bench.command(&["-vv", "--json", "initiate"]);
    chatty
        .args(&crate::bench::INITIATE[1..])
        .env("RUST_LOG", "trace");
    let ran = Ran::of(chatty.output().await.unwrap());
    assert_eq!(ran.exit, 0);
    ran.json();
    assert!(ran.stderr.contains("initiate"), "{}", ran.stderr);
    assert_eq!(jibit_canary::leak(&ran.stderr), None, "{}", ran.stderr);
    let quiet = bench.run(&["authenticate"]).await;
    assert_eq!(quiet.stderr, "");
    let calls = bench.run(&["authenticate", "-v"]).await;
    assert!(calls.stderr.contains("authenticate"), "{}", calls.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_of_logs_that_is_none_is_refused() {
    let bench = Bench::new().await;
    let mut command = bench.command(&["authenticate", "--json"]);
    let ran = Ran::of(
        command
            .env("RUST_LOG", "jibit=loud")
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(ran.exit, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("RUST_LOG"), "{}", ran.stderr);
    ran.json();
    assert_eq!(bench.sandbox.arrived(Operation::Authenticate), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_to_an_allowed_host_is_warned_about() {
    let words = [
        "authenticate",
        "--base-url",
        "http://gateway.invalid",
        "--allow-http",
        "gateway.invalid",
    ];
    let words = [&words[..], &["--username", "7746", "--deadline", "1"]].concat();
    let ran = Ran::of(
        crate::bench::command(&words)
            .env("JIBIT_PASSWORD", "x")
            .output()
            .await
            .unwrap(),
    );
    assert_eq!(ran.exit, 8, "{}", ran.stderr);
    assert!(ran.stderr.contains("plain http"), "{}", ran.stderr);
}
