//! Passes a request on, once, and its answer back.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use jibit_hyper::{Certainty, HyperTransport, Transport as _};
use jibit_proto::BaseUrl;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    operation::Operation,
    recorder::{Exchange, Recorder},
    redact::is_loopback,
};
use crate::report::with_sources;

/// The longest body that is passed on, either way.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// How long a shop may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Headers that are about one connection and not about the exchange.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub(super) struct Proxy {
    pub(super) upstream: BaseUrl,
    pub(super) transport: HyperTransport,
    /// How long an answer is waited for.
    pub(super) patience: Duration,
    pub(super) recorder: Recorder,
}

/// What the proxy itself says, in words that nobody takes for the gateway's.
struct Refusal(StatusCode, String);

impl Refusal {
    fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self(status, words.into())
    }
}

impl From<Refusal> for Response<Full<Bytes>> {
    fn from(Refusal(status, words): Refusal) -> Self {
        let mut answer = Self::new(Full::from(format!("jibit capture: {words}\n")));
        *answer.status_mut() = status;
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        answer
    }
}

impl Proxy {
    /// Answers a shop. The place is given up when the exchange has ended,
    /// which may be after the shop has gone.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        place: Arc<OwnedSemaphorePermit>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (operation, request) = match self.read(request).await {
            Ok(read) => read,
            Err(refusal) => {
                tracing::warn!("refused a request ({}): {}", refusal.0, refusal.1);
                return Ok(refusal.into());
            }
        };
        // A shop that goes away takes nothing back: the gateway may have acted
        // on the request, and what it answers is worth keeping.
        let exchange = tokio::spawn(async move {
            let answer = self.exchange(operation, request).await;
            drop(place);
            answer
        });
        Ok(exchange.await.unwrap_or_else(|_| {
            let words = "this is a bug; nobody knows what became of the request";
            Refusal::new(StatusCode::BAD_GATEWAY, words).into()
        }))
    }

    /// Reads a request that may be passed on, as it is passed on.
    async fn read(
        &self,
        request: Request<Incoming>,
    ) -> Result<(Operation, Request<Bytes>), Refusal> {
        let (mut head, body) = request.into_parts();
        check_sender(&head.headers, head.uri.host())?;
        let path = head.uri.path();
        let operation = Operation::asked(&head.method, path).ok_or_else(|| {
            let words = "only the gateway's five operations are passed on; see docs/protocol.md";
            Refusal::new(StatusCode::NOT_FOUND, words)
        })?;
        let whole = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect());
        let body = match whole.await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let words = format!("the request's body is longer than {MAX_BODY} bytes");
                return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, words));
            }
            Ok(Err(_)) => {
                let words = "the request's body did not arrive whole; nothing was sent";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, words));
            }
            Err(_) => {
                let words = "the request's body took too long; nothing was sent";
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, words));
            }
        };
        end_to_end(&mut head.headers);
        // hyper names the upstream. What was to be waited for has come.
        for name in [header::HOST, header::EXPECT] {
            head.headers.remove(name);
        }
        Ok((operation, Request::from_parts(head, body)))
    }

    /// Sends a request once and records what comes of it.
    async fn exchange(
        &self,
        operation: Operation,
        request: Request<Bytes>,
    ) -> Response<Full<Bytes>> {
        let at = SystemTime::now();
        let outcome = self.send(&request).await;
        let reply = match &outcome {
            Ok(answer) => {
                let mut reply = answer.clone();
                end_to_end(reply.headers_mut());
                reply.map(Full::new)
            }
            Err(why) => Refusal::new(StatusCode::BAD_GATEWAY, why).into(),
        };
        self.recorder.record(Exchange {
            operation,
            request,
            outcome,
            at,
        });
        reply
    }

    async fn send(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, String> {
        let mut sent = request.clone();
        let path = sent.uri().path_and_query().map_or("", |path| path.as_str());
        *sent.uri_mut() = format!("{}{path}", self.upstream)
            .parse()
            .map_err(|_| "the request's path is no URL; nothing was sent".to_owned())?;
        match tokio::time::timeout(self.patience, self.transport.send(sent)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let known = match error.certainty() {
                    Certainty::NothingHappened => "nothing was sent",
                    Certainty::Unknown => "the gateway may have acted on the request",
                };
                Err(format!("{}; {known}", with_sources(&error)))
            }
            Err(_) => {
                let seconds = self.patience.as_secs();
                let known = "the gateway may have acted on the request";
                Err(format!("no answer in {seconds} s; {known}"))
            }
        }
    }
}

/// Refuses what a web page could have sent through somebody's browser: by a
/// name that leads here, or across sites.
fn check_sender(headers: &HeaderMap, named: Option<&str>) -> Result<(), Refusal> {
    let forbid = |words| Err(Refusal::new(StatusCode::FORBIDDEN, words));
    let is_here = |host: &HeaderValue| {
        let host = host.to_str().ok().and_then(|host| host.parse().ok());
        host.is_some_and(|host: http::uri::Authority| is_loopback(host.host()))
    };
    let mut hosts = headers.get_all(header::HOST).iter().peekable();
    if hosts.peek().is_none() || !hosts.all(is_here) || !named.is_none_or(is_loopback) {
        return forbid("the request's Host is not this machine; ask by 127.0.0.1 or localhost");
    }
    if headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        return forbid("the request comes from a browser; only a shop's server may ask here");
    }
    Ok(())
}

/// Leaves the headers that are passed on. The length is worked out anew from
/// the body, which is whole.
fn end_to_end(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP
        .into_iter()
        .chain(named)
        .chain([header::CONTENT_LENGTH])
    {
        headers.remove(name);
    }
}
