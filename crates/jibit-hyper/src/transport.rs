use std::{error::Error as StdError, fmt, io, iter::successors, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{body::Incoming, client::conn::TrySendError};
use jibit_client::{Transport, TransportError};

use crate::{
    Roots, SetupError,
    connection::{Body, Connection, Origin},
    connector::Connector,
    pool::Pool,
};

const MAX_BODY: usize = 64 * 1024;

/// Sends requests over pooled connections. Clones share the pool.
#[derive(Clone)]
pub struct HyperTransport {
    connector: Connector,
    pool: Pool,
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

    /// A connection to `origin`: one that waits, or a new one.
    async fn connection(&self, origin: Origin) -> Result<Connection, TransportError> {
        if let Some(waiting) = self.pool.take(&origin) {
            return Ok(waiting);
        }
        // Boxed: few requests connect, and each would have to have the room for it.
        let connection = Box::pin(self.connector.connect(origin)).await;
        let connection = connection.map_err(TransportError::not_sent)?;
        if let Some(same) = connection.shared() {
            self.pool.put(same);
        }
        Ok(connection)
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
        Ok(HyperTransport {
            connector: Connector::new(roots.tls()?, self.connect_timeout),
            pool: Pool::default(),
            max_body: self.max_body,
        })
    }
}

#[async_trait]
impl Transport for HyperTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (origin, request) = addressed(request)?;
        let mut connection = self.connection(origin).await?;
        let answer = connection.send(request).await;
        let (head, body) = answer.map_err(unanswered)?.into_parts();
        let body = read(body, self.max_body)
            .await
            .map_err(|error| TransportError::unknown(text(&*error)))?;
        if connection.shared().is_none() {
            self.pool.put(connection);
        }
        Ok(Response::from_parts(head, body))
    }
}

/// Whom the request is for, and the request as hyper sends it.
fn addressed(mut request: Request<Bytes>) -> Result<(Origin, Request<Body>), TransportError> {
    let origin = Origin::of(request.uri())
        .ok_or_else(|| TransportError::not_sent("the request names no scheme and host"))?;
    if request.body().is_empty() && request.method() == Method::POST {
        // hyper says nothing of an empty body, and some servers then answer 411.
        let none = HeaderValue::from_static("0");
        request.headers_mut().insert(header::CONTENT_LENGTH, none);
    }
    Ok((origin, request.map(Body::new)))
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

/// What a failure before the answer's head says about the request: one that
/// never left its connection's queue comes back with the error.
fn unanswered(mut error: TrySendError<Request<Body>>) -> TransportError {
    let unsent = error.take_message().is_some();
    let text = text(&error.into_error());
    if unsent {
        TransportError::not_sent(text)
    } else {
        TransportError::unknown(text)
    }
}

/// An error and its causes in words of our own libraries: what a peer said,
/// such as the debug data of HTTP/2, may echo a header.
fn text(error: &(dyn StdError + 'static)) -> String {
    let known = successors(Some(error), |&error| error.source()).filter_map(|error| {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            Some(error.kind().to_string())
        } else if error.is::<hyper::Error>() || error.is::<LengthLimitError>() {
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
