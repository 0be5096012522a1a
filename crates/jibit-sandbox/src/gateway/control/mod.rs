//! `/_sandbox/…`: what scripts do in place of a customer and of time, and what
//! they see. `openapi.json` describes it, and the five operations besides.

mod shapes;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jibit_proto::Timestamp;
use serde::de::DeserializeOwned;

use super::{Gateway, Order, Refusal, api, book::Account, dashboard, html};
use crate::{FaultPlan, Operation};
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
    handle(gateway, path, request, now).unwrap_or_else(api::refuse)
}

fn handle(
    gateway: &mut Gateway,
    path: &str,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Result<Response<Bytes>, Refusal> {
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
            let advance: Advance = body(request)?;
            gateway.advance(Duration::from_secs(advance.seconds));
            Ok(clock(gateway, now))
        }
        ["orders"] if method == get => {
            gateway.catch_up(now);
            orders(gateway, request.uri().query())
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
            let asked: Return = body(request)?;
            let way = asked.way.parse().map_err(|_| Refusal::Body)?;
            Ok(shown(gateway.set_returning(id, way)?))
        }
        ["wallets", mobile] if method == get => {
            gateway.catch_up(now);
            Ok(wallet(gateway, api::mobile(mobile)?))
        }
        ["wallets", mobile] if method == post => {
            let mobile = api::mobile(mobile)?;
            let set: SetWallet = body(request)?;
            gateway.set_wallet(mobile, set.balance, set.blocked);
            Ok(wallet(gateway, mobile))
        }
        ["faults"] if method == get => Ok(faults(gateway)),
        ["faults"] if method == post => {
            let arm: Arm = body(request)?;
            gateway.arm(arm.plan.parse().map_err(|_| Refusal::Plan)?, now);
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
            let expected: Expected = body(request)?;
            gateway.catch_up(now);
            Ok(found(gateway, &expected))
        }
        ["reset"] if method == post => {
            gateway.reset();
            Ok(clock(gateway, now))
        }
        [
            "" | "events" | "openapi.json" | "orders" | "faults" | "book" | "journal" | "assert"
            | "reset" | "clock",
        ]
        | ["clock", "advance"]
        | ["orders", _]
        | ["orders", _, "pay" | "cancel" | "expire" | "return"]
        | ["wallets", _] => Err(Refusal::Method),
        _ => Err(Refusal::NoSuchPath),
    }
}

fn body<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body()).map_err(|_| Refusal::Body)
}

fn clock(gateway: &mut Gateway, now: Timestamp) -> Response<Bytes> {
    let unix_millis = gateway.catch_up(now).as_unix_millis();
    api::json(StatusCode::OK, &Now { unix_millis })
}

/// The orders, the latest first.
fn orders(gateway: &Gateway, query: Option<&str>) -> Result<Response<Bytes>, Refusal> {
    let limit = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(key, _)| key == "limit")
        .map(|(_, value)| value.parse().map_err(|_| Refusal::Body));
    let limit: usize = limit.transpose()?.unwrap_or(MAX_LIST);
    let latest = gateway.orders.all().rev().take(limit.min(MAX_LIST));
    let orders = ShownOrders {
        orders: latest.map(Shown::of).collect(),
    };
    Ok(api::json(StatusCode::OK, &orders))
}

fn shown(order: &Order) -> Response<Bytes> {
    api::json(StatusCode::OK, &Shown::of(order))
}

fn wallet(gateway: &mut Gateway, mobile: &str) -> Response<Bytes> {
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
