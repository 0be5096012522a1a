//! The orders in which threads may run, tried out by a model checker: no wake-up
//! is lost, whatever the order. Run by `cargo xtask model`, which sets `--cfg
//! shuttle`; there a thread that parks for ever is a deadlock, and found.
#![cfg(shuttle)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use bytes::Bytes;
use http::{Request, Response};
use jibit_driver::{Answer, Shared, Step, Wake};
use jibit_proto::{Config, Inquiry, Secret, Session, Timestamp};
use shuttle::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

const NOW: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);
const THREADS: usize = 3;

struct Parked(thread::Thread);

impl Wake for Parked {
    fn wake(self) {
        self.0.unpark();
    }
}

type Session3 = Shared<Parked>;

fn shared(slots: usize) -> Arc<Session3> {
    let config = Config::new("https://gateway.example", "7746", Secret::new("123456"));
    let session = Session::new(config.max_in_flight(slots), 7).unwrap();
    Arc::new(Shared::new(session))
}

/// Runs a call as the blocking driver does. Time stands still, so that only a
/// wake-up ends a wait.
fn run(shared: &Session3, send: impl Fn(&Request<Bytes>) -> Answer) -> bool {
    let mut call = shared.begin(Inquiry::new("o1".parse().unwrap()), NOW);
    loop {
        match call.poll(NOW, || Parked(thread::current())) {
            Step::Send(out) => {
                thread::yield_now();
                let answer = send(&out.request);
                thread::yield_now();
                call.receive(answer, NOW);
            }
            Step::Wait(_) => thread::park(),
            Step::Done(outcome) => return outcome.is_ok(),
        }
    }
}

fn answer(request: &Request<Bytes>) -> Answer {
    Ok(Response::new(Bytes::from_static(
        if request.uri().path() == "/authenticate" {
            br#"{"errorCode":0,"result":{"token":"t","refreshToken":"r"}}"#
        } else {
            br#"{"statusV":"PGENTRY","merchantOrderId":"m-1","amount":100}"#
        },
    )))
}

/// Runs so many calls at once on threads of the model.
fn at_once(shared: &Arc<Session3>, call: impl Fn(&Session3) + Send + Sync + 'static) {
    let call = Arc::new(call);
    let threads = (0..THREADS).map(|_| {
        let (shared, call) = (shared.clone(), call.clone());
        thread::spawn(move || call(&shared))
    });
    threads
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

/// Random orders, and those that few preemptions make, which find most mistakes.
fn check(model: impl Fn() + Send + Sync + Copy + 'static) {
    shuttle::check_random(model, 20_000);
    shuttle::check_pct(model, 20_000, 3);
}

#[test]
fn calls_that_wait_for_a_login_are_woken() {
    check(|| {
        let logins = Arc::new(AtomicUsize::new(0));
        let count = logins.clone();
        at_once(&shared(64), move |shared| {
            assert!(run(shared, |request| {
                if request.uri().path() == "/authenticate" {
                    count.fetch_add(1, SeqCst);
                }
                answer(request)
            }));
        });
        assert_eq!(logins.load(SeqCst), 1);
    });
}

#[test]
fn calls_that_wait_for_a_slot_are_woken() {
    check(|| {
        let under_way = Arc::new(AtomicUsize::new(0));
        at_once(&shared(1), move |shared| {
            assert!(run(shared, |request| {
                if request.uri().path() != "/authenticate" {
                    assert_eq!(under_way.fetch_add(1, SeqCst), 0, "two have the one slot");
                    thread::yield_now();
                    under_way.fetch_sub(1, SeqCst);
                }
                answer(request)
            }));
        });
    });
}

#[test]
fn calls_that_wait_for_one_that_panics_are_woken() {
    check(|| {
        let sent = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicUsize::new(0));
        let well = ended.clone();
        at_once(&shared(1), move |shared| {
            let call = AssertUnwindSafe(|| {
                run(shared, |request| {
                    if sent.fetch_add(1, SeqCst) == 0 {
                        resume_unwind(Box::new("a transport's own bug"));
                    }
                    answer(request)
                })
            });
            if let Ok(outcome) = catch_unwind(call) {
                assert!(outcome);
                well.fetch_add(1, SeqCst);
            }
        });
        assert_eq!(ended.load(SeqCst), THREADS - 1);
    });
}
