//! Whole calls as transcripts: the session against the sandbox's core, with
//! what each request met.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use jibit_proto::{
    Authenticate, Config, Error, Expected, Initiate, OrderId, Secret, Session, Settle, Timestamp,
    TransportError,
    flow::Flow,
    session::{Answer, Step},
    wire::initiate::{Initiated, NewOrder},
};
use jibit_sandbox::{Fate, Fault, Gateway, Operation, Settings};

/// A shop, its gateway, and what was said between them.
struct Stage {
    session: Session,
    gateway: Gateway,
    now: Timestamp,
    begun: Timestamp,
    said: String,
}

impl Stage {
    fn new() -> Self {
        let config = Config::new("http://127.0.0.1:8090", "7746", Secret::new("123456"));
        let now = Timestamp::from_unix_millis(1_788_220_800_000);
        Self {
            session: Session::new(config, 7).unwrap(),
            gateway: Gateway::new(Settings::default().seed(1397)),
            now,
            begun: now,
            said: String::new(),
        }
    }

    /// Runs a call to its end; nobody else is at work.
    fn run<F: Flow>(&mut self, flow: F) -> F::Output {
        let mut call = self.session.begin(flow, self.now);
        loop {
            match call.poll(&mut self.session, self.now) {
                Step::Send(out) => {
                    let answer = self.send(out.request, out.until);
                    call.receive(&mut self.session, answer, self.now);
                }
                Step::Wait(until) => {
                    self.note(&format!("wait {:?}", until.since(self.now)));
                    self.now = until;
                }
                Step::Done(outcome) => return outcome,
            }
        }
    }

    fn send(&mut self, request: Request<Bytes>, until: Timestamp) -> Answer {
        self.note(&format!("{} {}", request.method(), request.uri().path()));
        let answer = self.gateway.handle(request, self.now);
        self.now = self.now + Duration::from_millis(20);
        let lost = |why: &'static str| Err(TransportError::unknown(why));
        let answer = match answer.fate {
            Fate::Deliver => Ok(answer.response),
            Fate::Hang => {
                self.now = until;
                lost("no answer in time")
            }
            Fate::Cut(_) => lost("the answer ends early"),
            _ => lost("the connection ended"),
        };
        let heard = match &answer {
            Ok(answer) => format!("{} {}", answer.status().as_u16(), shown(answer)),
            Err(error) => format!("nothing: {}", std::error::Error::source(error).unwrap()),
        };
        self.note(&format!("  {heard}"));
        answer
    }

    fn note(&mut self, text: &str) {
        let at = self.now.since(self.begun).as_secs_f64();
        writeln!(self.said, "{at:>7.3}  {text}").unwrap();
    }

    fn initiate(&mut self) -> Result<Initiated, Error> {
        let order = NewOrder::new(
            "125000".parse().unwrap(),
            jibit_proto::CallbackUrl::new("https://shop.example/return").unwrap(),
            "09121234567".parse().unwrap(),
            "order-17-1".parse().unwrap(),
        );
        self.run(Initiate::new(order.unwrap()))
    }

    fn paid(&mut self) -> OrderId {
        let order = self.initiate().unwrap().order_id;
        let pay = Request::post(format!("/_sandbox/orders/{order}/pay")).body(Bytes::new());
        self.gateway.handle(pay.unwrap(), self.now);
        self.note("        the customer pays");
        order
    }

    /// Settles and ends the transcript with the verdict.
    fn settle(mut self, order: OrderId) -> String {
        let expected = Expected {
            amount: "125000".parse().unwrap(),
            merchant_order_id: "order-17-1".parse().unwrap(),
        };
        let verdict = self.run(Settle::new(order, expected)).unwrap();
        self.note(&format!("settled: {}", verdict.as_str()));
        self.said
    }

    fn inject(&mut self, fault: Fault) {
        self.gateway.inject(fault);
    }
}

/// An answer's body, with tokens out of sight.
fn shown(answer: &Response<Bytes>) -> String {
    let body = String::from_utf8_lossy(answer.body());
    let masked = body
        .split('"')
        .map(|piece| if piece.len() > 100 { "[token]" } else { piece });
    masked.collect::<Vec<_>>().join("\"")
}

#[test]
fn a_payment_without_trouble() {
    let mut stage = Stage::new();
    let order = stage.paid();
    insta::assert_snapshot!(stage.settle(order));
}

#[test]
fn the_answer_to_verify_is_lost_after_the_money_was_taken() {
    let mut stage = Stage::new();
    let order = stage.paid();
    stage.inject(Fault::after(Operation::Verify, Fate::Reset));
    insta::assert_snapshot!(stage.settle(order));
}

#[test]
fn verify_never_arrives_and_then_the_look_fails_twice() {
    let mut stage = Stage::new();
    let order = stage.paid();
    stage.inject(Fault::before(Operation::Verify, Fate::Hang));
    // The first inquiry is the look before the verify.
    stage.inject(Fault::after(Operation::Inquiry, Fate::Deliver));
    stage.inject(Fault::status_before(Operation::Inquiry, 502));
    stage.inject(Fault::after(Operation::Inquiry, Fate::Cut(30)));
    insta::assert_snapshot!(stage.settle(order));
}

#[test]
fn the_token_dies_between_look_and_verify() {
    let mut stage = Stage::new();
    let order = stage.paid();
    stage.inject(Fault::status_before(Operation::Verify, 401));
    insta::assert_snapshot!(stage.settle(order));
}

#[test]
fn the_answer_to_refresh_is_lost_and_the_password_takes_over() {
    let mut stage = Stage::new();
    stage.run(Authenticate).unwrap();
    stage.now = stage.now + Duration::from_secs(25 * 3600);
    stage.inject(Fault::after(Operation::Refresh, Fate::Close));
    let order = stage.paid();
    insta::assert_snapshot!(stage.settle(order));
}

#[test]
fn initiate_whose_answer_is_lost_is_not_sent_again() {
    let mut stage = Stage::new();
    stage.inject(Fault::after(Operation::Initiate, Fate::Reset));
    let error = stage.initiate().unwrap_err();
    stage.note(&format!(
        "{error} [{}, {}]",
        error.kind(),
        error.certainty()
    ));
    insta::assert_snapshot!(stage.said);
}
