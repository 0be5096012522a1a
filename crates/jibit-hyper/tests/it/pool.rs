//! Connections while they wait for their next request.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

#[cfg(feature = "http2")]
use jibit_hyper::{HyperTransport, Roots};
#[cfg(feature = "http2")]
use jibit_testkit::peer::{Identity, http2::Server};
use jibit_testkit::peer::{Peer, Reply, answer};

use crate::{get, not_sent, post, transport};

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    let peer = Peer::plain(|_| Reply::ok("{}")).unwrap();
    let transport = transport();
    for _ in 0..100 {
        post(&transport, &peer.url("/"), "x").await.unwrap();
    }
    assert_eq!(peer.connections(), 1);
}

/// On several threads an answer may be read before hyper's task is done with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_at_once_have_a_connection_each_and_keep_it() {
    let peer = Arc::new(Peer::plain(|_| Reply::ok("{}")).unwrap());
    let transport = transport();
    let flows = (0..8).map(|_| {
        let (peer, transport) = (peer.clone(), transport.clone());
        tokio::spawn(async move {
            for _ in 0..100 {
                post(&transport, &peer.url("/"), "x").await.unwrap();
            }
        })
    });
    for flow in flows.collect::<Vec<_>>() {
        flow.await.unwrap();
    }
    assert!(peer.connections() <= 16, "{}", peer.connections());
}

#[tokio::test]
async fn nobody_meets_the_answer_of_a_call_that_was_given_up() {
    let peer = Peer::plain(|arrived| {
        if arrived.target() == "/slow" {
            thread::sleep(Duration::from_millis(100));
        }
        Reply::ok(arrived.target())
    })
    .unwrap();
    let transport = transport();
    get(&transport, &peer.url("/")).await.unwrap();
    let (slow, soon) = (peer.url("/slow"), Duration::from_millis(30));
    let given_up = tokio::time::timeout(soon, get(&transport, &slow));
    assert!(given_up.await.is_err());
    for _ in 0..10 {
        let answer = get(&transport, &peer.url("/next")).await.unwrap();
        assert_eq!(answer.body(), "/next");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_waited_for_30_seconds_is_closed() {
    let peer = Peer::plain(|_| Reply::ok("")).unwrap();
    let transport = transport();
    get(&transport, &peer.url("/")).await.unwrap();
    later(29).await;
    get(&transport, &peer.url("/")).await.unwrap();
    assert_eq!(peer.connections(), 1);
    later(31).await;
    let closed = tokio::task::spawn_blocking(|| (peer.wait_until_closed(), peer));
    let (closed, peer) = closed.await.unwrap();
    assert!(closed);
    get(&transport, &peer.url("/")).await.unwrap();
    assert_eq!(peer.connections(), 2);
}

async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn no_request_goes_over_a_connection_to_somebody_else() {
    let one = Peer::plain(|_| Reply::ok("one")).unwrap();
    let other = Peer::plain(|_| Reply::ok("other")).unwrap();
    let transport = transport();
    for _ in 0..3 {
        let answer = get(&transport, &one.url("/")).await.unwrap();
        assert_eq!(answer.body(), "one");
        let answer = get(&transport, &other.url("/")).await.unwrap();
        assert_eq!(answer.body(), "other");
    }
    assert_eq!((one.connections(), other.connections()), (1, 1));
}

#[cfg(feature = "http2")]
#[test]
fn calls_at_once_share_a_connection_over_http2() {
    let identity = Identity::new("127.0.0.1").unwrap();
    let server = Server::start(&identity).unwrap();
    let roots = Roots::from_pem(identity.pem().as_bytes()).unwrap();
    let transport = HyperTransport::builder().roots(roots).build().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        get(&transport, &server.url("/first")).await.unwrap();
        let calls = (0..20).map(|_| {
            let (transport, url) = (transport.clone(), server.url("/next"));
            tokio::spawn(async move { get(&transport, &url).await })
        });
        for call in calls.collect::<Vec<_>>() {
            assert!(call.await.unwrap().is_ok());
        }
    });
    assert_eq!(server.versions(), [http::Version::HTTP_2; 21]);
    assert_eq!(server.connections(), 1);
}

/// A runtime that ends takes its connections with it.
#[test]
fn a_transport_outlives_its_runtime() {
    let peer = Peer::plain(|_| Reply::ok("")).unwrap();
    let transport = transport();
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let answer = runtime.block_on(get(&transport, &peer.url("/")));
        assert!(answer.is_ok(), "{answer:?}");
    }
}

/// What hyper cancels: the connection is seen to have ended
/// after the request was queued on it and before it was written.
#[tokio::test]
async fn a_request_that_was_only_queued_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (close, closing) = mpsc::channel::<()>();
    let (closed, is_closed) = mpsc::channel::<()>();
    let peer = thread::spawn(move || {
        let (mut wire, _) = listener.accept().unwrap();
        let mut bytes = [0; 4096];
        assert!(wire.read(&mut bytes).unwrap() > 0);
        wire.write_all(&answer(200, "")).unwrap();
        closing.recv().unwrap();
        wire.shutdown(std::net::Shutdown::Write).unwrap();
        closed.send(()).unwrap();
        let mut rest = Vec::new();
        wire.read_to_end(&mut rest).unwrap();
        rest.len()
    });
    let transport = transport();
    get(&transport, &url).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;

    // The whole runtime waits, so that the end is seen by nobody; then one
    // turn of it learns of the end, and this task comes before the connection's.
    close.send(()).unwrap();
    is_closed.recv().unwrap();
    thread::sleep(Duration::from_millis(200));
    tokio::task::yield_now().await;
    let outcome = post(&transport, &url, "x").await;
    assert!(not_sent(&outcome), "{outcome:?}");
    drop(transport);
    let received = tokio::task::spawn_blocking(|| peer.join().unwrap());
    assert_eq!(received.await.unwrap(), 0);
}
