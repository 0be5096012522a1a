use std::{
    error::Error as StdError,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use tokio::time::timeout;
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;
type Https = HttpsConnector<HttpConnector>;

/// Connects within one limit for DNS, TCP and TLS together, which a peer that
/// accepts and then says nothing would otherwise escape.
#[derive(Clone)]
pub(crate) struct Connector {
    https: Https,
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
}

impl Service<Uri> for Connector {
    type Response = <Https as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connected, limit) = (self.https.call(uri), self.limit);
        Box::pin(async move {
            timeout(limit, connected)
                .await
                .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}
