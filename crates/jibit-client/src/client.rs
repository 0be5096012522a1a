use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jibit_driver::{Account, Shared, spans};
use jibit_proto::{
    Authenticate, Capture, Config, Error, Expected, Initiate, Inquiry, InvalidInput, Look, OrderId,
    Payable, Secret, Session, Settle, Sighting, Timestamp, TransportError, Verdict,
    wire::{
        initiate::{Initiated, NewOrder},
        inquiry::Inquired,
    },
};

use crate::{driver::Driver, tokens::TokenStore};

/// Sends one request and brings its answer.
///
/// Every status is an answer. It follows no redirect, sends nothing twice,
/// decodes nothing, bounds the body, and logs neither headers nor bodies.
/// [`TransportError::not_sent`] is only for a request of which no byte can
/// have left; all else is [`TransportError::unknown`]. A dropped future gives
/// up the answer and must leave the transport usable.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request`.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request).await
    }
}

#[async_trait]
impl<F, Sent> Transport for F
where
    F: Fn(Request<Bytes>) -> Sent + Send + Sync,
    Sent: Future<Output = Result<Response<Bytes>, TransportError>> + Send,
{
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self(request).await
    }
}

/// The time. It never goes back: Unix time read once, plus elapsed monotonic
/// time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time that it is.
    fn now(&self) -> Timestamp;

    /// Ends at `instant` or later.
    async fn sleep_until(&self, instant: Timestamp);
}

/// A merchant's client. Clones share tokens and limits: make one for a
/// process.
#[derive(Clone)]
pub struct Client(Arc<Driver>);

impl Client {
    /// A client over the given transport and clock. `seed` is for the jitter
    /// of pauses: give each process another one.
    ///
    /// # Errors
    ///
    /// If a setting cannot work.
    pub fn new(
        config: Config,
        seed: u64,
        transport: impl Transport + 'static,
        clock: impl Clock + 'static,
    ) -> Result<Self, InvalidInput> {
        let session = Session::new(config, seed)?;
        spans::exposure(session.base_url());
        Ok(Self(Arc::new(Driver {
            account: session.account(),
            tokens: Mutex::default(),
            shared: Shared::new(session),
            transport: Box::new(transport),
            clock: Box::new(clock),
        })))
    }

    /// Gets tokens from the gateway: that the credentials are right.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Credentials`](jibit_proto::ErrorKind) if they are not.
    pub async fn authenticate(&self) -> Result<(), Error> {
        self.0.run(spans::authenticate(), Authenticate).await
    }

    /// Registers an order.
    ///
    /// # Errors
    ///
    /// With certainty `Unknown` the order may exist; nobody can pay it.
    pub async fn initiate(&self, order: NewOrder) -> Result<Initiated, Error> {
        let span = spans::initiate();
        self.0.run(span, Initiate::new(order)).await
    }

    /// Asks for an order's state, uncompared.
    ///
    /// # Errors
    ///
    /// Whatever the error, the state is not known by it.
    pub async fn inquiry(&self, order: OrderId) -> Result<Inquired, Error> {
        let span = spans::inquiry(&order);
        self.0.run(span, Inquiry::new(order)).await
    }

    /// Asks for an order's state and compares it with what was stored.
    ///
    /// # Errors
    ///
    /// Whatever the error, the state is not known by it.
    pub async fn look(&self, order: OrderId, expected: Expected) -> Result<Sighting, Error> {
        let span = spans::look(&order);
        self.0.run(span, Look::new(order, expected)).await
    }

    /// Captures what a look found. Make the intent durable first.
    ///
    /// # Errors
    ///
    /// An error means that no verify can have left.
    pub async fn verify(&self, payable: Payable) -> Result<Verdict, Error> {
        let span = spans::verify(payable.order_id());
        self.0.run(span, Capture::new(payable)).await
    }

    /// Looks, and captures if the order is payable.
    ///
    /// # Errors
    ///
    /// An error means that no verify can have left.
    pub async fn settle(&self, order: OrderId, expected: Expected) -> Result<Verdict, Error> {
        let span = spans::settle(&order);
        self.0.run(span, Settle::new(order, expected)).await
    }

    /// The merchant and the gateway that this client speaks for and to.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.0.account
    }

    /// The clock that this client goes by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Replaces the password for the calls that follow.
    pub fn set_password(&self, password: Secret) {
        let shared = &self.0.shared;
        shared.with_session(|session| session.set_password(password));
    }

    /// Shares the tokens with other processes, by this store: one process renews,
    /// and the others take up what it got. Call it before the first call.
    pub fn share_tokens(&self, store: impl TokenStore + 'static) {
        let mut tokens = self.0.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = Some(Arc::new(store));
        drop(tokens);
        self.0.shared.with_session(Session::share_tokens);
    }

    /// The tokens, for [`restore_tokens`](Self::restore_tokens) in a later run.
    #[must_use]
    pub fn export_tokens(&self) -> Option<Secret> {
        self.0.shared.with_session(|session| session.export())
    }

    /// When the token at hand ends, by what it says of itself; nothing if there is
    /// none. A call renews it in time.
    #[must_use]
    pub fn tokens_expire(&self) -> Option<Timestamp> {
        let shared = &self.0.shared;
        shared.with_session(|session| session.tokens_expire())
    }

    /// Takes up tokens that an earlier run exported.
    ///
    /// # Errors
    ///
    /// If they are damaged or another account's; the client goes on without.
    pub fn restore_tokens(&self, saved: &Secret) -> Result<(), InvalidInput> {
        self.0.shared.with_session(|session| session.restore(saved))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
