//! One connection: made, used and counted as usable here, whatever its protocol.

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, Uri,
    header::{HOST, InvalidHeaderValue},
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::Full;
#[cfg(feature = "http2")]
use hyper::client::conn::http2;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};

pub(crate) type Body = Full<Bytes>;

/// Whom a connection leads to: no request for anybody else goes over it.
#[derive(Clone, PartialEq)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
}

impl Origin {
    /// Whom a request for `uri` is for, if it says so.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        Some(Self {
            scheme: uri.scheme()?.clone(),
            authority: uri.authority()?.clone(),
        })
    }

    /// Where to connect.
    pub(crate) fn uri(&self) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query("/")
            .build()
    }

    /// What the Host header says: the port only where it is not the scheme's own.
    fn host(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let own = if self.scheme == Scheme::HTTPS {
            443
        } else {
            80
        };
        match self.authority.port_u16() {
            Some(port) if port != own => {
                HeaderValue::try_from(format!("{}:{port}", self.authority.host()))
            }
            _ => HeaderValue::from_str(self.authority.host()),
        }
    }
}

/// A connection on which a request may be sent.
pub(crate) struct Connection {
    origin: Origin,
    sender: Sender,
}

enum Sender {
    Http1 {
        sender: http1::SendRequest<Body>,
        host: HeaderValue,
    },
    #[cfg(feature = "http2")]
    Http2(http2::SendRequest<Body>),
}

impl Connection {
    /// One over HTTP/1.1, which carries one request at a time.
    pub(crate) fn http1(
        origin: Origin,
        sender: http1::SendRequest<Body>,
    ) -> Result<Self, InvalidHeaderValue> {
        let host = origin.host()?;
        Ok(Self {
            origin,
            sender: Sender::Http1 { sender, host },
        })
    }

    /// One over HTTP/2, which carries many requests at a time.
    #[cfg(feature = "http2")]
    pub(crate) const fn http2(origin: Origin, sender: http2::SendRequest<Body>) -> Self {
        Self {
            origin,
            sender: Sender::Http2(sender),
        }
    }

    pub(crate) fn leads_to(&self, origin: &Origin) -> bool {
        self.origin == *origin
    }

    /// Whether the last request is not over yet: its answer was read, but
    /// hyper's task still has a step to go.
    pub(crate) fn is_busy(&self) -> bool {
        match &self.sender {
            Sender::Http1 { sender, .. } => !sender.is_ready() && !sender.is_closed(),
            #[cfg(feature = "http2")]
            Sender::Http2(_) => false,
        }
    }

    /// Whether the connection is known to have ended.
    pub(crate) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1 { sender, .. } => sender.is_closed(),
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// The same connection once more, if it carries many requests at a time.
    pub(crate) fn shared(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1 { .. } => None,
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => Some(Self::http2(self.origin.clone(), sender.clone())),
        }
    }

    /// Sends a request and waits for its answer's head. An error that brings
    /// the request back says that none of it left.
    pub(crate) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        match &mut self.sender {
            Sender::Http1 { sender, host } => {
                sender.try_send_request(over_http1(request, host)).await
            }
            #[cfg(feature = "http2")]
            Sender::Http2(sender) => sender.try_send_request(request).await,
        }
    }
}

/// As HTTP/1.1 has it where no proxy is between: the path alone, and the host apart.
fn over_http1(mut request: Request<Body>, host: &HeaderValue) -> Request<Body> {
    let headers = request.headers_mut();
    headers.entry(HOST).or_insert_with(|| host.clone());
    let path = request.uri().path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = path.into();
    request
}
