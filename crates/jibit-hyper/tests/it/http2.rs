//! HTTP/2 by ALPN.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use http::{Response, Version};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jibit_hyper::{HyperTransport, Roots};
use tokio::net::TcpListener;

use crate::{get, not_sent, peer::Certificate, post, unknown};

struct Server {
    url: String,
    connections: Arc<AtomicUsize>,
    paths: Arc<Mutex<Vec<String>>>,
}

/// Answers with the path; `/long` with too much, `/close` before it closes.
async fn server(certificate: &Certificate) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        url: format!("https://{}", listener.local_addr().unwrap()),
        connections: Arc::default(),
        paths: Arc::default(),
    };
    let tls = certificate.acceptor(&["h2"]);
    let (connections, paths) = (server.connections.clone(), server.paths.clone());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, SeqCst);
            let (tls, paths) = (tls.clone(), paths.clone());
            tokio::spawn(async move {
                let Ok(stream) = tls.accept(stream).await else {
                    return;
                };
                let closing = Arc::new(tokio::sync::Notify::new());
                let close = closing.clone();
                let service = service_fn(move |request: http::Request<Incoming>| {
                    assert_eq!(request.version(), Version::HTTP_2);
                    let path = request.uri().path().to_owned();
                    paths.lock().unwrap().push(path.clone());
                    let body = match &*path {
                        "/long" => Bytes::from(vec![b'x'; 1 << 20]),
                        _ => Bytes::from(path.clone()),
                    };
                    if path == "/close" {
                        close.notify_one();
                    }
                    async move { Ok::<_, Infallible>(Response::new(Full::new(body))) }
                });
                let connection = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                let mut connection = std::pin::pin!(connection);
                tokio::select! {
                    _ = connection.as_mut() => return,
                    () = closing.notified() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            });
        }
    });
    server
}

fn transport(certificate: &Certificate) -> HyperTransport {
    HyperTransport::builder()
        .roots(Roots::from_pem(certificate.pem().as_bytes()).unwrap())
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_share_a_connection_and_get_their_own_answers() {
    let certificate = Certificate::new("127.0.0.1");
    let server = server(&certificate).await;
    let transport = transport(&certificate);
    get(&transport, &format!("{}/first", server.url))
        .await
        .unwrap();
    let sends = (0..50).map(|n| {
        let (transport, url) = (transport.clone(), format!("{}/{n}", server.url));
        tokio::spawn(async move { post(&transport, &url, "x").await })
    });
    for (n, answer) in sends.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = answer.await.unwrap().unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        assert_eq!(answer.body(), format!("/{n}").as_bytes());
    }
    assert_eq!(server.connections.load(SeqCst), 1);
}

#[tokio::test]
async fn too_long_a_body_is_unknown_and_leaves_the_transport_usable() {
    let certificate = Certificate::new("127.0.0.1");
    let server = server(&certificate).await;
    let transport = transport(&certificate);
    let lost = get(&transport, &format!("{}/long", server.url)).await;
    assert!(unknown(&lost), "{lost:?}");
    assert!(get(&transport, &format!("{}/", server.url)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_on_a_closing_connection_arrives_at_most_once() {
    let certificate = Certificate::new("127.0.0.1");
    let server = server(&certificate).await;
    let transport = transport(&certificate);
    let mut outcomes = Vec::new();
    for n in 0..50 {
        // This one may meet the end of the connection before.
        let _ = get(&transport, &format!("{}/close", server.url)).await;
        let path = format!("/post/{n}");
        let outcome = post(&transport, &format!("{}{path}", server.url), "x").await;
        outcomes.push((path, outcome));
    }
    let paths = server.paths.lock().unwrap();
    for (path, outcome) in outcomes {
        let arrived = paths.iter().filter(|p| **p == path).count();
        assert!(arrived <= 1, "{path}: arrived {arrived} times, {outcome:?}");
        if outcome.is_ok() {
            assert_eq!(arrived, 1, "{path}");
        }
        if not_sent(&outcome) {
            assert_eq!(arrived, 0, "{path}: {outcome:?}");
        }
    }
}
