//! A peer on a loopback socket that answers what it is told to, byte for byte,
//! and remembers what arrived.

#[cfg(feature = "http2")]
pub mod http2;
mod serve;
mod tls;

use std::{
    fmt, io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

pub use tls::Identity;

/// For what a busy machine may take long over, yet never takes for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the peer does once it has a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// Answers and waits for the next request.
    Keep(Vec<u8>),
    /// Answers byte by byte, with this pause before each.
    Dribble(Vec<u8>, Duration),
    /// Answers after a while.
    Late(Duration, Vec<u8>),
    /// Answers and waits so long; a request that comes meanwhile is read and
    /// left without an answer. Then it closes.
    Linger(Vec<u8>, Duration),
    /// Answers and closes.
    Close(Vec<u8>),
    /// Answers, then goes on with this for as long as it is let, up to 128 MiB.
    Flood(Vec<u8>, &'static [u8]),
    /// Answers, if only with nothing, and closes with a reset.
    Reset(Vec<u8>),
    /// Answers, if only with nothing, and then says nothing more.
    Hang(Vec<u8>),
}

impl Reply {
    /// 200 with this body; the connection stays open.
    #[must_use]
    pub fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::Keep(answer(200, body))
    }

    /// This status with a body that says nothing; the connection stays open.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Keep(answer(status, "{}"))
    }
}

/// An answer as it goes over the wire.
#[must_use]
pub fn answer(status: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    answer_with(status, "", body)
}

/// An answer with more headers, each of which ends in CR LF.
#[must_use]
pub fn answer_with(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} So\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A request as it arrived, whole.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// From the request line to the empty line, as it came.
    pub head: Vec<u8>,
    /// The body, without the framing of chunks.
    pub body: Vec<u8>,
}

impl Arrived {
    /// The request's method.
    #[must_use]
    pub fn method(&self) -> String {
        self.word(0)
    }

    /// What the request asks for: path and query.
    #[must_use]
    pub fn target(&self) -> String {
        self.word(1)
    }

    /// Every header in the order of arrival, its name in lower case.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers = Vec::new();
        for line in self.head.split(|byte| *byte == b'\n').skip(1) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let (name, value) = line.split_at(colon);
            let name = String::from_utf8_lossy(name).to_lowercase();
            let value = value.strip_prefix(b":").unwrap_or(value);
            headers.push((name, value.trim_ascii().to_vec()));
        }
        headers
    }

    /// The values of a header, whose name is in lower case.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<Vec<u8>> {
        let headers = self.headers().into_iter();
        headers
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value)
            .collect()
    }

    fn word(&self, index: usize) -> String {
        let line = self.head.split(|byte| *byte == b'\r').next();
        let word = line.and_then(|line| line.split(|byte| *byte == b' ').nth(index));
        String::from_utf8_lossy(word.unwrap_or_default()).into_owned()
    }
}

type Script = dyn Fn(&Arrived) -> Reply + Send + Sync;

/// A scripted server. It ends, with all its connections, when it is dropped.
pub struct Peer {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
}

/// What the peer's threads have seen.
#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    closing: bool,
    connections: usize,
    begun: usize,
    written: usize,
    open: Vec<(usize, TcpStream)>,
    requests: Vec<Arrived>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits, in patience, until `ready`; what is then true is the caller's to
    /// check.
    fn wait(&self, ready: impl Fn(&Seen) -> bool) -> bool {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.lock();
        while !ready(&seen) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (seen, _) = self
                .changed
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

impl Peer {
    /// A peer that speaks plain HTTP/1.1.
    ///
    /// # Errors
    ///
    /// If the system gives no socket.
    pub fn plain(script: impl Fn(&Arrived) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        Self::start(None, Arc::new(script))
    }

    /// A peer that speaks HTTP/1.1 over TLS as this identity.
    ///
    /// # Errors
    ///
    /// If the system gives no socket or the identity cannot be used.
    pub fn tls(
        identity: &Identity,
        script: impl Fn(&Arrived) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start(Some(identity.server(&[])?), Arc::new(script))
    }

    /// A peer that answers whatever comes first, if it is only a byte, with
    /// these bytes, and closes.
    ///
    /// # Errors
    ///
    /// If the system gives no socket.
    pub fn raw(answer: &'static [u8]) -> io::Result<Self> {
        Self::listen("http", move |stream, shared| {
            serve::raw(stream, shared, answer)
        })
    }

    fn start(tls: Option<Arc<rustls::ServerConfig>>, script: Arc<Script>) -> io::Result<Self> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        Self::listen(scheme, move |stream, shared| match tls.clone() {
            None => serve::serve(stream, shared, &*script),
            Some(tls) => serve::serve(tls::accept(stream, tls)?, shared, &*script),
        })
    }

    fn listen(
        scheme: &'static str,
        serve: impl Fn(TcpStream, &Shared) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let peer = Self {
            address: listener.local_addr()?,
            scheme,
            shared: Arc::default(),
        };
        let (shared, serve) = (peer.shared.clone(), Arc::new(serve));
        thread::Builder::new()
            .name("peer".to_owned())
            .spawn(move || {
                for stream in listener.incoming() {
                    let Ok(stream) = stream else { continue };
                    if shared.lock().closing {
                        return;
                    }
                    let (shared, serve) = (shared.clone(), serve.clone());
                    thread::spawn(move || connection(stream, &shared, &*serve));
                }
            })?;
        Ok(peer)
    }

    /// Where `path` is on this peer.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The requests that arrived whole.
    #[must_use]
    pub fn requests(&self) -> Vec<Arrived> {
        self.shared.lock().requests.clone()
    }

    /// How often a request for `target` arrived.
    #[must_use]
    pub fn deliveries(&self, target: &str) -> usize {
        let seen = self.shared.lock();
        seen.requests
            .iter()
            .filter(|arrived| arrived.target() == target)
            .count()
    }

    /// How many requests arrived, if only with a byte.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.shared.lock().begun
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    /// How many bytes of a flood the peer got rid of, once the flood is over.
    #[must_use]
    pub fn flooded(&self) -> usize {
        let _ = self.wait_until_closed();
        self.shared.lock().written
    }

    /// Waits until so many requests have begun to arrive.
    pub fn wait_for(&self, requests: usize) {
        self.shared.wait(|seen| seen.begun >= requests);
    }

    /// Waits until no connection is open; `false` if that took too long.
    #[must_use]
    pub fn wait_until_closed(&self) -> bool {
        self.shared.wait(|seen| seen.open.is_empty())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.note(|seen| {
            seen.closing = true;
            for (_, stream) in &seen.open {
                // One that has ended needs no shutdown.
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        // Has the listener look up.
        let _ = TcpStream::connect(self.address);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("url", &self.url("/")).finish()
    }
}

/// Serves a connection to its end.
fn connection(
    stream: TcpStream,
    shared: &Shared,
    serve: &dyn Fn(TcpStream, &Shared) -> io::Result<()>,
) {
    let Ok(handle) = stream.try_clone() else {
        return;
    };
    let mut number = 0;
    shared.note(|seen| {
        number = seen.connections;
        seen.connections += 1;
        seen.open.push((number, handle));
    });
    let _ = stream.set_nodelay(true);
    // One that fails is one that the client gave up.
    let _ = serve(stream, shared);
    shared.note(|seen| seen.open.retain(|(other, _)| *other != number));
}
