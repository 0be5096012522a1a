//! A transport for the Jibit client on any [tower](https://docs.rs/tower)
//! service of HTTP, so that a shop can bring layers of its own: limits, metrics,
//! headers.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use jibit_client::{Client, Config, Secret};
//! use jibit_tower::TowerTransport;
//! use tower::{Service, ServiceBuilder, service_fn};
//!
//! # #[derive(Debug)] struct Unreachable;
//! # impl std::fmt::Display for Unreachable {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
//! # }
//! # impl std::error::Error for Unreachable {}
//! # async fn my_http(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Unreachable> {
//! #     Err(Unreachable)
//! # }
//! # fn shop(my_clock: impl jibit_client::Clock + 'static) -> Result<(), jibit_client::InvalidInput> {
//! let service = ServiceBuilder::new()
//!     .concurrency_limit(8)
//!     .service(service_fn(my_http));
//! // Without the second line, every failure counts as "it may have arrived".
//! let transport = TowerTransport::new(service)
//!     .not_sent_if(|error: &Unreachable| true);
//! let config = Config::new("https://pg.jibit.mobi", "7746", Secret::new("123456"));
//! let client = Client::new(config, 7, transport, my_clock)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What may not stand inside
//!
//! * **No retry layer.** The core decides what is sent again: a verify only after
//!   a look, an initiate never once it may have arrived.
//! * **No redirect layer.** A 307 would send a verify again, to whoever the
//!   answer names, with the bearer.
//! * **No decompression layer.** A short body could become an endless one, and it
//!   asks the gateway for what the protocol does not have.
//! * **No time-out layer** that reports what may have arrived as not sent. The
//!   client has a time-out for each attempt already.
//!
//! Nothing here can see into a service, so test yours with the kit in
//! `jibit-testkit`: it finds the first three. Of a time-out layer it finds only one
//! that is shorter than its own patience, a third of a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::{error::Error, fmt, future::poll_fn, marker::PhantomData, pin::pin};

use async_trait::async_trait;
use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use jibit_client::{Transport, TransportError};
use tower_service::Service;

const MAX_BODY: usize = 64 * 1024;

type BoxError = Box<dyn Error + Send + Sync>;
type NotSentIf<E> = Arc<dyn Fn(&E) -> bool + Send + Sync>;

/// Sends requests by a service that takes bodies of type `B`.
pub struct TowerTransport<S, E, B = Full<Bytes>> {
    /// Locked only to be cloned.
    service: Mutex<S>,
    not_sent_if: NotSentIf<E>,
    max_body: usize,
    body: PhantomData<fn() -> B>,
}

impl<S, B> TowerTransport<S, S::Error, B>
where
    S: Service<Request<B>>,
{
    /// Sends by clones of `service`.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            service: Mutex::new(service),
            not_sent_if: Arc::new(|_| false),
            max_body: MAX_BODY,
            body: PhantomData,
        }
    }

    /// Which errors certainly mean that no byte of the request left, such as
    /// those of connecting. If it is not set, none does.
    #[must_use]
    pub fn not_sent_if(mut self, is: impl Fn(&S::Error) -> bool + Send + Sync + 'static) -> Self {
        self.not_sent_if = Arc::new(is);
        self
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
impl<S, A, B> Transport for TowerTransport<S, S::Error, B>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send,
    S::Future: Send,
    S::Error: Into<BoxError> + Send,
    A: Body + Send,
    A::Data: Send,
    A::Error: Send,
    B: From<Bytes> + Send,
{
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if request.body().is_empty() && request.method() == Method::POST {
            // Many clients say nothing of an empty body, and some servers then answer 411.
            let none = HeaderValue::from_static("0");
            request.headers_mut().insert(header::CONTENT_LENGTH, none);
        }
        let service = self
            .service
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut service = service;
        // A service that is not ready has been given nothing.
        poll_fn(|cx| service.poll_ready(cx))
            .await
            .map_err(|error| TransportError::not_sent(error.into()))?;
        let answer = service.call(request.map(B::from)).await.map_err(|error| {
            if (self.not_sent_if)(&error) {
                TransportError::not_sent(error.into())
            } else {
                // Its causes may quote the peer, who may quote us.
                TransportError::unknown("the service brought no answer")
            }
        })?;
        let (head, body) = answer.into_parts();
        let body = read(body, self.max_body)
            .await
            .map_err(TransportError::unknown)?;
        Ok(Response::from_parts(head, body))
    }
}

/// Reads a whole body.
async fn read(body: impl Body, limit: usize) -> Result<Bytes, &'static str> {
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| "the answer's body ended early")?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        if bytes.len().saturating_add(data.remaining()) > limit {
            return Err("the answer's body is too long");
        }
        bytes.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    Ok(bytes.freeze())
}

impl<S, E, B> fmt::Debug for TowerTransport<S, E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerTransport")
            .field("max_body", &self.max_body)
            .finish_non_exhaustive()
    }
}
