//! The driver on real threads, over transports of the tests' own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use jibit_blocking::{
    Client, Clock as _, Config, ErrorKind, Expected, OrderId, Secret, SystemClock, Timestamp,
    Transport, Verdict,
};
use jibit_testkit::fakes::{Fake, ManualClock, Said};

const TOKENS: &str = r#"{"errorCode":0,"result":{"token":"t","refreshToken":"r"}}"#;
const REFUSAL: &str = r#"{"errorCode":3}"#;
const PAYMENT: &str = r#"{"statusV":"PGENTRY","merchantOrderId":"m-1","amount":100}"#;

fn client(transport: impl Transport + 'static) -> Client {
    let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
    Client::new(config, 7, transport, SystemClock::new()).unwrap()
}

fn order() -> OrderId {
    "o1".parse().unwrap()
}

/// A hundred inquiries, all begun at once.
fn hundred(client: &Client) -> Vec<Result<(), ErrorKind>> {
    let start = Arc::new(Barrier::new(100));
    let calls = (0..100).map(|_| {
        let (client, start) = (client.clone(), start.clone());
        thread::spawn(move || {
            start.wait();
            client
                .inquiry(order())
                .map(drop)
                .map_err(|error| error.kind())
        })
    });
    let calls = calls.collect::<Vec<_>>();
    calls.into_iter().map(|call| call.join().unwrap()).collect()
}

/// Counts logins and answers them after a while.
fn gateway(login: &'static str) -> (Arc<AtomicU32>, impl Transport) {
    let logins = Arc::new(AtomicU32::new(0));
    let count = logins.clone();
    let transport = move |request: Request<Bytes>, _| {
        thread::sleep(Duration::from_millis(10));
        let body = if request.uri().path() == "/authenticate" {
            count.fetch_add(1, SeqCst);
            login
        } else {
            PAYMENT
        };
        Ok(Response::new(body.into()))
    };
    (logins, transport)
}

#[test]
fn a_hundred_threads_authenticate_once() {
    let (logins, transport) = gateway(TOKENS);
    assert!(hundred(&client(transport)).iter().all(Result::is_ok));
    assert_eq!(logins.load(SeqCst), 1);
}

#[test]
fn a_hundred_threads_with_a_wrong_password_ask_once() {
    let (logins, transport) = gateway(REFUSAL);
    let outcomes = hundred(&client(transport));
    assert_eq!(outcomes, [Err(ErrorKind::Credentials); 100]);
    assert_eq!(logins.load(SeqCst), 1);
}

#[test]
fn a_transport_that_panics_takes_nobody_with_it() {
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_panic) = mpsc::channel::<()>();
    let may_panic = std::sync::Mutex::new(may_panic);
    let logins = Arc::new(AtomicU32::new(0));
    let count = logins.clone();
    let client = client(move |request: Request<Bytes>, _| {
        if request.uri().path() != "/authenticate" {
            return Ok(Response::new(PAYMENT.into()));
        }
        if count.fetch_add(1, SeqCst) == 0 {
            begun.send(()).unwrap();
            may_panic.lock().unwrap().recv().unwrap();
            std::panic::resume_unwind(Box::new("a transport's own bug"));
        }
        Ok(Response::new(TOKENS.into()))
    });
    let leader = thread::spawn({
        let client = client.clone();
        move || catch_unwind(AssertUnwindSafe(|| client.authenticate())).is_err()
    });
    has_begun.recv().unwrap();
    let others = thread::spawn({
        let client = client.clone();
        move || hundred(&client)
    });
    thread::sleep(Duration::from_millis(100));
    assert!(
        !others.is_finished(),
        "they wait for the one that authenticates"
    );
    let begun = Instant::now();
    go_on.send(()).unwrap();
    assert!(others.join().unwrap().iter().all(Result::is_ok));
    assert!(leader.join().unwrap(), "the panic reaches its caller");
    // The lease would hold them for 15 s.
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(logins.load(SeqCst), 2);
}

#[test]
fn a_verify_whose_answer_never_comes_still_ends_paid() {
    let clock = ManualClock::jumping();
    let mut verified = false;
    let gateway = Fake::new(&clock, move |request| {
        let path = request.uri().path();
        if path == "/authenticate" {
            return Said::json(200, TOKENS);
        }
        if path.starts_with("/order/verify/") {
            verified = true;
            return Said::Silence;
        }
        let status = if verified {
            "PURCHASE_CONFIRM_BY_MERCHANT"
        } else {
            "PURCHASE_BY_USER"
        };
        let body = format!(r#"{{"statusV":"{status}","merchantOrderId":"m-1","amount":100}}"#);
        Said::json(200, body)
    });
    let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
    let client = Client::new(config, 7, gateway, clock).unwrap();
    let expected = Expected {
        amount: "100".parse().unwrap(),
        merchant_order_id: "m-1".parse().unwrap(),
    };
    let verdict = client.settle(order(), expected).unwrap();
    assert!(matches!(verdict, Verdict::Paid(_)));
}

#[test]
fn a_waiting_thread_is_told_when_its_time_has_come() {
    // Standing still, so that nothing but `advance` ends the pause.
    let clock = ManualClock::standing();
    let script = [
        Said::json(200, TOKENS),
        Said::json(503, ""),
        Said::json(200, PAYMENT),
    ];
    let gateway = Fake::script(&clock, script);
    let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
    let client = Client::new(config, 7, gateway.clone(), clock.clone()).unwrap();
    let call = thread::spawn(move || client.inquiry(order()));
    while gateway.requests().len() < 2 {
        thread::yield_now();
    }
    thread::sleep(Duration::from_millis(50));
    assert!(!call.is_finished());
    // One of these is after it has parked, and all are before its deadline.
    for _ in 0..20 {
        clock.advance(Duration::from_secs(1));
        thread::sleep(Duration::from_millis(50));
        if call.is_finished() {
            break;
        }
    }
    call.join().unwrap().unwrap();
}

#[test]
fn tokens_go_from_one_client_to_the_next() {
    let (_, transport) = gateway(TOKENS);
    let first = client(transport);
    first.authenticate().unwrap();
    let (logins, transport) = gateway(TOKENS);
    let next = client(transport);
    next.restore_tokens(&first.export_tokens().unwrap())
        .unwrap();
    next.inquiry(order()).unwrap();
    assert_eq!(logins.load(SeqCst), 0);
    assert_eq!(format!("{next:?}"), "Client { .. }");
}

#[test]
fn the_clock_parks_until_the_instant_or_an_unpark() {
    let clock = SystemClock::new();
    let begun = clock.now();
    assert!(begun > Timestamp::from_unix_millis(1_700_000_000_000));
    while clock.now() < begun + Duration::from_millis(20) {
        clock.park_until(begun + Duration::from_millis(20));
    }
    clock.park_until(begun); // past: ends at once
    thread::current().unpark();
    clock.park_until(Timestamp::MAX);
}

#[test]
fn a_client_travels_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Client>();
    shared::<SystemClock>();
}
