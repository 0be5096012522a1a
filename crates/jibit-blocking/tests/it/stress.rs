//! 100,000 calls on 64 threads and 1,000 tasks, against a gateway that fails in
//! every way: no call is lost, nobody waits for ever, and one renews at a time.

use std::{
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jibit_blocking::{Config, ErrorKind, Secret, Timestamp, TransportError};

const CALLS: usize = 50_000;

/// Time that goes a hundred times as fast, so that pauses of seconds do not make
/// a test of minutes.
#[derive(Clone)]
struct Fast(Instant);

const FASTER: u32 = 100;

/// As long as the lease to renew, in fast time.
const LEASE: Duration = Duration::from_secs(1200);

impl Fast {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000) + self.0.elapsed() * FASTER
    }

    fn until(&self, instant: Timestamp) -> Duration {
        let longest = Duration::from_secs(3600);
        instant.since(self.now()).min(longest) / FASTER
    }
}

impl jibit_blocking::Clock for Fast {
    fn now(&self) -> Timestamp {
        self.now()
    }

    fn park_until(&self, instant: Timestamp) {
        thread::park_timeout(self.until(instant));
    }
}

#[async_trait]
impl jibit_client::Clock for Fast {
    fn now(&self) -> Timestamp {
        self.now()
    }

    async fn sleep_until(&self, instant: Timestamp) {
        tokio::time::sleep(self.until(instant)).await;
    }
}

/// A gateway whose answers go wrong now and then.
#[derive(Default)]
struct Gateway {
    renewing: AtomicUsize,
    two_renewed_at_once: AtomicBool,
    logins: AtomicU64,
    dice: AtomicU64,
    /// Of a thousand requests, so many have each of the faults.
    sick: u64,
}

/// A renewal under way, until it is answered, given up, or panics.
struct Renewing<'a>(&'a Gateway);

impl Drop for Renewing<'_> {
    fn drop(&mut self) {
        self.0.renewing.fetch_sub(1, SeqCst);
    }
}

enum Fate {
    Said(&'static str),
    Tokens,
    Status(u16),
    NotSent,
    Lost,
    Panic,
}

impl Gateway {
    fn new(sick: u64) -> Arc<Self> {
        Arc::new(Self {
            sick,
            ..Self::default()
        })
    }

    /// What is to become of a request, and what marks it as under way.
    fn begin(&self, request: &Request<Bytes>) -> (Fate, Option<Renewing<'_>>) {
        let renews = request.uri().path().starts_with("/authenticate");
        let renewing = renews.then(|| {
            if self.renewing.fetch_add(1, SeqCst) > 0 {
                self.two_renewed_at_once.store(true, SeqCst);
            }
            Renewing(self)
        });
        (self.fate(renews), renewing)
    }

    fn fate(&self, renews: bool) -> Fate {
        // An order of its own for each, without a lock that would put them in line.
        let n = self.dice.fetch_add(1, SeqCst);
        let n = (n ^ (n >> 7)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        match n % 1000 / self.sick.max(1) {
            0 if self.sick > 0 => Fate::Lost,
            1 if self.sick > 0 => Fate::NotSent,
            2 if self.sick > 0 => Fate::Status(503),
            3 if self.sick > 0 => Fate::Panic,
            4 if self.sick > 0 && n.is_multiple_of(97) => Fate::Status(401),
            _ if renews => Fate::Tokens,
            _ => Fate::Said(r#"{"statusV":"PGENTRY","merchantOrderId":"m-1","amount":100}"#),
        }
    }

    fn end(&self, fate: Fate) -> Result<Response<Bytes>, TransportError> {
        match fate {
            Fate::Said(body) => Ok(Response::new(body.into())),
            Fate::Tokens => {
                let n = self.logins.fetch_add(1, SeqCst);
                let body = format!(
                    r#"{{"errorCode":0,"result":{{"token":"t{n}","refreshToken":"r{n}"}}}}"#
                );
                Ok(Response::new(body.into()))
            }
            Fate::Status(status) => {
                let mut answer = Response::new(Bytes::new());
                *answer.status_mut() = status.try_into().unwrap();
                Ok(answer)
            }
            Fate::NotSent => Err(TransportError::not_sent("so the dice say")),
            Fate::Lost => Err(TransportError::unknown("so the dice say")),
            Fate::Panic => resume_unwind(Box::new("a transport's own bug")),
        }
    }
}

fn config() -> Config {
    // Long enough, in fast time, for a machine that is busy with other tests: a
    // time-out here would be the machine's.
    Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"))
        .attempt_timeout(LEASE)
        .deadline(Duration::from_secs(6000))
}

/// Counts the ends of calls.
#[derive(Default)]
struct Ends {
    well: AtomicUsize,
    badly: AtomicUsize,
    panicked: AtomicUsize,
    given_up: AtomicUsize,
    /// The longest call, in milliseconds of real time.
    longest: AtomicU64,
}

impl Ends {
    fn count<T>(&self, outcome: &Result<T, jibit_blocking::Error>, begun: Instant) {
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap();
        self.longest.fetch_max(took, SeqCst);
        match outcome {
            Ok(_) => self.well.fetch_add(1, SeqCst),
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::InvalidInput);
                self.badly.fetch_add(1, SeqCst)
            }
        };
    }

