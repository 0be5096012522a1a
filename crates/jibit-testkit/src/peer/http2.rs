//! A server that speaks HTTP/2 to whoever asks for it by ALPN, and HTTP/1.1 to
//! others.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use super::{Identity, PATIENCE};

/// Such a server on a port of its own, until it is dropped.
pub struct Server {
    address: SocketAddr,
    arrived: Arc<Mutex<Vec<(Version, String)>>>,
    made: Arc<AtomicUsize>,
    /// One for the server itself, and one for each open connection.
    open: Arc<()>,
    /// Ends the server when it is dropped.
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// A server that answers each path with itself, `/long` with a body above
    /// 64 KiB, and closes after `/close`.
    ///
    /// # Errors
    ///
    /// If the system gives no socket or the identity cannot be used.
    pub fn start(identity: &Identity) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let (stop, stopped) = oneshot::channel();
        let server = Self {
            address: listener.local_addr()?,
            arrived: Arc::default(),
            made: Arc::default(),
            open: Arc::default(),
            _stop: stop,
        };
        let tls = TlsAcceptor::from(identity.server(&["h2", "http/1.1"])?);
        let (arrived, made) = (server.arrived.clone(), server.made.clone());
        let open = Arc::downgrade(&server.open);
        thread::spawn(move || {
            runtime.block_on(async {
                let mut connections = JoinSet::new();
                tokio::select! {
                    () = accept(listener, tls, arrived, made, open, &mut connections) => {}
                    _ = stopped => {}
                }
                // h2 does not bear that a connection is dropped with requests on it.
                let ended = async { while connections.join_next().await.is_some() {} };
                let _ = tokio::time::timeout(PATIENCE, ended).await;
            });
        });
        Ok(server)
    }

    /// Where `path` is on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// The versions of HTTP that the requests came in.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        self.all().into_iter().map(|(version, _)| version).collect()
    }

    /// How often a request for `target` arrived.
    #[must_use]
    pub fn deliveries(&self, target: &str) -> usize {
        self.all().iter().filter(|(_, path)| path == target).count()
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Waits, in patience, until no connection is open.
    pub fn wait_until_closed(&self) {
        let begun = Instant::now();
        while Arc::strong_count(&self.open) > 1 && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn all(&self) -> Vec<(Version, String)> {
        let arrived = self.arrived.lock();
        arrived.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn accept(
    listener: TcpListener,
    tls: TlsAcceptor,
    arrived: Arc<Mutex<Vec<(Version, String)>>>,
    made: Arc<AtomicUsize>,
    open: Weak<()>,
    connections: &mut JoinSet<()>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        made.fetch_add(1, Ordering::Relaxed);
        let (tls, arrived, open) = (tls.clone(), arrived.clone(), open.upgrade());
        connections.spawn(async move {
            let _open = open;
            let Ok(stream) = tls.accept(stream).await else {
                return;
            };
            let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let closing = Arc::new(tokio::sync::Notify::new());
            let close = closing.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let path = request.uri().path().to_owned();
                let body = match &*path {
                    "/long" => Bytes::from(vec![b'x'; 64 * 1024 + 1]),
                    _ => Bytes::from(path.clone()),
                };
                if path == "/close" {
                    close.notify_one();
                }
                let reset = path.starts_with("/reset/");
                let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
                arrived.push((request.version(), path));
                async move {
                    if reset {
                        return Err(io::Error::from(io::ErrorKind::Other));
                    }
                    Ok(Response::new(Full::new(body)))
                }
            });
            let io = TokioIo::new(stream);
            // A connection that fails is one that the client gave up.
            if speaks_http2 {
                let connection = http2::Builder::new(TokioExecutor::new());
                let mut connection = std::pin::pin!(connection.serve_connection(io, service));
                tokio::select! {
                    _ = connection.as_mut() => return,
                    () = closing.notified() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            } else {
                let _ = http1::Builder::new().serve_connection(io, service).await;
            }
        });
    }
}
