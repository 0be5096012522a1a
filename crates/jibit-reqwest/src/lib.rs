//! A transport for the Jibit client on [reqwest], for shops that
//! have it already: proxy, roots, resolver and TLS library stay the shop's.
//!
//! ```no_run
//! use jibit_client::{Client, Clock, Config, Secret};
//! use jibit_reqwest::ReqwestTransport;
//!
//! # fn shop(my_clock: impl Clock + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! let builder = reqwest::Client::builder().user_agent("shop/1.0");
//! let transport = ReqwestTransport::new(builder)?;
//! let config = Config::new("https://pg.jibit.mobi", "7746", Secret::new("123456"));
//! let client = Client::new(config, 7, transport, my_clock)?;
//! # Ok(())
//! # }
//! ```
//!
//! A clock for tokio is `jibit_hyper::TokioClock`, or a dozen lines of your own.
//! The TLS library is a feature of reqwest, which your own dependency on it
//! turns on.
//!
//! # Why a builder
//!
//! [`ReqwestTransport::new`] takes a [`ClientBuilder`] and no ready
//! [`Client`](reqwest::Client), because it has to switch some things off, and
//! that can no longer be done to a client: one that follows redirects would
//! answer a 307 by sending a verify again, elsewhere. It switches off redirects,
//! retries of what was answered or refused, decompression, the `Referer` header
//! and the log of what goes over the wire, and gives up connecting after 3 s. The
//! library below still sends again a request of which no byte had left.
//!
//! Leave alone what is left: a cookie store, and everything that reqwest calls
//! `danger`. The kit in `jibit-testkit` finds both.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header};
use jibit_client::{Transport, TransportError};
use reqwest::{ClientBuilder, redirect, retry};
use std::{fmt, time::Duration};

const MAX_BODY: usize = 64 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Sends requests as a [`ClientBuilder`] is set up. Clones share the
/// connections.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    max_body: usize,
}

impl ReqwestTransport {
    /// A transport with the settings of `builder`, but for those that could
    /// send something twice or elsewhere.
    ///
    /// # Errors
    ///
    /// If reqwest cannot make a client, as when TLS cannot be set up.
    pub fn new(builder: ClientBuilder) -> Result<Self, reqwest::Error> {
        let client = builder
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .connection_verbose(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()?;
        Ok(Self {
            client,
            max_body: MAX_BODY,
        })
    }

    /// How many bytes an answer's body may have; 64 KiB if it is not set. A
    /// longer one is a lost answer.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if request.body().is_empty() && request.method() == Method::POST {
            // reqwest says nothing of an empty body, and some servers then answer 411.
            let none = HeaderValue::from_static("0");
            request.headers_mut().insert(header::CONTENT_LENGTH, none);
        }
        let target = request.uri().path_and_query().cloned();
        let request = reqwest::Request::try_from(request)
            .map_err(|error| TransportError::not_sent(error.without_url()))?;
        let url = request.url();
        let asked = (url.path(), url.query());
        if target.is_some_and(|target| asked != (target.path(), target.query())) {
            return Err(TransportError::not_sent(
                "reqwest would ask for another path",
            ));
        }
        let mut answer = self.client.execute(request).await.map_err(|error| {
            if error.is_connect() {
                TransportError::not_sent(error.without_url())
            } else {
                // Its causes may quote the peer, who may quote us.
                TransportError::unknown("reqwest brought no answer")
            }
        })?;
        let mut body = BytesMut::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.max_body => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(TransportError::unknown("the answer's body is too long"));
                }
                Ok(None) => break,
                Err(_) => return Err(TransportError::unknown("the answer's body ended early")),
            }
        }
        let mut whole = Response::new(body.freeze());
        *whole.status_mut() = answer.status();
        *whole.version_mut() = answer.version();
        *whole.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(whole)
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}
