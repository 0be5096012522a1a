//! `/_sandbox/…`: what scripts do in place of a customer and of time.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jibit_proto::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Gateway, Order, Refusal, api,
    book::{Account, Wallet},
};
use crate::FaultPlan;

#[derive(Deserialize)]
struct Advance {
    seconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Now {
    unix_millis: u64,
}

#[derive(Deserialize)]
struct Return {
    way: String,
}

#[derive(Deserialize)]
struct Arm {
    plan: String,
}

/// The plan of faults, for scripts.
#[derive(Serialize)]
struct ShownPlan {
    /// What it takes to run it again.
    plan: String,
    /// How many requests each rule has struck.
    struck: Vec<u64>,
}

#[derive(Deserialize)]
struct SetWallet {
    balance: u64,
    #[serde(default)]
    blocked: bool,
}

/// A wallet, for scripts.
#[derive(Serialize)]
struct ShownWallet {
    balance: i128,
    blocked: bool,
}

/// The money, for scripts: in Rial, by account.
#[derive(Serialize)]
struct ShownBook<'a> {
    /// Below zero by what wallets were given.
    issue: i128,
    wallets: BTreeMap<&'a str, i128>,
    escrow: i128,
    merchants: BTreeMap<&'a str, i128>,
    /// What is wrong with it: nothing.
    violations: Vec<String>,
}

/// An order, for scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    order_id: &'a str,
    status: &'a str,
    merchant_order_id: &'a str,
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'a str>,
    return_url: String,
}

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
    let post = request.method() == Method::POST;
    match segments.as_slice() {
        ["clock", "advance"] if post => {
            let advance: Advance =
                serde_json::from_slice(request.body()).map_err(|_| Refusal::Body)?;
            gateway.advance(Duration::from_secs(advance.seconds));
            let unix_millis = gateway.expire(now).as_unix_millis();
            Ok(api::json(StatusCode::OK, &Now { unix_millis }))
        }
        ["orders", id, "pay"] if post => {
            let customer = super::client_ip(request);
            Ok(shown(gateway.pay(id, customer, now)?))
        }
        ["orders", id, "cancel"] if post => Ok(shown(gateway.cancel(id, now)?)),
        ["orders", id, "return"] if post => {
            let asked: Return =
                serde_json::from_slice(request.body()).map_err(|_| Refusal::Body)?;
            let way = asked.way.parse().map_err(|_| Refusal::Body)?;
            Ok(shown(gateway.set_returning(id, way)?))
        }
        ["wallets", mobile] if post => {
            let mobile = api::mobile(mobile)?;
            let set: SetWallet =
                serde_json::from_slice(request.body()).map_err(|_| Refusal::Body)?;
            gateway.set_wallet(mobile, set.balance, set.blocked);
            let Wallet { balance, blocked } = gateway.book.wallet(mobile);
            Ok(api::json(StatusCode::OK, &ShownWallet { balance, blocked }))
        }
        ["faults"] => {
            match *request.method() {
                Method::GET => {}
                Method::POST => {
                    let arm: Arm =
                        serde_json::from_slice(request.body()).map_err(|_| Refusal::Body)?;
                    let plan = arm.plan.parse().map_err(|_| Refusal::Plan)?;
                    gateway.arm(plan, now);
                }
                Method::DELETE => gateway.arm(FaultPlan::default(), now),
                _ => return Err(Refusal::Method),
            }
            let plan = gateway.plan().to_string();
            let struck = gateway.faults.struck().collect();
            Ok(api::json(StatusCode::OK, &ShownPlan { plan, struck }))
        }
        ["book"] if request.method() == Method::GET => {
            gateway.expire(now);
            Ok(api::json(StatusCode::OK, &book(gateway)))
        }
        ["book"]
        | ["clock", "advance"]
        | ["orders", _, "pay" | "cancel" | "return"]
        | ["wallets", _] => Err(Refusal::Method),
        _ => Err(Refusal::NoSuchPath),
    }
}

fn book(gateway: &Gateway) -> ShownBook<'_> {
    let mut shown = ShownBook {
        issue: 0,
        wallets: BTreeMap::new(),
        escrow: 0,
        merchants: BTreeMap::new(),
        violations: gateway.violations(),
    };
    for (account, rial) in gateway.book().balances() {
        match account {
            Account::Issue => shown.issue = rial,
            Account::Escrow => shown.escrow = rial,
            Account::Wallet(mobile) => drop(shown.wallets.insert(mobile, rial)),
            Account::Merchant(id) => drop(shown.merchants.insert(id, rial)),
        }
    }
    shown
}

fn shown(order: &Order) -> Response<Bytes> {
    let shown = Shown {
        order_id: order.id(),
        status: order.state().as_str(),
        merchant_order_id: order.merchant_order_id(),
        amount: order.amount(),
        ref_id: order.ref_id(),
        return_url: order.return_url(),
    };
    api::json(StatusCode::OK, &shown)
}
