//! How orders look to a shop.

use std::time::{SystemTime, UNIX_EPOCH};

use jibit_checkout as checkout;
use jibit_checkout::{Entry, OrderNumber, State};
use jibit_proto::{RefId, Timestamp};
use serde::Serialize;

/// An order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order<'a> {
    number: &'a str,
    /// In Rial.
    amount: u64,
    standing: &'static str,
    /// The gateway's reference of the payment, if it is paid and the gateway gave one.
    ref_id: Option<&'a str>,
    created_at: String,
    withdrawn_at: Option<String>,
    attempts: Vec<Attempt<'a>>,
}

/// An attempt. Its code is nobody's business.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attempt<'a> {
    number: u32,
    state: &'static str,
    alarms: Vec<&'static str>,
    order_id: Option<&'a str>,
    ref_id: Option<&'a str>,
    mobile_end: &'a str,
    created_at: String,
    paid_at: Option<String>,
}

impl<'a> From<&'a checkout::Order> for Order<'a> {
    fn from(order: &'a checkout::Order) -> Self {
        let mut attempts = order.attempts.iter();
        let paid = attempts.find(|attempt| attempt.state == State::Paid);
        Self {
            number: order.number.as_str(),
            amount: order.amount.get(),
            standing: order.standing().as_str(),
            ref_id: paid
                .and_then(|paid| paid.ref_id.as_ref())
                .map(RefId::as_str),
            created_at: utc(order.created_at),
            withdrawn_at: order.withdrawn_at.map(utc),
            attempts: order.attempts.iter().map(Attempt::from).collect(),
        }
    }
}

impl<'a> From<&'a checkout::Attempt> for Attempt<'a> {
    fn from(attempt: &'a checkout::Attempt) -> Self {
        Self {
            number: attempt.number,
            state: attempt.state.as_str(),
            alarms: attempt.alarms.iter().map(|it| it.as_str()).collect(),
            order_id: attempt.order_id.as_ref().map(|id| id.as_str()),
            ref_id: attempt.ref_id.as_ref().map(RefId::as_str),
            mobile_end: &attempt.mobile_end,
            created_at: utc(attempt.created_at),
            paid_at: attempt.paid_at.map(utc),
        }
    }
}

/// An order with what happened to it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    pub(super) order: Order<'a>,
    /// Whether the shop said that it has fulfilled it.
    fulfilled: bool,
    timeline: Vec<Line<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    at: String,
    attempt: Option<u32>,
    state: Option<&'static str>,
    text: &'a str,
}

impl<'a> Told<'a> {
    pub(super) fn new(order: &'a checkout::Order, timeline: &'a [Entry]) -> Self {
        let lines = timeline.iter().map(|entry| Line {
            at: utc(entry.at),
            attempt: entry.attempt,
            state: entry.state.map(State::as_str),
            text: &entry.text,
        });
        Self {
            order: order.into(),
            fulfilled: timeline.iter().any(|entry| entry.text == Entry::FULFILLED),
            timeline: lines.collect(),
        }
    }
}

/// Where a customer is to be sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Started<'a> {
    pub(super) number: &'a str,
    pub(super) amount: u64,
    pub(super) attempt: u32,
    pub(super) redirect_url: &'a str,
}

/// What an order that a customer came back for comes to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Returned<'a> {
    number: &'a str,
    amount: u64,
    standing: &'static str,
    ref_id: Option<&'a str>,
}

impl<'a> From<&'a checkout::Returned> for Returned<'a> {
    fn from(returned: &'a checkout::Returned) -> Self {
        Self {
            number: returned.number.as_str(),
            amount: returned.amount.get(),
            standing: returned.standing.as_str(),
            ref_id: returned.ref_id.as_ref().map(RefId::as_str),
        }
    }
}

/// A page of orders.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed<'a> {
    pub(super) orders: Vec<Order<'a>>,
    /// What to give as `cursor` for the next page, if there is one.
    pub(super) next: Option<String>,
}

/// Whether an order was marked as fulfilled by this.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fulfilled<'a> {
    pub(super) number: &'a str,
    /// `false` if it was before.
    pub(super) newly: bool,
}

/// What to go on after, as a cursor has it.
pub(super) fn cursor(last: &checkout::Order) -> String {
    format!("{}.{}", last.created_at.as_unix_millis(), last.number)
}

pub(super) fn after(cursor: &str) -> Option<(Timestamp, OrderNumber)> {
    let (at, number) = cursor.split_once('.')?;
    let at = Timestamp::from_unix_millis(at.parse().ok()?);
    Some((at, number.parse().ok()?))
}

/// An instant as RFC 3339 has it, in UTC.
pub(crate) fn utc(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_unix_millis()).ok();
    let at = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}

/// Now, by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::default() + since.unwrap_or_default()
}
