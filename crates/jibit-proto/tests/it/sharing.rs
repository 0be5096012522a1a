//! Several processes that share tokens by a store: sessions, calls, deaths, a
//! store that fails, in any order.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use http::Response;
use jibit_proto::{
    Authenticate, Config, Error, Inquiry, Secret, Session, Timestamp, TransportError,
    session::{Exchange, Outgoing, Step, StoreStep, Stored},
    wire::{Operation, inquiry::Inquired},
};
use proptest::{collection, prelude::*};
use serde_json::Value;

const START: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

type Call = Exchange<Inquiry>;

/// One process: a session, and one call at a time.
struct Process {
    session: Session,
    call: Option<Call>,
    /// What is on the wire.
    sent: Option<Outgoing>,
    deadline: Timestamp,
}

impl Process {
    fn new() -> Self {
        let config = Config::new("https://gateway.example", "7746", Secret::new("123456"));
        let mut session = Session::new(config, 7).unwrap();
        session.share_tokens();
        Self {
            session,
            call: None,
            sent: None,
            deadline: START,
        }
    }

    fn renews(&self) -> bool {
        self.sent.as_ref().is_some_and(|out| {
            matches!(out.operation, Operation::Authenticate | Operation::Refresh)
        })
    }
}

struct World {
    processes: Vec<Process>,
    now: Timestamp,
    saved: Option<Secret>,
    /// Which process has the store's right.
    holder: Option<usize>,
    held_since: Timestamp,
    store_works: bool,
    /// Since then two processes may renew at once; no refresh token goes twice
    /// all the same.
    has_failed: bool,
    /// The token that the gateway accepts: a login ends the older ones.
    token: u32,
    logins: u32,
    spent: BTreeSet<String>,
}

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Op {
    /// A process goes on with its call, or begins one.
    Go(usize),
    /// The answer to what a process sent comes, or is lost.
    Answer(usize, bool),
    Die(usize),
    TokenDies,
    Pass(u64),
    Store(bool),
    /// What is stored is gone, or damaged.
    Lose(bool),
}

impl World {
    fn new(processes: usize) -> Self {
        Self {
            processes: (0..processes).map(|_| Process::new()).collect(),
            now: START,
            saved: None,
            holder: None,
            held_since: START,
            store_works: true,
            has_failed: false,
            token: 0,
            logins: 0,
            spent: BTreeSet::new(),
        }
    }

    fn run(&mut self, op: Op) {
        let count = self.processes.len();
        match op {
            Op::Go(n) => self.go(n % count),
            Op::Answer(n, lost) => self.answer(n % count, lost),
            Op::Die(n) => {
                let n = n % count;
                self.processes[n] = Process::new();
                self.holder = self.holder.filter(|holder| *holder != n);
            }
            Op::TokenDies => self.token += 1000,
            Op::Pass(millis) => self.now = self.now + Duration::from_millis(millis),
            Op::Lose(damaged) => self.saved = damaged.then(|| Secret::new("damaged")),
            Op::Store(works) => {
                self.store_works = works;
                self.has_failed |= !works;
            }
        }
        // Drivers give up when an attempt's time is over.
        for n in 0..count {
            let sent = self.processes[n].sent.as_ref();
            if sent.is_some_and(|out| self.now >= out.until) {
                self.answer(n, true);
            }
        }
        let renewing = self.processes.iter().filter(|process| process.renews());
        assert!(
            renewing.count() <= 1 || self.has_failed,
            "two processes renew at once"
        );
    }

    fn go(&mut self, n: usize) {
        let process = &mut self.processes[n];
        if process.sent.is_some() {
            return;
        }
        let call = process.call.get_or_insert_with(|| {
            process.deadline = self.now + Duration::from_secs(30);
            process
                .session
                .begin(Inquiry::new("o1".parse().unwrap()), self.now)
        });
        match call.poll(&mut process.session, self.now) {
            Step::Send(out) => process.sent = Some(out),
            Step::Done(outcome) => self.done(n, outcome),
            Step::Wait(until) => {
                assert!(
                    until > self.now || call.has_store_step(),
                    "waits for the past"
                );
                if let Some(step) = call.take_store_step(&process.session) {
                    let stored = self.store(n, step);
                    let Process { session, call, .. } = &mut self.processes[n];
                    call.as_mut().unwrap().stored(session, stored, self.now);
                }
            }
        }
    }

    fn store(&mut self, n: usize, step: StoreStep) -> Stored {
        if !self.store_works {
            self.holder = self.holder.filter(|holder| *holder != n);
            return Stored::Failed;
        }
        match step {
            StoreStep::Claim { .. } if self.holder.is_none() => {
                self.holder = Some(n);
                self.held_since = self.now;
                Stored::Claimed(self.saved.clone())
            }
            // A store waits for nobody's right longer than its lease.
            StoreStep::Claim { lease } if self.now.since(self.held_since) > lease => {
                self.has_failed = true;
                Stored::Failed
            }
            StoreStep::Claim { .. } => Stored::Busy(self.saved.clone()),
            // Without the right, as after a failure, nothing is written.
            _ if self.holder != Some(n) => Stored::Failed,
            StoreStep::Write(saved) => {
                self.saved = Some(saved);
                Stored::Done
            }
            _ => {
                self.holder = None;
                Stored::Done
            }
        }
    }

