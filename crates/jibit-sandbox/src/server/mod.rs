mod live;
mod socket;
mod wire;

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher as _, Hasher as _},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioTimer;
use jibit_proto::Timestamp;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    Account, Answer, ClientIp, Fate, Fault, FaultPlan, Gateway, JournalEntry, Operation, Order,
    Refusal, Returning, Settings, State, gateway::refuse,
};
use socket::{Control, Socket};
use wire::{Ends, WireBody};

/// The longest body that is read, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How long a client may take to send a request's head, and to begin the next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may then take to send the body.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// How many connections are served at a time. Those beyond wait to be accepted;
/// who has nothing to say does not hold a place for longer than `HEAD_TIMEOUT`.
const MAX_CONNECTIONS: usize = 16 * 1024;

/// A running sandbox. It stops when it is dropped.
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: watch::Sender<()>,
}

struct Shared {
    gateway: Mutex<Gateway>,
    started: Instant,
    started_at: Timestamp,
}

impl Sandbox {
    /// Starts one with the default settings on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If the machine has no port to give.
    pub async fn start() -> io::Result<Self> {
        Self::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Settings::default()).await
    }

    /// Starts one on `address`; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn bind(address: SocketAddr, mut settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let public = settings
            .public_url
            .take()
            .unwrap_or_else(|| format!("http://{}", reachable(address)));
        let seed = settings
            .seed
            .unwrap_or_else(|| RandomState::new().build_hasher().finish());
        settings.exposed = !address.ip().is_loopback();
        let shared = Arc::new(Shared {
            gateway: Mutex::new(Gateway::new(settings.seed(seed).public_url(public))),
            started: Instant::now(),
            started_at: unix_now(),
        });
        let (stop, stopped) = watch::channel(());
        tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
        Ok(Self {
            address,
            shared,
            _stop: stop,
        })
    }

    /// The base URL, such as `http://127.0.0.1:8090`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets a fault for the next request of its operation.
    pub fn inject(&self, fault: Fault) {
        self.shared.lock().inject(fault);
    }

    /// Strikes requests by this plan from here on; one without rules strikes none.
    pub fn arm(&self, plan: FaultPlan) {
        let now = self.shared.now();
        self.shared.lock().arm(plan, now);
    }

    /// Puts the virtual clock forward.
    pub fn advance(&self, by: Duration) {
        self.shared.lock().advance(by);
    }

    /// Sets what a wallet holds, in Rial, and whether it is blocked.
    ///
    /// # Errors
    ///
    /// As [`Gateway::set_wallet`].
    pub fn set_wallet(&self, mobile: &str, balance: u64, blocked: bool) -> Result<(), Refusal> {
        self.shared.lock().set_wallet(mobile, balance, blocked)
    }

    /// Has the customer's browser come back from this order in a way of its own.
    ///
    /// # Errors
    ///
    /// If there is no such order.
    pub fn set_returning(&self, order: &str, way: Returning) -> Result<(), Refusal> {
        self.shared.lock().set_returning(order, way).map(drop)
    }

    /// What the page's button "pay" does.
    ///
    /// # Errors
    ///
    /// As [`Gateway::pay`].
    pub fn pay(&self, order: &str) -> Result<Order, Refusal> {
        let now = self.shared.now();
        (self.shared.lock())
            .pay(order, IpAddr::from([127, 0, 0, 1]), now)
            .cloned()
    }

    /// What the page's button "cancel" does.
    ///
    /// # Errors
    ///
    /// As [`Gateway::cancel`].
    pub fn cancel(&self, order: &str) -> Result<Order, Refusal> {
        let now = self.shared.now();
        self.shared.lock().cancel(order, now).cloned()
    }

    /// Ends an order's time at once: what was paid goes back to the customer.
    ///
    /// # Errors
    ///
    /// As [`Gateway::expire`].
    pub fn expire(&self, order: &str) -> Result<Order, Refusal> {
        let now = self.shared.now();
        self.shared.lock().expire(order, now).cloned()
    }

    /// Where an order stands, if there is one.
    #[must_use]
    pub fn state(&self, order: &str) -> Option<State> {
        self.shared.lock().order(order).map(Order::state)
    }

    /// What an account holds, in Rial.
    #[must_use]
    pub fn balance(&self, account: &Account) -> i128 {
        self.shared.lock().book().balance(account)
    }

    /// The last thousand exchanges with the five operations, the oldest first.
    #[must_use]
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.shared.lock().journal().cloned().collect()
    }

    /// Forgets everything, as if it had just been started.
    pub fn reset(&self) {
        self.shared.lock().reset();
    }

    /// How many requests of an operation have arrived, faults and all.
    #[must_use]
    pub fn arrived(&self, operation: Operation) -> u64 {
        self.shared.lock().arrived(operation)
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Gateway> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.started_at + self.started.elapsed()
    }
}

fn unix_now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::default() + elapsed.unwrap_or_default()
}

/// A server on every address is reached at loopback from this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        });
    }
    address
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    // They end with this.
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    serve(stream, peer.ip(), &shared).await;
                    drop(place);
                });
            }
            // Out of file descriptors: a client will give some back.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, shared: &Arc<Shared>) {
    // Without it, small answers wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let (socket, control) = Socket::new(stream);
    let service = service_fn(|request| answer(request, peer, shared, &control));
    // An error here is a client that went away, or a fault of our own making.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(16 * 1024)
        .serve_connection(socket, service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    peer: IpAddr,
    shared: &Arc<Shared>,
    socket: &Control,
) -> Result<Response<WireBody>, Ends> {
    let answer = match received(request, socket).await? {
        Ok(mut request) => {
            if Operation::of(&request).is_none() {
                // Only pages and controls ask for it, and it takes two allocations.
                request.extensions_mut().insert(ClientIp(peer));
            }
            shared.lock().handle(request, shared.now())
        }
        Err(refusal) => Answer {
            response: refuse(refusal),
            fate: Fate::Deliver,
        },
    };
    wire::send(answer, socket, shared).await
}

/// The whole request, if it is one that a gateway should read.
async fn received(
    request: Request<Incoming>,
    socket: &Control,
) -> Result<Result<Request<Bytes>, Refusal>, Ends> {
    if let Some(refusal) = refusal(&request, socket) {
        return Ok(Err(refusal));
    }
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        socket.next_request();
        return Ok(Ok(Request::from_parts(parts, Bytes::new())));
    }
    let body = Limited::new(body, MAX_BODY).collect();
    let Ok(body) = tokio::time::timeout(BODY_TIMEOUT, body).await else {
        return Ok(Err(Refusal::TooSlow));
    };
    socket.next_request();
    match body {
        Ok(body) => Ok(Ok(Request::from_parts(parts, body.to_bytes()))),
        Err(error) if error.is::<LengthLimitError>() => Ok(Err(Refusal::TooLong)),
        // The client went away.
        Err(_) => Err(Ends),
    }
}

/// What hyper lets through and no gateway should.
fn refusal(request: &Request<Incoming>, socket: &Control) -> Option<Refusal> {
    let headers = request.headers();
    let doubtful = !headers.contains_key(header::HOST) || socket.is_framed_twice(headers);
    doubtful.then_some(Refusal::Framing)
}
