//! `jibit agent`, as a shop in another language starts it.

use std::{fs, process::Stdio};

use bytes::Bytes;
use http::{Request, header};
use jibit_hyper::{HyperTransport, Roots, Transport as _};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Child,
};

use crate::bench::{Bench, Ran};

/// The agent's process and its URL.
pub(crate) async fn started(bench: &Bench, words: &[&str]) -> (Child, String) {
    let mut command = bench.command(&[&["agent", "--json"], words].concat());
    let command = command.stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines.next_line().await.unwrap().unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    (child, said["listening"].as_str().unwrap().to_owned())
}

async fn ask(request: http::request::Builder, body: &Value) -> (u16, Value) {
    let transport = HyperTransport::builder().roots(Roots::none());
    let transport = transport.build().unwrap();
    let request = request
        .header(header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body.to_string()));
    let answer = transport.send(request.unwrap()).await.unwrap();
    let json = serde_json::from_slice(answer.body()).unwrap();
    (answer.status().as_u16(), json)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn it_takes_orders_and_ends_when_it_is_asked_to() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(place("token"), "open sesame\n").unwrap();
    let (store, token) = (place("orders.sqlite3"), place("token"));
    let words = [
        "--listen",
        "127.0.0.1:0",
        "--callback-url",
        "https://shop.example/paid",
        "--store",
        &store,
        "--token-file",
        &token,
    ];
    let (mut child, url) = started(&bench, &words).await;
    let order = json!({ "number": "o-1", "amount": 125_000, "mobile": "09121234567" });
    let begin = || Request::post(format!("{url}/orders"));
    let (status, _) = ask(begin(), &order).await;
    assert_eq!(status, 401);
    let known = || begin().header(header::AUTHORIZATION, "Bearer open sesame");
    let (status, begun) = ask(known(), &order).await;
    assert_eq!((status, &begun["attempt"]), (200, &json!(1)), "{begun}");
    let pid = child.id().unwrap().to_string();
    let mut kill = tokio::process::Command::new("kill");
    let killed = kill.args(["-TERM", &pid]).status().await;
    assert!(killed.unwrap().success());
    assert!(child.wait().await.unwrap().success());

    // The order is on the disk, for the next one and for the other commands.
    let (_child, url) = started(&bench, &words).await;
    let show = Request::get(format!("{url}/orders/o-1"));
    let show = show.header(header::AUTHORIZATION, "Bearer open sesame");
    let (_, shown) = ask(show, &Value::Null).await;
    assert_eq!(shown["standing"], "asking");
    let listed = bench.run(&["orders", "--store", &store]).await;
    assert!(listed.stdout.contains("o-1"), "{}", listed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_with_a_remedy() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    let made = bench.run(&["agent", "--new-webhook-secret"]).await;
    assert!(made.exit == 0 && made.stdout.starts_with("whsec_"));
    fs::write(&secret, &made.stdout).unwrap();
    let secret = secret.to_str().unwrap();
    let back = ["agent", "--callback-url", "https://shop.example/paid"];
    for (words, said) in [
        (&["agent"][..], "callback-url is missing"),
        (
            &[&back[..], &["--webhook-secret-file", secret]].concat(),
            "webhook-url is missing",
        ),
        (
            &[&back[..], &["--webhook-url", "https://shop.example/x"]].concat(),
            "webhook-secret is missing",
        ),
        (
            &[
                &back[..],
                &[
                    "--webhook-url",
                    "http://shop.example/x",
                    "--webhook-secret-file",
                    secret,
                ],
            ]
            .concat(),
            "webhook URL",
        ),
        (
            &[&back[..], &["--listen", "0.0.0.0:0"]].concat(),
            "no token is set",
        ),
    ] {
        let refused = bench.command(words).current_dir(folder.path()).output();
        let refused = Ran::of(refused.await.unwrap());
        assert_eq!(refused.exit, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
        assert!(!refused.stderr.contains("whsec_"));
    }
}
