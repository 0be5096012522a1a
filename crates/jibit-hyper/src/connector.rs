use std::{error::Error as StdError, future::poll_fn, io, time::Duration};

use hyper::client::conn::http1;
#[cfg(feature = "http2")]
use hyper::client::conn::http2;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
#[cfg(feature = "http2")]
use hyper_util::{
    client::legacy::connect::Connection as _,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_service::Service as _;

use crate::connection::{Connection, Origin};

const MAX_HEADERS: usize = 64;
const MAX_HEAD: usize = 16 * 1024;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Connects within one limit for DNS, TCP and TLS together, which a peer that
/// accepts and then says nothing would otherwise escape.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<HttpConnector>,
    limit: Duration,
}

impl Connector {
    pub(crate) fn new(tls: ClientConfig, limit: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false); // https comes through here too, before TLS
        http.set_nodelay(true);
        // Shared out over a host's addresses: a dead one must not use up all.
        http.set_connect_timeout(Some(limit));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1();
        #[cfg(feature = "http2")]
        let https = https.enable_http2();
        Self {
            https: https.wrap_connector(http),
            limit,
        }
    }

    /// A new connection to `origin`. A failure says that there is none.
    pub(crate) async fn connect(&self, origin: Origin) -> Result<Connection, BoxError> {
        let mut https = self.https.clone();
        let uri = origin.uri()?;
        let connect = async {
            poll_fn(|cx| https.poll_ready(cx)).await?;
            https.call(uri).await
        };
        let stream = timeout(self.limit, connect)
            .await
            .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))?;
        #[cfg(feature = "http2")]
        if stream.connected().is_negotiated_h2() {
            let (sender, task) = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(16 * 1024)
                .initial_stream_window_size(64 * 1024)
                .initial_connection_window_size(1024 * 1024)
                // A call that is given up resets its stream and leaves a dead
                // connection in the pool: find that out within an attempt.
                .timer(TokioTimer::new())
                .keep_alive_interval(Duration::from_secs(5))
                .keep_alive_timeout(Duration::from_secs(3))
                .handshake(stream)
                .await?;
            tokio::spawn(task);
            return Ok(Connection::http2(origin, sender));
        }
        let (sender, task) = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD)
            .handshake(stream)
            .await?;
        tokio::spawn(task);
        Ok(Connection::http1(origin, sender)?)
    }
}
