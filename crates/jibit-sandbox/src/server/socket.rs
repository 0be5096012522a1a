//! A connection's socket, as far as hyper does not show or do what we need.

use std::{
    future::Future as _,
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderMap, header};
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// The longest head that is looked at; hyper refuses longer ones by itself.
const MAX_HEAD: usize = 32 * 1024;

/// As many as hyper takes.
const MAX_HEADERS: usize = 100;

/// How much is read at a time: most requests are shorter.
const READ: usize = 2 * 1024;

/// How long a client may take none of what is written to it.
const STALL: Duration = Duration::from_secs(30);

/// A socket that remembers the head of the request under way as it came, and
/// that can end in a reset.
pub(super) struct Socket {
    stream: TcpStream,
    control: Arc<Control>,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// What the request's handler sees and does of the socket.
#[derive(Default)]
pub(super) struct Control {
    /// What came of the request under way, from its first byte on: its head, and some
    /// of its body.
    came: Mutex<Vec<u8>>,
    reset: AtomicBool,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Self, Arc<Control>) {
        let control = Arc::new(Control::default());
        let socket = Self {
            stream,
            control: Arc::clone(&control),
            stalled: None,
        };
        (socket, control)
    }
}

impl Control {
    /// Whether the request under way has both a Content-Length and a
    /// Transfer-Encoding: servers that disagree on which one counts can be
    /// made to see different requests. hyper drops the former on its way here.
    pub(super) fn is_framed_twice(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(header::TRANSFER_ENCODING) {
            return false;
        }
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parsed = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut parsed);
        let complete = (request.parse(&came)).is_ok_and(|status| status.is_complete());
        // A head that was not seen from its beginning is refused: rather that than a doubt.
        !complete
            || (request.headers.iter())
                .any(|header| header.name.eq_ignore_ascii_case("content-length"))
    }

    /// The request has been read; what comes next is the next one's head.
    pub(super) fn next_request(&self) {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.clear();
        came.shrink_to(READ);
    }

    /// The connection ends in a reset.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    fn record(&self, bytes: &[u8]) {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        if came.len() <= MAX_HEAD {
            came.extend_from_slice(bytes);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::Relaxed) {
            // If it fails, the connection closes instead, which is a fault as well.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut local = [MaybeUninit::uninit(); READ];
        let room = buffer.remaining().min(local.len());
        let mut read = ReadBuf::uninit(local.get_mut(..room).unwrap_or_default());
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.control.record(read.filled());
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
