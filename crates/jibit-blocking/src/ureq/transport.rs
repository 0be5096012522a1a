use std::{fmt, io, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use jibit_proto::TransportError;
use ureq::{
    Agent, AsSendBody, Body, Error,
    config::Config,
    unversioned::transport::{Connector as _, DefaultConnector},
};

use super::{
    Roots, SetupError,
    late::{Later, Resolving},
    wire::{Watched, watch},
};
use crate::Transport;

const MAX_BODY: usize = 64 * 1024;
const MAX_HEAD: usize = 16 * 1024;
const MAX_IDLE: usize = 64;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const BUFFER: usize = 16 * 1024;

/// Sends requests over pooled connections. Clones share the pool.
#[derive(Clone)]
pub struct UreqTransport {
    agent: Agent,
    max_body: usize,
}

impl UreqTransport {
    /// Begins with the settings that are right for the gateway.
    #[must_use]
    pub const fn builder() -> TransportBuilder {
        TransportBuilder {
            roots: None,
            connect_timeout: Duration::from_secs(3),
            max_body: MAX_BODY,
            max_idle: MAX_IDLE,
        }
    }
}

/// The settings of a [`UreqTransport`].
#[derive(Clone, Debug)]
pub struct TransportBuilder {
    roots: Option<Roots>,
    connect_timeout: Duration,
    max_body: usize,
    max_idle: usize,
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

    /// How many idle connections are kept; 64 if it is not set, as many as a
    /// client sends at once. With fewer than there are threads, each call may
    /// have to connect anew.
    #[must_use]
    pub const fn max_idle(mut self, connections: usize) -> Self {
        self.max_idle = connections;
        self
    }

    /// The transport. It connects when it has something to send.
    ///
    /// # Errors
    ///
    /// If there are no roots to trust or they cannot be loaded.
    pub fn build(self) -> Result<UreqTransport, SetupError> {
        let roots = self
            .roots
            .or_else(Roots::built_in)
            .ok_or(SetupError::NoRoots)?;
        let config = Config::builder()
            .tls_config(roots.tls())
            // Every status is an answer, and no redirect is followed.
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The bearer goes to the configured origin, whatever the
            // environment says.
            .proxy(None)
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .timeout_connect(Some(self.connect_timeout))
            .max_response_header_size(MAX_HEAD)
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .max_idle_connections(self.max_idle)
            .max_idle_connections_per_host(self.max_idle)
            .max_idle_age(IDLE_TIMEOUT)
            .build();
        let connector = Resolving(DefaultConnector::new()).chain(Watched);
        Ok(UreqTransport {
            agent: Agent::with_parts(config, connector, Later),
            max_body: self.max_body,
        })
    }
}

impl Transport for UreqTransport {
    fn send(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let (head, body) = request.into_parts();
        let bodiless = body.is_empty() && matches!(head.method, Method::GET | Method::HEAD);
        let (answer, left) = watch(|| {
            if bodiless {
                self.run(Request::from_parts(head, ()), limit)
            } else {
                self.run(Request::from_parts(head, &*body), limit)
            }
        });
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) if left => Err(TransportError::unknown(text(&error))),
            Err(error) => Err(TransportError::not_sent(error)),
        }
    }
}

impl UreqTransport {
    fn run(
        &self,
        request: Request<impl AsSendBody>,
        limit: Duration,
    ) -> Result<Response<Bytes>, Error> {
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(limit))
            .build();
        let (head, body) = self.agent.run(request)?.into_parts();
        Ok(Response::from_parts(head, self.read(body)?))
    }

    /// Reads a whole body, of which a byte more than is allowed is an error.
    fn read(&self, mut body: Body) -> Result<Bytes, Error> {
        let limit = self.max_body as u64;
        let body = body.with_config().limit(limit).read_to_vec()?;
        Ok(body.into())
    }
}

/// An error in words that repeat nothing of the answer.
fn text(error: &Error) -> String {
    match error {
        Error::Io(error) => error.kind().to_string(),
        Error::Timeout(_) => "no answer in time".to_owned(),
        Error::BodyExceedsLimit(_) => "the answer's body is too long".to_owned(),
        Error::LargeResponseHeader(..) => "the answer's head is too long".to_owned(),
        Error::Protocol(_) => "the answer is not HTTP".to_owned(),
        _ => io::ErrorKind::Other.to_string(),
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransport")
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}