    fn answer(&mut self, n: usize, lost: bool) {
        let Some(out) = self.processes[n].sent.take() else {
            return;
        };
        let body = match out.operation {
            Operation::Authenticate => self.pair(),
            Operation::Refresh => {
                let request: Value = serde_json::from_slice(out.request.body()).unwrap();
                let refresh = request["refreshToken"].as_str().unwrap().to_owned();
                assert!(self.spent.insert(refresh), "a refresh token is sent twice");
                self.pair()
            }
            _ if out.request.headers()["authorization"] == format!("Bearer t{}", self.token) => {
                r#"{"statusV":"PGENTRY","merchantOrderId":"m","amount":1}"#.to_owned()
            }
            _ => r#"{"errorCode":401}"#.to_owned(),
        };
        let answer = if lost {
            Err(TransportError::unknown("lost"))
        } else {
            Ok(Response::new(Bytes::from(body)))
        };
        let Process { session, call, .. } = &mut self.processes[n];
        call.as_mut().unwrap().receive(session, answer, self.now);
    }

    fn pair(&mut self) -> String {
        self.logins += 1;
        self.token = self.token / 1000 * 1000 + self.logins;
        let n = self.token;
        format!(r#"{{"errorCode":0,"result":{{"token":"t{n}","refreshToken":"r{n}"}}}}"#)
    }

    fn done(&mut self, n: usize, _: Result<Inquired, Error>) {
        let process = &mut self.processes[n];
        process.call = None;
    }
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0..4_usize).prop_map(Op::Go),
        8 => ((0..4_usize), prop::bool::weighted(0.2)).prop_map(|(n, lost)| Op::Answer(n, lost)),
        1 => (0..4_usize).prop_map(Op::Die),
        1 => Just(Op::TokenDies),
        1 => any::<bool>().prop_map(Op::Lose),
        4 => (1..9_000_u64).prop_map(Op::Pass),
    ]
}

fn any_op_with_a_failing_store() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => any_op(),
        1 => any::<bool>().prop_map(Op::Store),
    ]
}

proptest! {
    #[test]
    fn one_process_renews_at_a_time(ops in collection::vec(any_op(), 0..200)) {
        let mut world = World::new(4);
        for op in ops {
            world.run(op);
        }
        finish(&mut world);
    }

    #[test]
    fn a_store_that_fails_stops_nobody(
        ops in collection::vec(any_op_with_a_failing_store(), 0..200),
    ) {
        let mut world = World::new(3);
        for op in ops {
            world.run(op);
        }
        finish(&mut world);
    }
}

/// Lets every call come to its end, and sees that it does by its deadline.
fn finish(world: &mut World) {
    for _ in 0..4_000 {
        for n in 0..world.processes.len() {
            world.answer(n, false);
            if world.processes[n].call.is_some() {
                world.go(n);
            }
        }
        world.now = world.now + Duration::from_millis(50);
    }
    for process in &world.processes {
        assert!(process.call.is_none(), "a call does not end");
    }
}

/// Goes on until something is so, which it must be before long.
fn until(world: &mut World, is_so: impl Fn(&mut World) -> bool) {
    assert!((0..100).any(|_| is_so(world)));
}

#[test]
fn a_second_process_takes_up_what_the_first_got() {
    let mut world = World::new(2);
    for _ in 0..20 {
        world.go(0);
        world.answer(0, false);
    }
    assert_eq!(world.logins, 1);
    for _ in 0..20 {
        world.go(1);
        world.answer(1, false);
    }
    assert_eq!(world.logins, 1);
}

#[test]
fn a_refresh_that_a_dead_process_sent_is_not_sent_again() {
    let mut world = World::new(2);
    for _ in 0..20 {
        world.go(0);
        world.answer(0, false);
    }
    // Near its end: the first process refreshes and dies with it on the wire.
    world.now = world.now + Duration::from_secs(23 * 3600 - 60);
    until(&mut world, |world| {
        world.go(0);
        world.processes[0].renews()
    });
    assert_eq!(
        world.processes[0].sent.as_ref().unwrap().operation,
        Operation::Refresh
    );
    world.run(Op::Answer(0, true));
    world.run(Op::Die(0));
    until(&mut world, |world| {
        world.answer(1, false);
        world.go(1);
        world.processes[1].renews()
    });
    let sent = world.processes[1].sent.as_ref().unwrap().operation;
    assert_eq!(sent, Operation::Authenticate);
}

#[test]
fn authenticate_asks_the_gateway_though_tokens_are_stored() {
    let mut world = World::new(1);
    for _ in 0..10 {
        world.go(0);
        world.answer(0, false);
    }
    let mut session = Process::new().session;
    let mut call = session.begin(Authenticate, world.now);
    let out = loop {
        match call.poll(&mut session, world.now) {
            Step::Send(out) => break out,
            Step::Wait(_) => {
                let step = call.take_store_step(&session).unwrap();
                let stored = world.store(0, step);
                call.stored(&mut session, stored, world.now);
            }
            Step::Done(_) => panic!("it asked nobody"),
        }
    };
    assert_eq!(out.operation, Operation::Authenticate);
}

#[test]
fn damaged_tokens_are_passed_over_with_an_alarm() {
    let mut world = World::new(1);
    world.saved = Some(Secret::new("damaged"));
    for _ in 0..10 {
        world.go(0);
        world.answer(0, false);
    }
    assert_eq!(world.logins, 1);
    let alarm = world.processes[0].session.take_alarm();
    assert_eq!(format!("{alarm:?}"), "Some(StoredTokensUnusable)");
}

#[test]
fn tokens_of_the_old_password_are_not_taken_up_again() {
    let mut world = World::new(2);
    for _ in 0..20 {
        world.go(0);
        world.answer(0, false);
    }
    world.processes[1]
        .session
        .set_password(Secret::new("another"));
    until(&mut world, |world| {
        world.answer(1, false);
        world.go(1);
        world.processes[1].renews()
    });
    let sent = world.processes[1].sent.as_ref().unwrap().operation;
    assert_eq!(sent, Operation::Authenticate);
}
