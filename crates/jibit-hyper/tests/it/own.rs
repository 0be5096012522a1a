//! What is the transport's own: limits, roots and connections. The rest is the
//! contract's, and in `conformance`.

use std::{net::TcpListener, time::Duration};

use jibit_hyper::{HyperTransport, Roots, TransportBuilder};
use jibit_testkit::peer::{Identity, Peer, Reply, answer_with};

use crate::{get, not_sent, post, transport, unknown, words};

fn builder() -> TransportBuilder {
    HyperTransport::builder().roots(Roots::none())
}

#[tokio::test]
async fn a_peer_that_never_greets_back_is_not_sent() {
    // The kernel accepts; nobody answers the TLS greeting.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let transport = builder().connect_timeout(Duration::from_millis(200));
    let lost = post(&transport.build().unwrap(), &url, "x").await;
    assert!(not_sent(&lost), "{lost:?}");
    assert!(words(&lost.unwrap_err()).contains("timed out"));
}

#[tokio::test]
async fn a_head_may_have_64_headers_and_no_more() {
    let peer = Peer::plain(|arrived| {
        let count = arrived.target().trim_start_matches('/').parse().unwrap();
        let headers = (1..count).map(|n| format!("X-{n}: 1\r\n"));
        Reply::Keep(answer_with(200, &headers.collect::<String>(), "{}"))
    })
    .unwrap();
    assert!(get(&transport(), &peer.url("/64")).await.is_ok());
    assert!(unknown(&get(&transport(), &peer.url("/65")).await));
}

#[tokio::test]
async fn a_smaller_body_limit_holds() {
    let peer = Peer::plain(|arrived| Reply::ok(arrived.target())).unwrap();
    let small = builder().max_body(3).build().unwrap();
    assert!(get(&small, &peer.url("/ab")).await.is_ok());
    assert!(unknown(&get(&small, &peer.url("/abc")).await));
}

#[tokio::test]
async fn built_in_roots_do_not_vouch_for_a_stranger() {
    let peer = Peer::tls(&Identity::new("127.0.0.1").unwrap(), |_| Reply::ok("")).unwrap();
    let roots = [
        Some(Roots::none()),
        #[cfg(feature = "platform-roots")]
        Some(Roots::platform()),
        #[cfg(feature = "webpki-roots")]
        Some(Roots::bundled()),
    ];
    for roots in roots.into_iter().flatten() {
        // A platform without authorities cannot vouch for anybody either.
        let Ok(transport) = HyperTransport::builder().roots(roots).build() else {
            continue;
        };
        let refused = post(&transport, &peer.url("/"), "x").await;
        assert!(not_sent(&refused), "{refused:?}");
    }
    assert_eq!(peer.begun(), 0);
}

#[tokio::test]
async fn a_stranger_does_not_spoil_the_transport_for_others() {
    let stranger = Peer::tls(&Identity::new("127.0.0.1").unwrap(), |_| Reply::ok("")).unwrap();
    let friend = Peer::plain(|_| Reply::ok("")).unwrap();
    let transport = transport();
    assert!(not_sent(&get(&transport, &stranger.url("/")).await));
    assert!(get(&transport, &friend.url("/")).await.is_ok());
}
