use std::{
    fmt,
    future::{Future, poll_fn},
    panic,
    pin::{Pin, pin},
    task::Poll,
    thread,
    time::Duration,
};

use bytes::Bytes;
use futures_timer::Delay;
use http::{Request, Response};
use jibit_client::TransportError;

use super::{CASES, Report, Row};
use crate::peer::Identity;

/// What a transport is to be made for.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Setup<'a> {
    /// The one certificate (PEM) to trust; without it, none needs to be.
    pub trust: Option<&'a str>,
}

/// A future that the kit has run.
pub type Job<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A transport under test.
pub struct Kit {
    name: String,
    tls: bool,
    http2: bool,
    make: Box<Make>,
}

type Make = dyn Fn(&Setup<'_>) -> Box<dyn Sends> + Send + Sync;

impl Kit {
    /// Tests the blocking transport that `make` makes.
    pub fn blocking<T>(
        name: impl Into<String>,
        make: impl Fn(&Setup<'_>) -> T + Send + Sync + 'static,
    ) -> Self
    where
        T: jibit_blocking::Transport + fmt::Debug + 'static,
    {
        Self::new(name, move |setup| Box::new(Blocking(make(setup))))
    }

    /// Tests the async transport that `make` makes. `block_on` runs a future to
    /// its end on the thread that calls it; it is called from many threads.
    pub fn futures<T>(
        name: impl Into<String>,
        block_on: impl Fn(Job<'_>) + Clone + Send + Sync + 'static,
        make: impl Fn(&Setup<'_>) -> T + Send + Sync + 'static,
    ) -> Self
    where
        T: jibit_client::Transport + fmt::Debug + 'static,
    {
        Self::new(name, move |setup| {
            Box::new(Futures {
                transport: make(setup),
                block_on: block_on.clone(),
            })
        })
    }

    fn new(
        name: impl Into<String>,
        make: impl Fn(&Setup<'_>) -> Box<dyn Sends> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            tls: true,
            http2: false,
            make: Box::new(make),
        }
    }

    /// The transport speaks no TLS: it is for gateways on this machine.
    #[must_use]
    pub const fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }

    /// The transport speaks HTTP/2 where it is offered.
    #[must_use]
    pub const fn with_http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// What the transport is called in reports.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn speaks_tls(&self) -> bool {
        self.tls
    }

    pub(super) const fn speaks_http2(&self) -> bool {
        self.http2
    }

    /// Runs every case, prints a line for each as it ends, and brings them all.
    #[must_use]
    pub fn run(&self) -> Report {
        println!("{}", self.name);
        let rows = CASES.iter().map(|case| {
            let row = Row::new(case, case.verdict(self));
            println!("  {row}");
            row
        });
        Report::new(&self.name, rows.collect())
    }

    /// As [`run`](Self::run), without a word.
    #[must_use]
    pub fn run_quietly(&self) -> Report {
        let rows = CASES.iter().map(|case| Row::new(case, case.verdict(self)));
        Report::new(&self.name, rows.collect())
    }

    /// A transport that trusts nobody in particular.
    pub(super) fn transport(&self) -> Box<dyn Sends> {
        (self.make)(&Setup::default())
    }

    /// A transport that trusts this identity.
    pub(super) fn trusting(&self, identity: &Identity) -> Box<dyn Sends> {
        let pem = identity.pem();
        (self.make)(&Setup { trust: Some(&pem) })
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kit")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What came of a request.
pub(super) type Sent = Result<Response<Bytes>, TransportError>;

/// A transport of either kind, as the cases use it: on threads.
pub(super) trait Sends: Send + Sync {
    /// Sends as a driver does, for so long at most.
    fn send(&self, request: Request<Bytes>, limit: Duration) -> Sent;

    /// Sends for so long, and then gives up without waiting for an answer.
    fn give_up(&self, request: Request<Bytes>, after: Duration);

    /// What `Debug` shows.
    fn debug(&self) -> String;
}

struct Blocking<T>(T);

impl<T: jibit_blocking::Transport + fmt::Debug> Sends for Blocking<T> {
    fn send(&self, request: Request<Bytes>, limit: Duration) -> Sent {
        self.0.send(request, limit)
    }

    fn give_up(&self, request: Request<Bytes>, after: Duration) {
        // Only a time-out or a panic ends a blocking call: here one after the other.
        let given_up = thread::scope(|scope| {
            let caller = scope.spawn(|| {
                let _ = self.0.send(request, after);
                panic::resume_unwind(Box::new("the caller's own"));
            });
            caller.join()
        });
        drop(given_up);
    }

    fn debug(&self) -> String {
        format!("{:?} {:#?}", self.0, self.0)
    }
}

struct Futures<T, B> {
    transport: T,
    block_on: B,
}

impl<T, B> Futures<T, B>
where
    T: jibit_client::Transport,
    B: Fn(Job<'_>) + Send + Sync,
{
    /// What came of a send within the time; nothing if the time was too short.
    fn within(&self, request: Request<Bytes>, limit: Duration) -> Option<Sent> {
        let mut outcome = None;
        (self.block_on)(Box::pin(async {
            let mut sent = self.transport.send(request);
            let mut limit = pin!(Delay::new(limit));
            outcome = poll_fn(|cx| match sent.as_mut().poll(cx) {
                Poll::Ready(sent) => Poll::Ready(Some(sent)),
                Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
            })
            .await;
        }));
        outcome
    }
}

impl<T, B> Sends for Futures<T, B>
where
    T: jibit_client::Transport + fmt::Debug,
    B: Fn(Job<'_>) + Send + Sync,
{
    fn send(&self, request: Request<Bytes>, limit: Duration) -> Sent {
        // A driver drops the future, whatever the transport does.
        self.within(request, limit)
            .unwrap_or_else(|| Err(TransportError::unknown("no answer in time")))
    }

    fn give_up(&self, request: Request<Bytes>, after: Duration) {
        drop(self.within(request, after));
    }

    fn debug(&self) -> String {
        format!("{:?} {:#?}", self.transport, self.transport)
    }
}
