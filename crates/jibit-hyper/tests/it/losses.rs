//! What is certain of a request whose answer does not come.

use std::time::Duration;

use jibit_hyper::{HyperTransport, Roots};
use tokio::net::TcpListener;

use crate::{
    get, not_sent, ok,
    peer::{Peer, Reply},
    post, transport, unknown, words,
};

#[tokio::test]
async fn a_refused_port_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let refused = post(&transport(), &url, "x").await;
    assert!(not_sent(&refused), "{refused:?}");
    assert!(words(&refused.unwrap_err()).contains("refused"));
}

#[tokio::test]
async fn an_unknown_host_is_not_sent() {
    let lost = post(&transport(), "http://gateway.invalid/", "x").await;
    assert!(not_sent(&lost), "{lost:?}");
}

#[tokio::test]
async fn a_peer_that_never_greets_back_is_not_sent() {
    // The kernel accepts; nobody answers the TLS greeting.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let transport = HyperTransport::builder()
        .roots(Roots::none())
        .connect_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    let lost = post(&transport, &url, "x").await;
    assert!(not_sent(&lost), "{lost:?}");
    assert!(words(&lost.unwrap_err()).contains("timed out"));
}

#[tokio::test]
async fn an_answer_that_does_not_come_whole_is_unknown() {
    let header = "x".repeat(32 * 1024);
    let headers = (0..65).map(|n| format!("X-{n}: 1\r\n")).collect::<String>();
    let cases = [
        Reply::Reset,
        Reply::Close(String::new()),
        Reply::Close("HTTP/1.1 200".to_owned()),
        Reply::Close("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_owned()),
        Reply::Close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf".to_owned()),
        Reply::Close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned()),
        Reply::Close("what?\r\n\r\n".to_owned()),
        Reply::Close("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".to_owned()),
        Reply::Close(format!("HTTP/1.1 200 OK\r\nX: {header}\r\n\r\n")),
        Reply::Close(format!("HTTP/1.1 200 OK\r\n{headers}\r\n")),
    ];
    let count = cases.len();
    let cases = std::sync::Mutex::new(cases.into_iter());
    let peer = Peer::plain(move |_| cases.lock().unwrap().next().unwrap()).await;
    let transport = transport();
    for n in 1..=count {
        let lost = post(&transport, &peer.url("/"), "x").await;
        assert!(unknown(&lost), "case {n}: {lost:?}");
        assert!(!words(&lost.unwrap_err()).is_empty());
        assert_eq!(peer.begun(), n);
    }
}

#[tokio::test]
async fn an_endless_body_is_given_up_early() {
    let peer = Peer::plain(|_| Reply::Flood).await;
    let lost = get(&transport(), &peer.url("/")).await;
    assert!(unknown(&lost), "{lost:?}");
    // What the kernel's buffers hold, of 512 MiB.
    let written = peer.written().await;
    assert!(written < 32 * 1024 * 1024, "{written}");
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_the_transport_usable() {
    let peer = Peer::plain(|arrived| match arrived.path() {
        "/hang" => Reply::Hang,
        _ => Reply::Keep(ok("well")),
    })
    .await;
    let transport = transport();
    for _ in 0..5 {
        let hangs = tokio::spawn({
            let (transport, url) = (transport.clone(), peer.url("/hang"));
            async move { post(&transport, &url, "x").await }
        });
        let begun = peer.begun();
        while peer.begun() == begun && !hangs.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        hangs.abort();
        let answer = get(&transport, &peer.url("/")).await.unwrap();
        assert_eq!(answer.body(), "well");
    }
}

#[tokio::test]
async fn no_error_repeats_what_was_sent_or_answered() {
    let peer = Peer::plain(|arrived| {
        Reply::Close(match arrived.path() {
            "/head" => "HTTP/1.1 200 OK\r\nHush hush\r\n\r\n".to_owned(),
            "/body" => "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhush".to_owned(),
            _ => "HTTP/1.1 hush\r\n\r\n".to_owned(),
        })
    })
    .await;
    let transport = transport();
    for path in ["/head", "/body", "/"] {
        let lost = post(&transport, &peer.url(path), "hush").await;
        let words = words(&lost.unwrap_err());
        assert!(!words.to_lowercase().contains("hush"), "{words}");
    }
}
