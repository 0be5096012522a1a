use std::{process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::Child,
};

use crate::bench::{Ran, command, run};

#[tokio::test]
async fn the_demo_pays_an_order_and_tells_it_well() {
    let ran = run(&["demo"]).await;
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr, "");
    let mut at = 0;
    for step in [
        "authenticate",
        "initiate",
        "page",
        "callback",
        "settle",
        "inquiry",
        "is paid",
    ] {
        let found = ran.stdout[at..].find(step);
        at += found.unwrap_or_else(|| panic!("no {step} after {at} in\n{}", ran.stdout));
    }
    assert!(
        ran.stdout
            .ends_with("is paid: PURCHASE_CONFIRM_BY_MERCHANT.\n"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains('\u{1b}'), "colours in a pipe");

    let ran = run(&["--json", "demo"]).await;
    assert_eq!((ran.exit, &ran.json()["outcome"]), (0, &"paid".into()));
    assert_eq!(ran.json()["status"], "PURCHASE_CONFIRM_BY_MERCHANT");
}

/// One request, and all that comes back.
async fn fetch(method: &str, url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn location(answer: &str) -> &str {
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "));
    line.unwrap_or_else(|| panic!("no location in\n{answer}"))
}

async fn started(words: &[&str]) -> (Child, String) {
    let mut child = command(words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (child, line)
}

#[tokio::test]
async fn the_web_demo_can_be_clicked_through() {
    let (_child, line) = started(&["demo", "--web", "--json"]).await;
    let open: Value = serde_json::from_str(&line).unwrap();
    let shop = open["shop"].as_str().unwrap();
    assert!(fetch("GET", shop).await.contains("خرید"));

    let page = location(&fetch("POST", &format!("{shop}/buy")).await).to_owned();
    assert!(fetch("GET", &page).await.contains("پرداخت"));
    let back = location(&fetch("POST", &format!("{page}/pay")).await).to_owned();
    assert!(fetch("GET", &back).await.contains("پرداخت شد"));
    assert!(fetch("GET", &back).await.contains("پرداخت شد"), "reloaded");
    // A forged claim changes nothing.
    let forged = back.replace("PURCHASE_BY_USER", "CANCEL_BY_USER");
    assert!(fetch("GET", &forged).await.contains("پرداخت شد"));
    let stranger = format!("{shop}/return?code=0&orderId=x&status=PURCHASE_BY_USER");
    assert!(fetch("GET", &stranger).await.starts_with("HTTP/1.1 404 "));

    let page = location(&fetch("POST", &format!("{shop}/buy")).await).to_owned();
    let back = location(&fetch("POST", &format!("{page}/cancel")).await).to_owned();
    assert!(fetch("GET", &back).await.contains("پرداخت انجام نشد"));
}

#[tokio::test]
async fn a_sandbox_that_others_reach_says_what_is_closed() {
    for (token, warns) in [("", true), ("open sesame", false)] {
        let mut child = command(&["sandbox", "--json", "--listen", "0.0.0.0:0"])
            .env("JIBIT_CONTROL_TOKEN", token)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = out.next_line().await.unwrap().unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = line["listening"].as_str().unwrap();
        assert_eq!(line["dashboard"], format!("{url}/_sandbox/"));
        tokio::time::sleep(Duration::from_millis(300)).await;
        child.kill().await.unwrap();
        let mut said = String::new();
        let mut errors = child.stderr.take().unwrap();
        errors.read_to_string(&mut said).await.unwrap();
        assert_eq!(said.contains("the dashboard are closed"), warns, "{said}");
        assert!(!said.contains("sesame"));
    }
}

#[tokio::test]
async fn the_sandbox_command_says_where_it_listens_and_answers() {
    let words = [
        "sandbox",
        "--listen",
        "127.0.0.1:0",
        "--merchant",
        "1:a:b",
        "--merchant",
        "2:c",
        "--profile",
        "tidy",
    ];
    let (_child, line) = started(&words).await;
    let url = line.strip_prefix("listening on ").unwrap();
    for (username, password, exit) in [("1", "a:b", 0), ("2", "c", 0), ("7746", "123456", 6)] {
        let mut login = command(&["authenticate", "--base-url", url, "--username", username]);
        let ran = Ran::of(
            login
                .env("JIBIT_PASSWORD", password)
                .output()
                .await
                .unwrap(),
        );
        assert_eq!(ran.exit, exit, "{}", ran.stderr);
    }
    let port = url.strip_prefix("http://").unwrap();
    let taken = run(&["sandbox", "--json", "--listen", port]).await;
    assert_eq!(
        (taken.exit, &taken.json()["error"]["kind"]),
        (2, &"configuration".into())
    );
}
