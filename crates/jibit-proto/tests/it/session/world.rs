//! The scripted gateway, the clock that jumps, and the calls that run under both.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use jibit_proto::flow::Flow;
use jibit_proto::session::{Answer, Exchange, Outgoing, Step};
use jibit_proto::wire::{Operation, initiate::NewOrder};
use jibit_proto::{
    CallbackUrl, Config, Expected, Initiate, Inquiry, Secret, Session, Settle, Timestamp,
    TransportError,
};

pub(super) const START: Timestamp = Timestamp::from_unix_millis(1_800_000_000_000);

pub(super) fn config(password: &str) -> Config {
    Config::new("http://127.0.0.1:8090", "7746", Secret::new(password))
}

pub(super) fn ok(body: impl Into<Bytes>) -> Answer {
    Ok(Response::new(body.into()))
}

pub(super) fn status(code: u16) -> Answer {
    Ok(Response::builder().status(code).body(Bytes::new()).unwrap())
}

pub(super) fn lost() -> Answer {
    Err(TransportError::unknown("reset"))
}

pub(super) fn not_sent() -> Answer {
    Err(TransportError::not_sent("refused"))
}

pub(super) fn tokens(n: u32) -> Answer {
    ok(format!(
        r#"{{"errorCode":0,"result":{{"token":"token-{n}","refreshToken":"refresh-{n}"}}}}"#
    ))
}

pub(super) fn order(status: &str) -> Answer {
    ok(format!(
        r#"{{"statusV":"{status}","merchantOrderId":"m-1","amount":100}}"#
    ))
}

pub(super) fn inquiry() -> Inquiry {
    Inquiry::new("o1".parse().unwrap())
}

pub(super) fn initiate() -> Initiate {
    initiate_as("m-1")
}

pub(super) fn initiate_as(id: &str) -> Initiate {
    let url = CallbackUrl::new("https://shop.example/").unwrap();
    let order = NewOrder::new(
        "100".parse().unwrap(),
        url,
        "09121234567".parse().unwrap(),
        id.parse().unwrap(),
    );
    Initiate::new(order.unwrap())
}

pub(super) fn settle() -> Settle {
    let expected = Expected {
        amount: "100".parse().unwrap(),
        merchant_order_id: "m-1".parse().unwrap(),
    };
    Settle::new("o1".parse().unwrap(), expected)
}

pub(super) fn bearer(request: &Request<Bytes>) -> Option<String> {
    Some(
        request
            .headers()
            .get("authorization")?
            .to_str()
            .unwrap()
            .to_owned(),
    )
}

/// A gateway that hands out numbered tokens and accepts the newest.
#[derive(Default)]
pub(super) struct Gateway {
    pub(super) pairs: u32,
    pub(super) log: Vec<Operation>,
    /// The password is wrong.
    pub(super) refuses: bool,
    pub(super) verified: bool,
}

