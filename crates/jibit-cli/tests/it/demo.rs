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
async fn fetch(method: &str, url: &str, cookie: &str, form: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn location(answer: &str) -> &str {
    header(answer, "location: ")
}

async fn started(words: &[&str]) -> (Child, String) {
    let mut child = command(words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (child, line)
}

/// The value of a header in an answer.
fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{answer}"))
}

#[tokio::test]
async fn the_web_demo_can_be_clicked_through() {
    let (_child, line) = started(&["demo", "--web", "--json"]).await;
    let open: Value = serde_json::from_str(&line).unwrap();
    let url = |key: &str| open[key].as_str().unwrap().to_owned();
    let shop = url("shop");
    assert!(fetch("GET", &shop, "", "").await.contains("افزودن به سبد"));
    let dashboard = fetch("GET", &url("dashboard"), "", "").await;
    assert!(dashboard.starts_with("HTTP/1.1 200 "));
    assert!(url("dashboard").starts_with(&url("sandbox")));

    let added = fetch("POST", &format!("{shop}/basket"), "", "add=hafez").await;
    let cookie = header(&added, "set-cookie: ").split(';').next().unwrap();
    let pay = format!("{shop}/pay");
    let sent_on = fetch("POST", &pay, cookie, "mobile=09121234567").await;
    let page = location(&sent_on).to_owned();
    assert!(fetch("GET", &page, "", "").await.contains("دیوان حافظ"));
    let back = location(&fetch("POST", &format!("{page}/pay"), "", "").await).to_owned();
    // Reloaded, and with a forged claim, it says the same.
    let forged = back.replace("PURCHASE_BY_USER", "CANCEL_BY_USER");
    for url in [&back, &back, &forged] {
        assert!(
            fetch("GET", url, "", "")
                .await
                .contains("<h1>پرداخت شد</h1>")
        );
    }
    let stranger = format!("{shop}/return?attempt=0&orderId=x&status=PURCHASE_BY_USER");
    let stranger = fetch("GET", &stranger, "", "").await;
    assert!(stranger.starts_with("HTTP/1.1 404 "));
    assert!(
        fetch("GET", &url("operator"), "", "")
            .await
            .contains("paid")
    );
}

#[tokio::test]
async fn the_web_demo_says_where_it_is() {
    let (mut child, line) = started(&["demo", "--web", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(line, "A shop and a gateway are up; no money moves.");
    child.kill().await.unwrap();
    let ran = run(&["demo", "--web", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(ran.exit, 2);
    assert!(
        ran.stderr.contains("not an address of this machine alone"),
        "{}",
        ran.stderr
    );
    let ran = run(&["demo", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(ran.exit, 2, "{}", ran.stdout);
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
