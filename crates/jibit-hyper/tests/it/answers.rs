//! What is sent arrives as it is, and so does every answer.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jibit_hyper::HyperTransport;

use crate::{
    get, ok,
    peer::{Peer, Reply},
    post, send, transport, unknown,
};

#[tokio::test]
async fn every_status_is_an_answer_and_no_redirect_is_followed() {
    let peer = Peer::plain(|arrived| {
        let status = &arrived.path()[1..];
        Reply::Keep(format!(
            "HTTP/1.1 {status} So\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\n{{}}"
        ))
    })
    .await;
    let transport = transport();
    let statuses = [200, 302, 307, 308, 400, 401, 404, 408, 429, 500, 503];
    for status in statuses {
        let answer = post(&transport, &peer.url(&format!("/{status}")), "x").await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.body(), "{}");
    }
    assert_eq!(peer.requests().len(), statuses.len());
    assert!(peer.requests().iter().all(|r| r.path() != "/elsewhere"));
}

#[tokio::test]
async fn a_request_arrives_unchanged_and_nothing_is_added_but_host() {
    let peer = Peer::plain(|_| Reply::Keep(ok(""))).await;
    let request = Request::put(peer.url("/a%20b/c?d=e%2Ff"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer t0ken")
        .header("content-length", "5")
        .body(Bytes::from("{\"a\"}"))
        .unwrap();
    send(&transport(), request).await.unwrap();
    let arrived = &peer.requests()[0];
    let mut lines = arrived.head.trim_end().lines();
    assert_eq!(lines.next(), Some("PUT /a%20b/c?d=e%2Ff HTTP/1.1"));
    let mut headers = lines.collect::<Vec<_>>();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "authorization: Bearer t0ken",
            "content-length: 5",
            "content-type: application/json",
            &format!("host: {}", peer.authority()),
        ]
    );
    assert_eq!(arrived.body, "{\"a\"}");
}

#[tokio::test]
async fn an_answer_comes_back_undecoded() {
    let peer = Peer::plain(|_| {
        Reply::Keep(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nX-A: 1\r\nX-A: 2\r\n\
             Content-Length: 4\r\n\r\nraw!"
                .to_owned(),
        )
    })
    .await;
    let answer = get(&transport(), &peer.url("/")).await.unwrap();
    assert_eq!(answer.body(), "raw!");
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert_eq!(answer.headers().get_all("x-a").iter().count(), 2);
}

#[tokio::test]
async fn an_answer_in_single_bytes_and_chunks_is_whole() {
    let peer = Peer::plain(|_| {
        Reply::Dribble(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
             1\r\na\r\n1\r\nb\r\n2\r\ncd\r\n0\r\n\r\n"
                .to_owned(),
        )
    })
    .await;
    assert_eq!(
        get(&transport(), &peer.url("/")).await.unwrap().body(),
        "abcd"
    );
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    let peer = Peer::plain(|arrived| {
        let length = arrived.path()[1..].parse().unwrap();
        Reply::Keep(ok(&"x".repeat(length)))
    })
    .await;
    let transport = transport();
    let whole = get(&transport, &peer.url("/65536")).await.unwrap();
    assert_eq!(whole.body().len(), 65536);
    assert!(unknown(&get(&transport, &peer.url("/65537")).await));

    let small = HyperTransport::builder()
        .roots(jibit_hyper::Roots::none())
        .max_body(3)
        .build()
        .unwrap();
    assert!(get(&small, &peer.url("/3")).await.is_ok());
    assert!(unknown(&get(&small, &peer.url("/4")).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_get_their_own_answers() {
    let peer = Peer::plain(|arrived| {
        // The first to ask tends to be the last to hear.
        let n: u64 = arrived.body.parse().unwrap();
        Reply::Late(Duration::from_millis(50 - n), ok(&arrived.body))
    })
    .await;
    let transport = transport();
    for _ in 0..2 {
        let sends = (0..50).map(|n| {
            let (transport, url) = (transport.clone(), peer.url("/"));
            tokio::spawn(async move { post(&transport, &url, &n.to_string()).await })
        });
        for (n, answer) in sends.collect::<Vec<_>>().into_iter().enumerate() {
            let answer = answer.await.unwrap().unwrap();
            assert_eq!(answer.body(), n.to_string().as_bytes());
        }
    }
    assert_eq!(peer.requests().len(), 100);
}
