use std::{error::Error as StdError, fmt, io, iter::successors, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use jibit_client::{Transport, TransportError};

use crate::{Roots, SetupError, connector::Connector};

const MAX_BODY: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;
const MAX_HEAD: usize = 16 * 1024;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests over pooled connections. Clones share the pool.
#[derive(Clone)]
pub struct HyperTransport {
    client: legacy::Client<Connector, Full<Bytes>>,
    max_body: usize,
}

impl HyperTransport {
    /// Begins with the settings that are right for the gateway.
    #[must_use]
    pub fn builder() -> TransportBuilder {
        TransportBuilder {
            roots: None,
            connect_timeout: Duration::from_secs(3),
            max_body: MAX_BODY,
        }
    }
}

/// The settings of a [`HyperTransport`].
#[derive(Clone, Debug)]
pub struct TransportBuilder {
    roots: Option<Roots>,
    connect_timeout: Duration,
    max_body: usize,
}

impl TransportBuilder {
    /// Whom to trust; if it is not set, the platform's authorities, else the
    /// bundled ones, as far as they are built in.
    #[must_use]
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = Some(roots);
        self
    }

    /// How long DNS, TCP and TLS may take together; 3 s if it is not set.
    #[must_use]
    pub const fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// How many bytes an answer's body may have; 64 KiB if it is not set. A
    /// longer one is a lost answer.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// The transport. It connects when it has something to send.
    ///
    /// # Errors
    ///
    /// If there are no roots to trust or they cannot be loaded.
    pub fn build(self) -> Result<HyperTransport, SetupError> {
        let roots = self
            .roots
            .or_else(Roots::built_in)
            .ok_or(SetupError::NoRoots)?;
        let connector = Connector::new(roots.tls()?, self.connect_timeout);
        let mut client = legacy::Client::builder(TokioExecutor::new());
        client
            // The core decides what is sent again, and nobody else.
            .retry_canceled_requests(false)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_max_headers(MAX_HEADERS)
            .http1_max_buf_size(MAX_HEAD);
        #[cfg(feature = "http2")]
        client
            .http2_max_header_list_size(16 * 1024)
            .http2_initial_stream_window_size(64 * 1024)
            .http2_initial_connection_window_size(1024 * 1024)
            // A call that is given up resets its stream and leaves a dead
            // connection in the pool: find that out within an attempt.
            .timer(TokioTimer::new())
            .http2_keep_alive_interval(Duration::from_secs(5))
            .http2_keep_alive_timeout(Duration::from_secs(3));
        Ok(HyperTransport {
            client: client.build(connector),
            max_body: self.max_body,
        })
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if request.body().is_empty() && request.method() == Method::POST {
            // hyper says nothing of an empty body, and some servers then answer 411.
            let none = HeaderValue::from_static("0");
            request.headers_mut().insert(header::CONTENT_LENGTH, none);
        }
        let answer = self.client.request(request.map(Full::new)).await;
        let (head, body) = answer.map_err(unanswered)?.into_parts();
        let body = read(body, self.max_body)
            .await
            .map_err(|error| TransportError::unknown(text(&*error)))?;
        Ok(Response::from_parts(head, body))
    }
}

/// Reads a whole body.
///
/// Copied, because each piece would keep alive the whole buffer that it was
/// read into: a body of single bytes would cost thousands of times its length.
async fn read(body: Incoming, limit: usize) -> Result<Bytes, Box<dyn StdError + Send + Sync>> {
    let mut body = Limited::new(body, limit);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}

/// What a failure before the answer's head says about the request.
fn unanswered(error: legacy::Error) -> TransportError {
    // Canceled is only a request that still waited in a connection's queue:
    // docs/decisions/0004-canceled-is-not-sent.md.
    let canceled = error
        .source()
        .and_then(|source| source.downcast_ref())
        .is_some_and(hyper::Error::is_canceled);
    if error.is_connect() {
        TransportError::not_sent(error)
    } else if canceled {
        TransportError::not_sent(text(&error))
    } else {
        TransportError::unknown(text(&error))
    }
}

/// An error and its causes in words of our own libraries: what a peer said,
/// such as the debug data of HTTP/2, may echo a header.
fn text(error: &(dyn StdError + 'static)) -> String {
    let known = successors(Some(error), |&error| error.source()).filter_map(|error| {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            Some(error.kind().to_string())
        } else if error.is::<legacy::Error>()
            || error.is::<hyper::Error>()
            || error.is::<LengthLimitError>()
        {
            Some(error.to_string())
        } else {
            None
        }
    });
    known.collect::<Vec<_>>().join(": ")
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}