impl Gateway {
    pub(super) fn handle(&mut self, out: &Outgoing) -> Answer {
        self.log.push(out.operation);
        let renews = matches!(out.operation, Operation::Authenticate | Operation::Refresh);
        if !renews && bearer(&out.request) != Some(format!("Bearer token-{}", self.pairs)) {
            return status(401);
        }
        match out.operation {
            Operation::Authenticate if self.refuses => ok(r#"{"errorCode":3,"message":"wrong"}"#),
            Operation::Authenticate | Operation::Refresh => {
                self.pairs += 1;
                tokens(self.pairs)
            }
            Operation::Inquiry if self.verified => order("PURCHASE_CONFIRM_BY_MERCHANT"),
            Operation::Inquiry => order("PURCHASE_BY_USER"),
            Operation::Verify => {
                self.verified = true;
                ok(r#"{"errorCode":0,"result":{"merchantOrderId":"m-1","amount":100}}"#)
            }
            Operation::Initiate => {
                let order: serde_json::Value = serde_json::from_slice(out.request.body()).unwrap();
                let id = &order["merchantOrderId"];
                ok(format!(
                    r#"{{"errorCode":0,"result":{{"orderId":"o1","merchantOrderId":{id},"redirectUrl":"https://a/"}}}}"#
                ))
            }
        }
    }

    pub(super) fn count(&self, operation: Operation) -> usize {
        self.log
            .iter()
            .filter(|logged| **logged == operation)
            .count()
    }
}

/// A driver of many calls: one answer at a time, the oldest first; when all
/// wait, the clock jumps to the next instant that anybody waits for.
pub(super) struct World<F: Flow> {
    pub(super) session: Session,
    pub(super) now: Timestamp,
    pub(super) calls: Vec<Option<Exchange<F>>>,
    pub(super) in_flight: Vec<(usize, Outgoing)>,
    pub(super) outcomes: BTreeMap<usize, (F::Output, Timestamp)>,
    pub(super) most_in_flight: usize,
}

impl<F: Flow> World<F> {
    pub(super) fn new(
        mut session: Session,
        flows: impl IntoIterator<Item = F>,
        now: Timestamp,
    ) -> Self {
        let calls = flows
            .into_iter()
            .map(|flow| Some(session.begin(flow, now)))
            .collect();
        let (in_flight, outcomes) = (Vec::new(), BTreeMap::new());
        Self {
            session,
            now,
            calls,
            in_flight,
            outcomes,
            most_in_flight: 0,
        }
    }

    /// Polls the call; the instant that it waits for.
    pub(super) fn poll(&mut self, n: usize) -> Timestamp {
        let Some(call) = &mut self.calls[n] else {
            return Timestamp::MAX;
        };
        match call.poll(&mut self.session, self.now) {
            Step::Send(out) => {
                assert!(
                    !self.in_flight.iter().any(|(m, _)| *m == n),
                    "two requests of one call"
                );
                let renewal = |out: &Outgoing| {
                    matches!(out.operation, Operation::Authenticate | Operation::Refresh)
                };
                assert!(
                    !renewal(&out) || !self.in_flight.iter().any(|(_, out)| renewal(out)),
                    "S12: two renewals"
                );
                self.in_flight.push((n, out));
                self.most_in_flight = self.most_in_flight.max(self.in_flight.len());
                Timestamp::MAX
            }
            Step::Wait(until) => until,
            Step::Done(outcome) => {
                self.calls[n] = None;
                self.outcomes.insert(n, (outcome, self.now));
                Timestamp::MAX
            }
        }
    }

    /// Polls only what the session woke: what a driver with exact wake-ups does.
    pub(super) fn poll_woken(&mut self) {
        while let Some(id) = self.session.take_woken() {
            let is = |call: &Option<Exchange<F>>| call.as_ref().map(Exchange::id) == Some(id);
            if let Some(n) = self.calls.iter().position(is) {
                self.poll(n);
            }
        }
    }

    pub(super) fn run(&mut self, mut answer: impl FnMut(&Outgoing) -> Answer) {
        let mut waits: Vec<_> = (0..self.calls.len()).map(|n| self.poll(n)).collect();
        for _ in 0..100_000 {
            self.poll_woken();
            if self.in_flight.is_empty() {
                if self.calls.iter().all(Option::is_none) {
                    return;
                }
                waits = (0..self.calls.len()).map(|n| self.poll(n)).collect();
                self.poll_woken();
                let next = waits.iter().min().copied().unwrap();
                if self.in_flight.is_empty() && self.calls.iter().any(Option::is_some) {
                    assert!(next < Timestamp::MAX, "somebody waits for nothing");
                    self.now = self.now.max(next);
                    for n in 0..self.calls.len() {
                        self.poll(n);
                    }
                }
                continue;
            }
            let (n, out) = self.in_flight.remove(0);
            let answer = answer(&out);
            self.now = self.now + Duration::from_millis(20);
            self.calls[n]
                .as_mut()
                .unwrap()
                .receive(&mut self.session, answer, self.now);
            self.poll(n);
        }
        panic!("no end; the last waits: {waits:?}");
    }

    pub(super) fn outcome(mut self) -> (Session, F::Output) {
        (self.session, self.outcomes.remove(&0).unwrap().0)
    }
}

pub(super) fn session() -> Session {
    Session::new(config("123456"), 7).unwrap()
}

/// One call to its end.
pub(super) fn one<F: Flow>(
    session: Session,
    flow: F,
    now: Timestamp,
    answer: impl FnMut(&Outgoing) -> Answer,
) -> (Session, F::Output) {
    let mut world = World::new(session, [flow], now);
    world.run(answer);
    world.outcome()
}

pub(super) fn send<F: Flow>(
    call: &mut Exchange<F>,
    session: &mut Session,
    now: Timestamp,
) -> Outgoing {
    match call.poll(session, now) {
        Step::Send(out) => out,
        Step::Wait(until) => panic!("waits until {until:?}"),
        Step::Done(_) => panic!("done"),
    }
}
