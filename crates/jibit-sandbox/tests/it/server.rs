//! The server over raw sockets: what hyper would let through, and every fate.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use jibit_sandbox::{Fate, Fault, Operation, Sandbox, Settings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) async fn connect(sandbox: &Sandbox) -> TcpStream {
    TcpStream::connect(sandbox.address()).await.unwrap()
}

/// What comes back until the connection ends.
pub(crate) async fn exchange(sandbox: &Sandbox, request: impl AsRef<[u8]>) -> String {
    let mut stream = connect(sandbox).await;
    // Who is refused early may find that nobody reads on.
    let _ = stream.write_all(request.as_ref()).await;
    let mut answer = Vec::new();
    // A reset after a whole answer is an end as well.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

const LOGIN: &str = r#"{"username":"7746","password":"123456"}"#;

pub(crate) fn login(more_headers: &str) -> String {
    format!(
        "POST /authenticate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n{more_headers}\r\n{LOGIN}",
        LOGIN.len()
    )
}

#[tokio::test]
async fn it_answers_on_the_port_that_it_names_and_stops_when_dropped() {
    let sandbox = Sandbox::start().await.unwrap();
    let answer = exchange(&sandbox, &login("")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("refreshToken"));
    let address = sandbox.address();
    let mut idle = connect(&sandbox).await;
    drop(sandbox);
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
    for _ in 0..100 {
        if TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it still listens");
}

#[tokio::test]
async fn a_request_that_is_framed_twice_or_has_no_host_is_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let after = login("Transfer-Encoding: chunked\r\n");
    let before = "POST /authenticate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
        Content-Type: application/json\r\nContent-Length: 5\r\nConnection: close\r\n\r\n0\r\n\r\n";
    let hostless = login("").replace("Host: x\r\n", "");
    for request in [after.as_str(), before, &hostless] {
        let answer = exchange(&sandbox, request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request}\n{answer}");
    }
    let chunked = format!(
        "POST /authenticate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\
         Content-Type: application/json\r\n\r\n{:x}\r\n{LOGIN}\r\n0\r\n\r\n",
        LOGIN.len()
    );
    let answer = exchange(&sandbox, &chunked).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = format!(
        "POST /authenticate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: 70000\r\n\r\n{}",
        " ".repeat(70_000)
    );
    let answer = exchange(&sandbox, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn answers_meet_their_fates() {
    let sandbox = Sandbox::start().await.unwrap();
    let request = login("");
    let whole = exchange(&sandbox, &request).await;
    let head = whole.find("\r\n\r\n").unwrap() + 4;

    sandbox.inject(Fault::after(Operation::Authenticate, Fate::Close));
    assert_eq!(exchange(&sandbox, &request).await, "");

    sandbox.inject(Fault::after(Operation::Authenticate, Fate::Cut(10)));
    let cut = exchange(&sandbox, &request).await;
    assert_eq!(cut.len(), cut.find("\r\n\r\n").unwrap() + 4 + 10);
    assert!(cut.contains(&format!("content-length: {}\r\n", whole.len() - head)));

    sandbox.inject(Fault::after(Operation::Authenticate, Fate::Flood(200_000)));
    let flood = exchange(&sandbox, &request).await;
    assert_eq!(flood.len() - (flood.find("\r\n\r\n").unwrap() + 4), 200_000);

    sandbox.inject(Fault::after(
        Operation::Authenticate,
        Fate::Delay(Duration::from_millis(80)),
    ));
    let began = Instant::now();
    assert!(
        exchange(&sandbox, &request)
            .await
            .starts_with("HTTP/1.1 200 OK")
    );
    assert!(began.elapsed() >= Duration::from_millis(80));

    sandbox.inject(Fault::status_before(Operation::Authenticate, 502));
    assert!(
        exchange(&sandbox, &request)
            .await
            .starts_with("HTTP/1.1 502 Bad Gateway")
    );

    // Each struck once, and each request counts.
    assert!(
        exchange(&sandbox, &request)
            .await
            .starts_with("HTTP/1.1 200 OK")
    );
    assert_eq!(sandbox.arrived(Operation::Authenticate), 7);
}

#[tokio::test]
async fn a_reset_is_one_and_a_silence_lasts() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.inject(Fault::before(Operation::Authenticate, Fate::Reset));
    let mut stream = connect(&sandbox).await;
    stream.write_all(login("").as_bytes()).await.unwrap();
    let error = stream.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    sandbox.inject(Fault::before(Operation::Authenticate, Fate::Hang));
    let mut stream = connect(&sandbox).await;
    stream.write_all(login("").as_bytes()).await.unwrap();
    let mut byte = [0];
    let silence = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte));
    assert!(silence.await.is_err(), "an answer came");
}

#[tokio::test]
async fn two_requests_on_one_connection_are_both_answered() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut stream = connect(&sandbox).await;
    let first = login("").replace("Connection: close\r\n", "");
    stream
        .write_all((first + &login("")).as_bytes())
        .await
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2);
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let again = Sandbox::bind(sandbox.address(), Settings::default()).await;
    assert_eq!(again.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let open = Sandbox::bind(everywhere, Settings::default())
        .await
        .unwrap();
    assert_ne!(open.address().port(), 0);
}

#[tokio::test]
async fn a_plan_is_carried_out_on_the_wire() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.arm("authenticate body nth=1 dribble=1ms; authenticate body nth=2 drop; authenticate after nth=3 skew=3600".parse().unwrap());
    let begun = Instant::now();
    let whole = exchange(&sandbox, &login("")).await;
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    assert!(
        head.to_lowercase()
            .contains(&format!("content-length: {}", body.len()))
    );
    assert!(begun.elapsed() >= Duration::from_millis(body.len() as u64));
    let half = exchange(&sandbox, &login("")).await;
    let (_, half) = half.split_once("\r\n\r\n").unwrap();
    assert!(!half.is_empty() && half.len() < body.len(), "{half}");
    let skewed = exchange(&sandbox, &login("")).await.to_lowercase();
    assert_eq!(skewed.matches("\r\ndate: ").count(), 1);
    assert!(exchange(&sandbox, &login("")).await.ends_with("}}"));
}
