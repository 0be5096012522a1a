//! What strangers send: none of it may stop the sandbox, or reach further than a
//! clear refusal, and honest clients are served all the while.

use std::time::{Duration, Instant};

use jibit_sandbox::{Operation, Sandbox};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::server::{connect, exchange, login};

/// Sends it, and says with which status it was answered; nothing if the
/// connection just ended.
async fn status(sandbox: &Sandbox, request: &[u8]) -> Option<u16> {
    let answer = exchange(sandbox, request).await;
    let status = answer.split(' ').nth(1);
    status.map(|status| status.parse().unwrap())
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn is_served(sandbox: &Sandbox) {
    assert_eq!(status(sandbox, login("").as_bytes()).await, Some(200));
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let headers = "X: y\r\n".repeat(100);
    let long = "x".repeat(20_000);
    let cases: [(Vec<u8>, &[u16]); 15] = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &[400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[0]),
        (b"GET / HTTP/9.9\r\n\r\n".to_vec(), &[400]),
        (b"\0\0\0\0\0\0\0\0\r\n\r\n".to_vec(), &[400]),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(), &[400, 404]),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA\x00B: c\r\n\r\n".to_vec(), &[400]),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n".to_vec(), &[400]),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into(), &[431]),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n").into(), &[431]),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n").into(), &[414, 431]),
        (b"POST /authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n".to_vec(), &[400]),
        (b"POST /authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(), &[400]),
        (b"POST /authenticate HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n".to_vec(), &[400]),
        (b"POST /authenticate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n".to_vec(), &[400]),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(), &[404]),
    ];
    for (request, expected) in cases {
        let shown = String::from_utf8_lossy(&request).into_owned();
        let shown = shown.get(..60).unwrap_or(&shown);
        // 0: the connection ends without a word.
        let status = status(&sandbox, &request).await.unwrap_or(0);
        assert!(expected.contains(&status), "{shown:?}: {status}");
        is_served(&sandbox).await;
    }
}

#[tokio::test]
async fn paths_lead_nowhere_by_tricks() {
    let sandbox = Sandbox::start().await.unwrap();
    for path in [
        "//authenticate",
        "/authenticate/",
        "/./authenticate",
        "/x/../authenticate",
        "/%61uthenticate",
        "/authenticate%00",
        "/authenticate;x",
        "/AUTHENTICATE",
        "/order//verify/x",
        "/_sandbox/../authenticate",
        "/_sandbox//reset",
        "/_sandbox/orders/../reset",
        "/_sandbox/%72eset",
        "/_sandbox/..%2freset",
        "/order/../../../etc/passwd",
        "/..\\..\\x",
        "*",
    ] {
        let is = status(&sandbox, &post(path, b"{}")).await;
        assert!(matches!(is, Some(400 | 404)), "{path}: {is:?}");
    }
    // The absolute form names a path as well; it is for whoever listens here.
    let absolute = post("http://elsewhere.example/order/none/pay", b"");
    assert_eq!(status(&sandbox, &absolute).await, Some(404));
    let absolute = post("http://elsewhere.example/_sandbox/reset", b"{}");
    assert_eq!(status(&sandbox, &absolute).await, Some(403));
}

#[tokio::test]
async fn bodies_that_are_no_object_of_ours_are_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let deep = "[".repeat(60_000);
    let nested = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let inside = format!(r#"{{"username":{},"password":"x"}}"#, "[".repeat(50_000));
    for body in [
        b"\xff\xfe\x00".as_slice(),
        b"{\"username\":\"\xff\",\"password\":\"x\"}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
        nested.as_bytes(),
        inside.as_bytes(),
        br#"{"username":1e999,"password":"x"}"#,
        br#"{"username":"7746","password":"123456","password":"123456"}"#,
        br#"["7746","123456"]"#,
        br#"{"username":"7746","password":"123456"}{}"#,
        br#"{"username":"\ud800","password":"x"}"#,
        br#"{"username":-0,"password":["123456"]}"#,
        b"null",
        b"",
    ] {
        let status = status(&sandbox, &post("/authenticate", body)).await;
        let shown = String::from_utf8_lossy(body.get(..40).unwrap_or(body)).into_owned();
        assert_eq!(status, Some(400), "{shown}");
    }
    for method in [
        "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH", "post", "BREW",
    ] {
        let request = post("/authenticate", b"{}");
        let request = [method.as_bytes(), request.get(4..).unwrap()].concat();
        assert_eq!(status(&sandbox, &request).await, Some(405), "{method}");
    }
    // Longer than what is read, and without saying so beforehand.
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000)).repeat(17);
    let chunked = format!(
        "POST /authenticate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
    );
    assert_eq!(status(&sandbox, chunked.as_bytes()).await, Some(413));
    is_served(&sandbox).await;
}

#[tokio::test]
async fn rubbish_behind_a_request_does_not_harm_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let first = login("").replace("Connection: close\r\n", "");
    let answers = exchange(
        &sandbox,
        [first.as_bytes(), b"\0\0garbage\r\n\r\n"].concat(),
    )
    .await;
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 400 ").count(), 1, "{answers}");
    assert_eq!(sandbox.arrived(Operation::Authenticate), 1);
}

/// Who is slow is cut off, and holds up nobody.
#[tokio::test]
async fn a_slow_client_is_cut_off() {
    let sandbox = Sandbox::start().await.unwrap();
    let patience = Duration::from_secs(90);
    let drips = |head: &'static [u8]| {
        let address = sandbox.address();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(head).await.unwrap();
            let (mut read, mut write) = stream.into_split();
            let drip = async {
                while write.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            };
            let mut answer = Vec::new();
            let end = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer);
            tokio::select! {
                _ = end => {}
                () = drip => {}
            }
            String::from_utf8(answer).unwrap()
        }
    };
    let begun = Instant::now();
    let slow = async {
        tokio::join!(
            drips(b""),
            drips(b"POST /authenticate HTTP/1.1\r\nHost: x\r\nX: "),
            drips(b"POST /authenticate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"),
        )
    };
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(connect(&sandbox).await);
    }
    let honest = async {
        while begun.elapsed() < Duration::from_secs(3) {
            is_served(&sandbox).await;
        }
    };
    let (slow, ()) = tokio::join!(tokio::time::timeout(patience, slow), honest);
    let (_, _, body) = slow.unwrap();
    assert!(
        body.is_empty() || body.starts_with("HTTP/1.1 408 "),
        "{body}"
    );
    is_served(&sandbox).await;
}