    fn check(&self, gateway: &Gateway) {
        let (well, badly) = (self.well.load(SeqCst), self.badly.load(SeqCst));
        let panicked = self.panicked.load(SeqCst);
        let given_up = self.given_up.load(SeqCst);
        assert_eq!(well + badly + panicked + given_up, CALLS, "a call is lost");
        // A wake-up or a lease that is not handed on costs a whole lease.
        let longest = Duration::from_millis(self.longest.load(SeqCst));
        assert!(longest < LEASE / FASTER, "a call took {longest:?}");
        assert!(
            well > CALLS * 9 / 10,
            "{well} well, {badly} badly, {panicked} panicked"
        );
        assert!(
            panicked > 0 && gateway.logins.load(SeqCst) > 1,
            "the faults were met"
        );
        assert!(
            !gateway.two_renewed_at_once.load(SeqCst),
            "S12: two renew at once"
        );
    }
}

#[test]
fn sixty_four_threads() {
    let (gateway, ends) = (Gateway::new(4), Arc::new(Ends::default()));
    let peer = gateway.clone();
    let transport = move |request: Request<Bytes>, _: Duration| {
        let (fate, renewing) = peer.begin(&request);
        thread::yield_now();
        drop(renewing);
        peer.end(fate)
    };
    let client = jibit_blocking::Client::new(config(), 7, transport, Fast(Instant::now())).unwrap();
    let left = Arc::new(AtomicUsize::new(CALLS));
    let threads = (0..64).map(|_| {
        let (client, ends, left) = (client.clone(), ends.clone(), left.clone());
        thread::spawn(move || {
            while left
                .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
                .is_ok()
            {
                let begun = Instant::now();
                let call = std::panic::AssertUnwindSafe(|| client.inquiry("o1".parse().unwrap()));
                match std::panic::catch_unwind(call) {
                    Ok(outcome) => ends.count(&outcome, begun),
                    Err(_) => drop(ends.panicked.fetch_add(1, SeqCst)),
                }
            }
        })
    });
    threads
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    ends.check(&gateway);
}

struct OnTokio(Arc<Gateway>);

#[async_trait]
impl jibit_client::Transport for OnTokio {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (fate, renewing) = self.0.begin(&request);
        tokio::task::yield_now().await;
        drop(renewing);
        self.0.end(fate)
    }
}

#[test]
fn a_thousand_tasks() {
    let (gateway, ends) = (Gateway::new(4), Arc::new(Ends::default()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .unwrap();
    let transport = OnTokio(gateway.clone());
    let client = jibit_client::Client::new(config(), 7, transport, Fast(Instant::now())).unwrap();
    runtime.block_on(async {
        let tasks = (0..1000).map(|_| {
            let (client, ends) = (client.clone(), ends.clone());
            tokio::spawn(async move {
                for n in 0..CALLS / 1000 {
                    let (client, begun) = (client.clone(), Instant::now());
                    let call =
                        tokio::spawn(async move { client.inquiry("o1".parse().unwrap()).await });
                    if n % 25 == 24 {
                        // Given up, sooner or later.
                        tokio::task::yield_now().await;
                        call.abort();
                    }
                    match call.await {
                        Ok(outcome) => ends.count(&outcome, begun),
                        Err(error) if error.is_cancelled() => {
                            ends.given_up.fetch_add(1, SeqCst);
                        }
                        Err(_) => drop(ends.panicked.fetch_add(1, SeqCst)),
                    }
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    ends.check(&gateway);
}
