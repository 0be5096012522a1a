//! `/_sandbox/…`: what scripts do in place of a customer and of time, and what
//! they see. `openapi.json` describes it, and the five operations besides.

mod shapes;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jibit_proto::Timestamp;

use super::{Gateway, Order, Refusal, api, book::Account, dashboard, html};
use crate::{FaultPlan, Operation, PlanError, mobile::Mobile};
use shapes::{
    Advance, Arm, Expected, Found, Now, Return, SetWallet, Shown, ShownBook, ShownJournal,
    ShownOrders, ShownPlan, ShownWallet,
};

/// How many orders a list holds at most, and if nobody says how many.
const MAX_LIST: usize = 1_000;

pub(super) fn answer(
    gateway: &mut Gateway,
    path: &str,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Response<Bytes> {
    handle(gateway, path, request, now).unwrap_or_else(|wrong| match wrong {
        Wrong::Refused(refusal) => api::refuse(refusal),
        Wrong::Body(error) => {
            let message = format!("the body is not what this takes: {error}");
            api::refuse_saying(Refusal::Body, message)
        }
        Wrong::Plan(error) => {
            api::refuse_saying(Refusal::Plan, format!("{}: {error}", Refusal::Plan))
        }
    })
}

/// What is wrong with a request, said in full: here it is a developer who reads.
enum Wrong {
    Refused(Refusal),
    Body(serde_json::Error),
    Plan(PlanError),
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<serde_json::Error> for Wrong {
    fn from(error: serde_json::Error) -> Self {
        Self::Body(error)
    }
}

impl From<PlanError> for Wrong {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

fn handle(
    gateway: &mut Gateway,
    path: &str,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Result<Response<Bytes>, Wrong> {
    let segments: Vec<&str> = path.split('/').collect();
    let (get, post) = (&Method::GET, &Method::POST);
    let method = request.method();
    match segments.as_slice() {
        [""] if method == get => Ok(dashboard::page(gateway, now)),
        ["events"] if method == get => Ok(html::content("text/event-stream", "retry: 1000\n\n")),
        ["openapi.json"] if method == get => Ok(html::content(
            "application/json",
            &include_bytes!("openapi.json")[..],
        )),
        ["clock"] if method == get => Ok(clock(gateway, now)),
        ["clock", "advance"] if method == post => {
            let advance: Advance = api::object(request)?;
            gateway.advance(Duration::from_secs(advance.seconds));
            Ok(clock(gateway, now))
        }
        ["orders"] if method == get => {
            gateway.catch_up(now);
            Ok(orders(gateway, limit(request.uri().query())?))
        }
        ["orders", id] if method == get => {
            gateway.catch_up(now);
            Ok(shown(gateway.orders.get(id)?))
        }
        ["orders", id, "pay"] if method == post => {
            let customer = super::client_ip(request);
            Ok(shown(gateway.pay(id, customer, now)?))
        }
        ["orders", id, "cancel"] if method == post => Ok(shown(gateway.cancel(id, now)?)),
        ["orders", id, "expire"] if method == post => Ok(shown(gateway.expire(id, now)?)),
        ["orders", id, "return"] if method == post => {
            let asked: Return = api::object(request)?;
            Ok(shown(gateway.set_returning(id, asked.way.0)?))
        }
        ["wallets", mobile] if method == get => {
            gateway.catch_up(now);
            Ok(wallet(gateway, mobile.parse()?))
        }
        ["wallets", mobile] if method == post => {
            let set: SetWallet = api::object(request)?;
            gateway.set_wallet(mobile, set.balance, set.blocked)?;
            Ok(wallet(gateway, mobile.parse()?))
        }
        ["faults"] if method == get => Ok(faults(gateway)),
        ["faults"] if method == post => {
            let arm: Arm = api::object(request)?;
            gateway.arm(arm.plan.parse()?, now);
            Ok(faults(gateway))
        }
        ["faults"] if method == Method::DELETE => {
            gateway.arm(FaultPlan::default(), now);
            Ok(faults(gateway))
        }
        ["book"] if method == get => {
            gateway.catch_up(now);
            Ok(api::json(StatusCode::OK, &ShownBook::of(gateway)))
        }
        ["journal"] if method == get => {
            let journal = ShownJournal {
                entries: gateway.journal().collect(),
                dropped: gateway.journal.dropped(),
            };
            Ok(api::json(StatusCode::OK, &journal))
        }
        ["assert"] if method == post => {
            let expected: Expected = api::object(request)?;
            gateway.catch_up(now);
            Ok(found(gateway, &expected))
        }
        ["reset"] if method == post => {
            gateway.reset();
            Ok(clock(gateway, now))
        }
        _ => Err(unserved(&segments).into()),
    }
}

/// Why a request with another method than those of its path is refused.
fn unserved(segments: &[&str]) -> Refusal {
    match segments {
        ["" | "events" | "openapi.json" | "orders" | "book" | "journal" | "clock"]
        | ["orders", _] => Refusal::Method("GET"),
        ["clock", "advance"]
        | ["orders", _, "pay" | "cancel" | "expire" | "return"]
        | ["assert" | "reset"] => Refusal::Method("POST"),
        ["wallets", _] => Refusal::Method("GET, POST"),
        ["faults"] => Refusal::Method("GET, POST, DELETE"),
        _ => Refusal::NoSuchPath,
    }
}

fn clock(gateway: &mut Gateway, now: Timestamp) -> Response<Bytes> {
    let unix_millis = gateway.catch_up(now).as_unix_millis();
    api::json(StatusCode::OK, &Now { unix_millis })
}

/// How many orders a query asks for.
fn limit(query: Option<&str>) -> Result<usize, Refusal> {
    let limit = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(key, _)| key == "limit")
        .map(|(_, value)| value.parse().ok().filter(|limit| *limit <= MAX_LIST));
    match limit {
        None => Ok(MAX_LIST),
        Some(limit) => limit.ok_or(Refusal::Limit),
    }
}

/// The orders, the latest first.
fn orders(gateway: &Gateway, limit: usize) -> Response<Bytes> {
    let latest = gateway.orders.all().rev().take(limit);
    let orders = ShownOrders {
        orders: latest.map(Shown::of).collect(),
    };
    api::json(StatusCode::OK, &orders)
}

fn shown(order: &Order) -> Response<Bytes> {
    api::json(StatusCode::OK, &Shown::of(order))
}

fn wallet(gateway: &Gateway, mobile: Mobile) -> Response<Bytes> {
    let wallet = gateway.book.wallet(mobile);
    let shown = ShownWallet {
        balance: wallet.balance,
        blocked: wallet.blocked,
    };
    api::json(StatusCode::OK, &shown)
}

fn faults(gateway: &Gateway) -> Response<Bytes> {
    let shown = ShownPlan {
        plan: gateway.plan().to_string(),
        struck: gateway.faults.struck().collect(),
    };
    api::json(StatusCode::OK, &shown)
}

/// Holds what a test expects against what is so.
fn found(gateway: &Gateway, expected: &Expected) -> Response<Bytes> {
    let mut failures = Vec::new();
    let mut expect = |what: String, is: &str, should: &str| {
        if is != should {
            failures.push(format!("{what} is {is}, and should be {should}"));
        }
    };
    for (id, status) in &expected.orders {
        let order = gateway.order(id);
        let is = order.map_or("unknown", |order| order.state().as_str());
        expect(format!("order {id}"), is, status);
    }
    for (name, times) in &expected.arrived {
        let operation = Operation::ALL
            .iter()
            .find(|operation| operation.as_str() == name);
        let is = operation.map(|operation| gateway.arrived(*operation).to_string());
        let is = is.as_deref().unwrap_or("no operation");
        expect(format!("the count of {name}"), is, &times.to_string());
    }
    for (mobile, rial) in &expected.wallets {
        let is = gateway.book().balance(&Account::Wallet(mobile.clone()));
        expect("a wallet".to_owned(), &is.to_string(), &rial.to_string());
    }
    for (id, rial) in &expected.merchants {
        let is = gateway.book().balance(&Account::Merchant(id.clone()));
        expect(format!("merchant {id}"), &is.to_string(), &rial.to_string());
    }
    failures.extend(gateway.violations());
    let holds = failures.is_empty();
    let status = if holds {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    api::json(status, &Found { holds, failures })
}
