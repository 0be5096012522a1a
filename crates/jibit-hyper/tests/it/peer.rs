//! A peer on a loopback socket that answers what it is told to, byte for byte,
//! and remembers what arrived.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::PATIENCE;

/// What the peer does once it has a request.
pub(crate) enum Reply {
    /// Answers and waits for the next request.
    Keep(String),
    /// Answers, byte by byte.
    Dribble(String),
    /// Answers after a while.
    Late(Duration, String),
    /// Answers; a request within the time arrives and finds no answer.
    Linger(String, Duration),
    /// Answers and closes.
    Close(String),
    /// Announces half a gibibyte and writes for as long as it is let.
    Flood,
    /// Closes with a reset.
    Reset,
    /// Does nothing.
    Hang,
}

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Arrived {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Arrived {
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Peer {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    begun: AtomicUsize,
    written: AtomicUsize,
    open: AtomicUsize,
    requests: Mutex<Vec<Arrived>>,
}

impl Peer {
    pub(crate) async fn plain(script: impl Fn(&Arrived) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, script).await
    }

    pub(crate) async fn tls(
        certificate: &Certificate,
        script: impl Fn(&Arrived) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(certificate.acceptor(&[])), script).await
    }

    async fn start(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Arrived) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = Self {
            address: listener.local_addr().unwrap(),
            scheme: if tls.is_some() { "https" } else { "http" },
            seen: Arc::default(),
        };
        let (seen, script) = (peer.seen.clone(), Arc::new(script));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, script, tls) = (seen.clone(), script.clone(), tls.clone());
                seen.connections.fetch_add(1, SeqCst);
                seen.open.fetch_add(1, SeqCst);
                tokio::spawn(async move {
                    // A connection that fails is one that the client gave up.
                    let _ = match tls {
                        None => serve(stream, &seen, &*script).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &seen, &*script).await,
                            Err(error) => Err(error),
                        },
                    };
                    seen.open.fetch_sub(1, SeqCst);
                });
            }
        });
        peer
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The requests that arrived whole.
    pub(crate) fn requests(&self) -> Vec<Arrived> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// How many requests arrived, if only with a byte.
    pub(crate) fn begun(&self) -> usize {
        self.seen.begun.load(SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(SeqCst)
    }

    /// How much of a flood the peer got rid of.
    pub(crate) async fn written(&self) -> usize {
        self.over().await;
        self.seen.written.load(SeqCst)
    }

    /// Waits until no connection is open.
    pub(crate) async fn over(&self) {
        let over = async {
            while self.seen.open.load(SeqCst) > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, over).await.expect("a connection is open");
    }
}

trait Wire: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn serve(
    mut wire: impl Wire,
    seen: &Seen,
    script: &(dyn Fn(&Arrived) -> Reply + Send + Sync),
) -> io::Result<()> {
    loop {
        let arrived = receive(&mut wire, seen).await?;
        match script(&arrived) {
            Reply::Keep(answer) => wire.write_all(answer.as_bytes()).await?,
            Reply::Dribble(answer) => {
                for byte in answer.as_bytes() {
                    wire.write_all(&[*byte]).await?;
                    tokio::task::yield_now().await;
                }
            }
            Reply::Late(delay, answer) => {
                sleep(delay).await;
                wire.write_all(answer.as_bytes()).await?;
            }
            Reply::Linger(answer, time) => {
                wire.write_all(answer.as_bytes()).await?;
                let _ = timeout(time, receive(&mut wire, seen)).await;
                return Ok(());
            }
            Reply::Close(answer) => {
                wire.write_all(answer.as_bytes()).await?;
                return wire.shutdown().await;
            }
            Reply::Flood => {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 536870912\r\n\r\n";
                wire.write_all(head.as_bytes()).await?;
                for _ in 0..8192 {
                    wire.write_all(&[b'x'; 65536]).await?;
                    seen.written.fetch_add(65536, SeqCst);
                }
            }
            Reply::Reset => return wire.tcp().set_zero_linger(),
            Reply::Hang => std::future::pending().await,
        }
    }
}

async fn receive(wire: &mut impl Wire, seen: &Seen) -> io::Result<Arrived> {
    let mut head = vec![wire.read_u8().await?];
    seen.begun.fetch_add(1, SeqCst);
    while !head.ends_with(b"\r\n\r\n") {
        head.push(wire.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .filter_map(|line| line.strip_prefix("content-length: "))
        .map(|length| length.parse().unwrap())
        .next()
        .unwrap_or(0);
    let mut body = vec![0; length];
    wire.read_exact(&mut body).await?;
    let arrived = Arrived {
        head,
        body: String::from_utf8(body).unwrap(),
    };
    seen.requests.lock().unwrap().push(arrived.clone());
    Ok(arrived)
}

/// A certificate that vouches for itself.
pub(crate) struct Certificate(rcgen::CertifiedKey<rcgen::KeyPair>);

impl Certificate {
    pub(crate) fn new(name: &str) -> Self {
        Self(rcgen::generate_simple_self_signed([name.to_owned()]).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.cert.pem()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.0.signing_key.serialize_pem()
    }

    pub(crate) fn acceptor(&self, alpn: &[&str]) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from(self.0.cert.der().to_vec());
        let key = PrivateKeyDer::try_from(self.0.signing_key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
