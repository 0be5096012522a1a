//! Connections that end while they wait in the pool.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use jibit_testkit::peer::{Peer, Reply, answer};

use crate::{get, not_sent, post, transport};

#[tokio::test]
async fn a_connection_is_used_again() {
    let peer = Peer::plain(|_| Reply::ok("")).unwrap();
    let transport = transport();
    for _ in 0..5 {
        post(&transport, &peer.url("/"), "x").await.unwrap();
        // The connection comes back to the pool in a task of its own.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(peer.connections() < 5, "{}", peer.connections());
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
