//! What becomes of answers that do not come, and of those that come odd.

use std::{fs, path::PathBuf, time::Duration};

use jibit_hyper::Secret;
use jibit_proto::wire::{authenticate, initiate};
use jibit_sandbox::{Fate, Fault, Operation};
use jibit_testkit::Fixture;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{Capture, PASSWORD, ask, fixtures, login, order, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_a_502_and_no_fixture_and_nothing_is_sent_twice() {
    let sandbox = sandbox().await;
    let mut capture = Capture::of(&sandbox.url(), "faults").await;
    let base = capture.base();
    let tokens = login(&base).await;
    capture.line().await;
    let initiate = || initiate::request(&base, &tokens.token.bearer().unwrap(), &order()).unwrap();
    let wire = [
        Fate::Reset,
        Fate::Close,
        Fate::Cut(10),
        Fate::Flood(4 * 1024 * 1024),
    ];
    for (sent, fate) in (1..).zip(wire) {
        sandbox.inject(Fault::after(Operation::Initiate, fate.clone()));
        let answer = ask(initiate()).await;
        assert_eq!(answer.status(), 502, "{fate:?}");
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; charset=utf-8"
        );
        assert!(answer.body().starts_with(b"jibit capture: "), "{answer:?}");
        let line = capture.line().await;
        assert_eq!(
            (&line["status"], &line["file"]),
            (&json!(null), &json!(null))
        );
        assert_eq!(sandbox.arrived(Operation::Initiate), sent, "{fate:?}");
    }
    // What the gateway's own proxies say passes as it is.
    let plan = "initiate before nth=1 html; initiate before nth=2 garbage; initiate after nth=3 gzip; \
                initiate before nth=4 redirect=307; initiate before nth=5 too-many=3";
    sandbox.arm(plan.parse().unwrap());
    let html = ask(initiate()).await;
    assert_eq!(html.status(), 502);
    let file = PathBuf::from(capture.line().await["file"].as_str().unwrap());
    let fixture: Fixture = fs::read_to_string(file).unwrap().parse().unwrap();
    assert_eq!(fixture.answer.body(), html.body());
    assert_eq!(
        fixture.answer.headers()["content-type"],
        html.headers()["content-type"]
    );
    for status in [200, 200, 307, 429] {
        assert_eq!(ask(initiate()).await.status(), status);
        let line = capture.line().await;
        assert_eq!(line["status"], status);
        let text = fs::read_to_string(line["file"].as_str().unwrap()).unwrap();
        assert_eq!(text.parse::<Fixture>().unwrap().answer.status(), status);
    }
    let folder = capture.folder.clone();
    let (summary, _) = capture.end().await;
    assert_eq!(
        summary,
        json!({"exchanges": 10, "files": 6, "unanswered": 4})
    );
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_down_is_a_502_and_no_fixture() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let capture = Capture::of(&upstream, "down").await;
    let password = Secret::new(PASSWORD);
    let request = authenticate::request(&capture.base(), "4477", &password).unwrap();
    let answer = ask(request).await;
    assert_eq!(answer.status(), 502);
    assert!(String::from_utf8_lossy(answer.body()).contains("nothing was sent"));
    assert!(fixtures(&capture.folder).is_empty());
    let folder = capture.folder.clone();
    let (summary, said) = capture.end().await;
    assert_eq!(
        summary,
        json!({"exchanges": 1, "files": 0, "unanswered": 1})
    );
    assert!(!said.contains(PASSWORD));
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_goes_away_is_recorded_all_the_same() {
    let sandbox = sandbox().await;
    let mut capture = Capture::of(&sandbox.url(), "gone").await;
    let base = capture.base();
    let tokens = login(&base).await;
    capture.line().await;
    let late = Fate::Delay(Duration::from_millis(400));
    sandbox.inject(Fault::after(Operation::Initiate, late));
    let request = initiate::request(&base, &tokens.token.bearer().unwrap(), &order()).unwrap();
    let gone = tokio::time::timeout(Duration::from_millis(150), ask(request)).await;
    assert!(gone.is_err());
    // Told to end in the meantime, it waits for what is under way.
    let folder = capture.folder.clone();
    let (summary, _) = capture.end().await;
    assert_eq!(
        summary,
        json!({"exchanges": 2, "files": 2, "unanswered": 0})
    );
    assert!(fixtures(&folder).contains_key("initiate/0002-200.http"));
    assert_eq!(sandbox.arrived(Operation::Initiate), 1);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_are_each_recorded() {
    let sandbox = sandbox().await;
    let mut capture = Capture::of(&sandbox.url(), "at-once").await;
    let base = capture.base();
    let logins: Vec<_> = (0..30)
        .map(|_| {
            tokio::spawn({
                let base = base.clone();
                async move { login(&base).await }
            })
        })
        .collect();
    for login in logins {
        login.await.unwrap();
        assert!(capture.line().await["file"].is_string());
    }
    let folder = capture.folder.clone();
    capture.end().await;
    assert_eq!(fixtures(&folder).len(), 30);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_interrupt_does_not_wait_for_a_gateway_that_hangs() {
    let sandbox = sandbox().await;
    let mut capture = Capture::of(&sandbox.url(), "hangs").await;
    let base = capture.base();
    let tokens = login(&base).await;
    capture.line().await;
    sandbox.inject(Fault::after(Operation::Initiate, Fate::Hang));
    let request = initiate::request(&base, &tokens.token.bearer().unwrap(), &order()).unwrap();
    let gone = tokio::time::timeout(Duration::from_millis(150), ask(request)).await;
    assert!(gone.is_err());
    let folder = capture.folder.clone();
    capture.interrupt().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let (summary, said) = capture.end().await;
    assert_eq!(
        summary,
        json!({"exchanges": 1, "files": 1, "unanswered": 0})
    );
    assert!(said.contains("Ctrl-C ends at once"), "{said}");
    assert!(
        said.contains("requests without an answer yet: 1; the gateway may have acted"),
        "{said}"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_body_arrive_as_they_were_sent() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = upstream.local_addr().unwrap();
    let capture = Capture::of(&format!("http://{address}/prefix"), "raw").await;
    let gateway = tokio::spawn(async move {
        let (mut wire, _) = upstream.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let mut length = 0;
        while !head[..length].ends_with(b" {\"x\" :1}\r\n") {
            length += wire.read(&mut head[length..]).await.unwrap();
        }
        let answer =
            b"HTTP/1.1 299 Odd\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-End: 1\r\nX-End: 2\r\n\
                       Transfer-Encoding: chunked\r\n\r\n3\r\n{ }\r\n0\r\n\r\n";
        wire.write_all(answer).await.unwrap();
        String::from_utf8(head[..length].to_vec()).unwrap()
    });
    let mut shop = TcpStream::connect(capture.url.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let request = "POST /order/verify/a%2Fb?c=%20d HTTP/1.1\r\nHost: localhost\r\nUser-Agent: shop\r\n\
                   Connection: close, x-own\r\nX-Own: 1\r\nX-Kept: 1\r\nKeep-Alive: 5\r\n\
                   Transfer-Encoding: chunked\r\n\r\nb\r\n {\"x\" :1}\r\n\r\n0\r\n\r\n";
    shop.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    shop.read_to_string(&mut answer).await.unwrap();
    let sent = gateway.await.unwrap().to_lowercase();

    let mut lines: Vec<_> = sent.split("\r\n").collect();
    assert_eq!(
        lines.remove(0),
        "post /prefix/order/verify/a%2fb?c=%20d http/1.1"
    );
    lines.sort_unstable();
    let host = format!("host: {address}");
    let expected = [
        "",
        "",
        " {\"x\" :1}",
        "content-length: 11",
        &host,
        "user-agent: shop",
        "x-kept: 1",
    ];
    assert_eq!(lines, expected);
    assert!(answer.starts_with("HTTP/1.1 299 Odd\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n{ }"), "{answer}");
    let answer = answer.to_lowercase();
    for (line, stays) in [
        ("x-end: 1\r\nx-end: 2", true),
        ("content-length: 3", true),
        ("x-hop", false),
        ("date", false),
        ("transfer-encoding", false),
    ] {
        assert_eq!(answer.contains(line), stays, "{line} in {answer}");
    }
    let folder = capture.folder.clone();
    capture.end().await;
    fs::remove_dir_all(folder).unwrap();
}
