//! What scripts send and get, as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::gateway::{Account, Gateway, JournalEntry, Order};

#[derive(Deserialize)]
pub(super) struct Advance {
    pub(super) seconds: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Now {
    pub(super) unix_millis: u64,
}

#[derive(Deserialize)]
pub(super) struct Return {
    pub(super) way: String,
}

#[derive(Deserialize)]
pub(super) struct Arm {
    pub(super) plan: String,
}

#[derive(Serialize)]
pub(super) struct ShownPlan {
    /// What it takes to run it again.
    pub(super) plan: String,
    /// How many requests each rule has struck.
    pub(super) struck: Vec<u64>,
}

#[derive(Deserialize)]
pub(super) struct SetWallet {
    pub(super) balance: u64,
    #[serde(default)]
    pub(super) blocked: bool,
}

#[derive(Serialize)]
pub(super) struct ShownWallet {
    pub(super) balance: i128,
    pub(super) blocked: bool,
}

/// What a test expects; what it leaves out is not looked at.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub(super) struct Expected {
    /// The state of each order.
    pub(super) orders: BTreeMap<String, String>,
    /// How often each operation arrived.
    pub(super) arrived: BTreeMap<String, u64>,
    /// What wallets and merchants hold, in Rial.
    pub(super) wallets: BTreeMap<String, i64>,
    pub(super) merchants: BTreeMap<String, i64>,
}

#[derive(Serialize)]
pub(super) struct Found {
    pub(super) holds: bool,
    pub(super) failures: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ShownJournal<'a> {
    pub(super) entries: Vec<&'a JournalEntry>,
    /// How many older ones were dropped.
    pub(super) dropped: u64,
}

#[derive(Serialize)]
pub(super) struct ShownOrders<'a> {
    pub(super) orders: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    order_id: &'a str,
    status: &'a str,
    merchant_order_id: &'a str,
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'a str>,
    return_url: String,
}

impl<'a> Shown<'a> {
    pub(super) fn of(order: &'a Order) -> Self {
        Self {
            order_id: order.id(),
            status: order.state().as_str(),
            merchant_order_id: order.merchant_order_id(),
            amount: order.amount(),
            ref_id: order.ref_id(),
            return_url: order.return_url(),
        }
    }
}

/// The money, in Rial, by account.
#[derive(Serialize)]
pub(super) struct ShownBook<'a> {
    /// Below zero by what wallets were given.
    issue: i128,
    wallets: BTreeMap<&'a str, i128>,
    escrow: i128,
    merchants: BTreeMap<&'a str, i128>,
    /// What is wrong with it: nothing.
    violations: Vec<String>,
}

impl<'a> ShownBook<'a> {
    pub(super) fn of(gateway: &'a Gateway) -> Self {
        let mut shown = Self {
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
}
