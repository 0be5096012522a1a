//! Answers connections, and bounds how many there are and how long each may say nothing:
//! `axum::serve` does neither.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::sync::Semaphore;

/// How long a client may take to send a request's head, and to begin the next one: more
/// than the minute for which reverse proxies keep a connection that they may use again.
const HEAD: Duration = Duration::from_secs(75);

/// How many connections are answered at a time. Those beyond wait to be accepted.
const CONNECTIONS: usize = 4 * 1024;

/// Answers until `stop`, and then what is under way.
pub(crate) async fn serve(
    mut listener: impl Listener,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let under_way = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let ((stream, _), place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = under_way.watch(connection);
        tokio::spawn(async move {
            // An error here is a client that went away.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    under_way.shutdown().await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        sync::{Notify, oneshot},
        time::{Instant, timeout},
    };

    use super::*;

    // Whenever all wait, the clock goes on to the next moment that somebody waits for.
    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, Router::new(), std::future::pending()));
        for said in ["", "GET / HTTP/1.1\r\nHost: "] {
            let begun = Instant::now();
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(said.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert!(!answer.contains("200"), "{answer}");
            assert!(begun.elapsed() >= HEAD, "{:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn what_is_under_way_is_answered_after_the_stop_and_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let route = get({
            let (asked, go_on) = (Arc::clone(&asked), Arc::clone(&go_on));
            || async move {
                asked.notify_one();
                go_on.notified().await;
                "done"
            }
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, Router::new().route("/", route), async {
            let _ = stopped.await;
        }));
        let mut client = TcpStream::connect(address).await.unwrap();
        let _idle = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        client.write_all(request).await.unwrap();
        asked.notified().await;
        stop.send(()).unwrap();
        let refused = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(HEAD, refused).await.expect("it goes on listening");
        go_on.notify_one();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        server.await.unwrap();
    }
}
