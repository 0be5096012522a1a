//! The core alone, over `std::net`: no driver, no runtime, no HTTP library. With
//! `jibit sandbox` running: `cargo run -p jibit-proto --example by_hand http://127.0.0.1:8090`

use std::{env, error::Error, io, io::prelude::*, net::TcpStream, thread::sleep, time::*};

use jibit_proto::{flow::Flow, session::*, wire::initiate::NewOrder, *};

/// Polls a call until it is done: all that a driver of one call at a time does.
fn run<F: Flow>(session: &mut Session, flow: F) -> F::Output {
    let mut call = session.begin(flow, now());
    loop {
        match call.poll(session, now()) {
            Step::Send(out) => call.receive(session, send(&out), now()),
            Step::Wait(until) => sleep(until.since(now())),
            Step::Done(outcome) => return outcome,
        }
    }
}

fn now() -> Timestamp {
    Timestamp::default() + UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Sends a request on a connection of its own, in plain http.
fn send(Outgoing { request, until, .. }: &Outgoing) -> Answer {
    let (url, body) = (request.uri().to_string(), request.body());
    let plain = url.strip_prefix("http://").unwrap_or_default(); // https goes nowhere
    let (host, path) = plain.split_once('/').unwrap_or_default();
    let mut head = format!("{} /{path} HTTP/1.0\r\n", request.method());
    head += &format!("host: {host}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    let mut wire = TcpStream::connect(host).map_err(TransportError::not_sent)?;
    let limit = wire.set_read_timeout(Some(until.since(now())));
    limit.map_err(TransportError::not_sent)?; // from here on it may have arrived
    let mut answer = String::new();
    wire.write_all(&[head.as_bytes(), b"\r\n", body].concat())
        .and_then(|()| wire.take(64 * 1024).read_to_string(&mut answer))
        .and_then(|_| parse(&answer).ok_or(io::ErrorKind::InvalidData.into()))
        .map_err(TransportError::unknown)
}

fn parse(answer: &str) -> Option<http::Response<bytes::Bytes>> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let head = head.to_lowercase();
    let length = head.split_once("content-length: ")?.1.lines().next()?;
    let whole = length.parse() == Ok(body.len());
    let answer = http::Response::builder().status(head.split(' ').nth(1)?);
    answer.body(body.to_owned().into()).ok().filter(|_| whole)
}

/// Registers an order, shows where to pay, and asks until the answer is final.
pub(crate) fn pay(gateway: &str, show: impl FnOnce(&str)) -> Result<Verdict, Box<dyn Error>> {
    let config = Config::new(gateway, "7746", Secret::new("123456"));
    let mut session = Session::new(config, 7)?;
    let expected = Expected {
        amount: Toman::new(12_500)?.to_rial()?,
        merchant_order_id: "by-hand-1".parse()?,
    };
    let (amount, id) = (expected.amount, expected.merchant_order_id.clone());
    let callback = CallbackUrl::new("https://shop.example/return")?;
    let order = NewOrder::new(amount, callback, "09121234567".parse()?, id)?;
    let initiated = run(&mut session, Initiate::new(order))?;
    show(initiated.redirect_url.as_str());
    loop {
        let settle = Settle::new(initiated.order_id.clone(), expected.clone());
        match run(&mut session, settle)? {
            Verdict::Pending(_) | Verdict::Undetermined { .. } => sleep(Duration::from_secs(1)),
            verdict => return Ok(verdict),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let gateway = env::args().nth(1).ok_or("give the gateway's URL")?;
    println!("{:?}", pay(&gateway, |link| println!("pay at {link}"))?);
    Ok(())
}
