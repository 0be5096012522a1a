//! TLS verifies, and what it refuses is not sent.

use std::time::Duration;

use jibit_hyper::{HyperTransport, Roots};

use crate::{
    get, not_sent, ok,
    peer::{Certificate, Peer, Reply},
    post, transport, words,
};

fn trusting(roots: Roots) -> HyperTransport {
    HyperTransport::builder().roots(roots).build().unwrap()
}

fn own(certificate: &Certificate) -> Roots {
    Roots::from_pem(certificate.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn own_roots_are_trusted() {
    let certificate = Certificate::new("127.0.0.1");
    let peer = Peer::tls(&certificate, |_| Reply::Keep(ok("hello"))).await;
    let transport = trusting(own(&certificate));
    let answer = get(&transport, &peer.url("/")).await.unwrap();
    assert_eq!(answer.body(), "hello");
    assert!(peer.requests()[0].head.starts_with("GET / HTTP/1.1\r\n"));
}

#[tokio::test]
async fn another_name_is_refused() {
    let certificate = Certificate::new("elsewhere.example");
    let peer = Peer::tls(&certificate, |_| Reply::Keep(ok(""))).await;
    let refused = post(&trusting(own(&certificate)), &peer.url("/"), "x").await;
    assert!(not_sent(&refused), "{refused:?}");
    assert!(words(&refused.unwrap_err()).contains("not valid for name"));
    assert_eq!(peer.begun(), 0);
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let peer = Peer::tls(&Certificate::new("127.0.0.1"), |_| Reply::Keep(ok(""))).await;
    let strangers = [
        Roots::none(),
        own(&Certificate::new("127.0.0.1")),
        #[cfg(feature = "webpki-roots")]
        Roots::bundled(),
    ];
    for roots in strangers {
        let refused = post(&trusting(roots), &peer.url("/"), "x").await;
        assert!(not_sent(&refused), "{refused:?}");
    }
    assert_eq!(peer.begun(), 0);
}

#[cfg(feature = "platform-roots")]
#[tokio::test]
async fn the_platform_does_not_vouch_for_a_stranger() {
    // A platform without authorities cannot vouch for anybody either.
    let builder = HyperTransport::builder().roots(Roots::platform());
    let Ok(transport) = builder.build() else {
        return;
    };
    let peer = Peer::tls(&Certificate::new("127.0.0.1"), |_| Reply::Keep(ok(""))).await;
    let refused = post(&transport, &peer.url("/"), "x").await;
    assert!(not_sent(&refused), "{refused:?}");
    assert_eq!(peer.begun(), 0);
}

#[tokio::test]
async fn a_peer_that_does_not_speak_tls_is_refused() {
    let peer = Peer::plain(|_| Reply::Close("what?".to_owned())).await;
    let url = format!("https://{}/", peer.authority());
    // The peer waits for the end of what it takes for a request.
    let transport = HyperTransport::builder()
        .roots(Roots::none())
        .connect_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    let refused = post(&transport, &url, "x").await;
    assert!(not_sent(&refused), "{refused:?}");
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn a_stranger_does_not_spoil_the_transport_for_others() {
    let stranger = Peer::tls(&Certificate::new("127.0.0.1"), |_| Reply::Keep(ok(""))).await;
    let friend = Peer::plain(|_| Reply::Keep(ok(""))).await;
    let transport = transport();
    assert!(not_sent(&get(&transport, &stranger.url("/")).await));
    assert!(get(&transport, &friend.url("/")).await.is_ok());
}
