use std::time::{Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use jibit_client::{Clock, Timestamp, Transport, TransportError};
use smol::{Timer, net::TcpStream};
use smol_hyper::rt::FuturesIo;

/// A connection a request, in plain http: for a gateway on this machine.
#[derive(Debug)]
pub(crate) struct SmolTransport;

#[async_trait]
impl Transport for SmolTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let plain = request.uri().scheme_str() == Some("http");
        let authority = request.uri().authority().filter(|_| plain).cloned();
        let authority = authority.ok_or_else(|| TransportError::not_sent("not plain http"))?;
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(80));
        // Whatever fails before the request is handed over was not sent.
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(TransportError::not_sent)?;
        let connected = http1::handshake(FuturesIo::new(stream)).await;
        let (mut sender, connection) = connected.map_err(TransportError::not_sent)?;
        smol::spawn(connection).detach();

        let host = HeaderValue::from_str(authority.as_str()).map_err(TransportError::not_sent)?;
        request.headers_mut().insert(header::HOST, host);
        let length = HeaderValue::from(request.body().len());
        request.headers_mut().insert(header::CONTENT_LENGTH, length);
        let target = request.uri().path_and_query().cloned();
        *request.uri_mut() = target.map(Uri::from).unwrap_or_default();
        // From here on it may have arrived; errors say nothing of what was answered.
        let answer = sender.send_request(request.map(Full::new)).await;
        let answer = answer.map_err(|_| TransportError::unknown("no answer came"))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, 64 * 1024).collect().await;
        let body = body.map_err(|_| TransportError::unknown("no whole body came"))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// Unix time at the start, and what has passed since then.
pub(crate) struct SmolClock(pub(crate) SystemTime, pub(crate) Instant);

#[async_trait]
impl Clock for SmolClock {
    fn now(&self) -> Timestamp {
        let unix = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default() + unix + self.1.elapsed()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        Timer::after(instant.since(self.now())).await;
    }
}
