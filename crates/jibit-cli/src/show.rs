//! How orders look: to machines in JSON, to people in tables.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use jibit_checkout::{Attempt, Entry, Order, Standing};
use jibit_hyper::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// An order for machines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderJson<'a> {
    number: &'a str,
    amount: u64,
    standing: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<String>,
    attempts: Vec<AttemptJson<'a>>,
}

/// An attempt for machines; its code is nobody's business.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptJson<'a> {
    number: u32,
    merchant_order_id: Option<String>,
    state: &'static str,
    slot: bool,
    alarms: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<&'a str>,
    mobile_end: &'a str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_ask: Option<String>,
}

impl<'a> From<&'a Order> for OrderJson<'a> {
    fn from(order: &'a Order) -> Self {
        let attempts = order.attempts.iter();
        Self {
            number: order.number.as_str(),
            amount: order.amount.get(),
            standing: order.standing().as_str(),
            created_at: utc(order.created_at),
            withdrawn_at: order.withdrawn_at.map(utc),
            attempts: attempts.map(|it| AttemptJson::of(order, it)).collect(),
        }
    }
}

impl<'a> AttemptJson<'a> {
    fn of(order: &Order, attempt: &'a Attempt) -> Self {
        let merchant_order_id = order.merchant_order_id(attempt.number).ok();
        Self {
            number: attempt.number,
            merchant_order_id: merchant_order_id.map(|id| id.to_string()),
            state: attempt.state.as_str(),
            slot: attempt.slot,
            alarms: attempt.alarms.iter().map(|it| it.as_str()).collect(),
            order_id: attempt.order_id.as_ref().map(|id| id.as_str()),
            ref_id: attempt.ref_id.as_ref().map(|id| id.as_str()),
            seen: attempt.seen.as_ref().map(|seen| seen.as_str()),
            mobile_end: &attempt.mobile_end,
            created_at: utc(attempt.created_at),
            paid_at: attempt.paid_at.map(utc),
            seen_at: attempt.seen_at.map(utc),
            asked_at: attempt.asked_at.map(utc),
            next_ask: attempt.next_ask.map(utc),
        }
    }
}

/// A line of a timeline for machines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryJson<'a> {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    text: &'a str,
}

impl<'a> From<&'a Entry> for EntryJson<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            at: utc(entry.at),
            attempt: entry.attempt,
            state: entry.state.map(|state| state.as_str()),
            text: &entry.text,
        }
    }
}

/// A list of orders for people, a line each.
pub(crate) fn orders(orders: &[Order]) -> Table {
    let mut table = table(["ORDER", "AMOUNT", "STANDING", "MADE", "ATTEMPTS", "ALARMS"]);
    for order in orders {
        let attempts: Vec<_> = order.attempts.iter().map(|it| it.state.as_str()).collect();
        let alarms = order.attempts.iter().flat_map(|it| &it.alarms);
        let alarms: std::collections::BTreeSet<_> = alarms.map(|alarm| alarm.as_str()).collect();
        table.add_row([
            text(order.number.as_str()),
            text(order.amount.to_string()),
            standing(order.standing()),
            text(local(order.created_at)),
            text(attempts.join(", ")),
            alarm(alarms.into_iter().collect::<Vec<_>>().join(", ")),
        ]);
    }
    table
}

/// An order for people: what it comes to, its attempts, and what happened.
pub(crate) fn order(order: &Order, timeline: &[Entry]) -> String {
    let withdrawn = order
        .withdrawn_at
        .map(|at| format!(", withdrawn {}", local(at)));
    let head = format!(
        "Order {} of {}: {}, {}, made {}{}.",
        order.number,
        order.account,
        order.amount,
        order.standing().as_str(),
        local(order.created_at),
        withdrawn.unwrap_or_default(),
    );
    let mut parts = vec![head];
    if !order.attempts.is_empty() {
        parts.push(attempts(order).to_string());
    }
    let mut happened = table(["WHEN", "ATTEMPT", "STATE", "WHAT HAPPENED"]);
    for entry in timeline {
        happened.add_row([
            text(local(entry.at)),
            text(
                entry
                    .attempt
                    .map(|number| number.to_string())
                    .unwrap_or_default(),
            ),
            text(entry.state.map_or("", |state| state.as_str())),
            text(&entry.text),
        ]);
    }
    parts.push(happened.to_string());
    parts.join("\n\n")
}

fn attempts(order: &Order) -> Table {
    let mut table = table([
        "ATTEMPT", "STATE", "ORDER ID", "SEEN", "REF ID", "MOBILE", "NEXT ASK", "ALARMS",
    ]);
    for it in &order.attempts {
        let alarms: Vec<_> = it.alarms.iter().map(|alarm| alarm.as_str()).collect();
        let slot = if it.slot { " (has the slot)" } else { "" };
        table.add_row([
            text(it.number.to_string()),
            text(format!("{}{slot}", it.state)),
            text(it.order_id.as_ref().map_or("", |id| id.as_str())),
            text(it.seen.as_ref().map_or("", |seen| seen.as_str())),
            text(it.ref_id.as_ref().map_or("", |id| id.as_str())),
            text(format!("…{}", it.mobile_end)),
            text(it.next_ask.map(local).unwrap_or_default()),
            alarm(alarms.join(", ")),
        ]);
    }
    table
}

/// In fewer columns a table has a letter a line.
const NARROW: u16 = 60;

/// A table without lines, which people read and `awk` takes apart. On a terminal it
/// is as wide as that.
pub(crate) fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(head.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    // Some terminals say that they have no width.
    if table.width().is_some_and(|width| width >= NARROW) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        table.style_text_only();
        table.force_no_tty();
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    table
}

/// A cell of a table. What comes from outside must not move a terminal's cursor.
pub(crate) fn text(content: impl AsRef<str>) -> Cell {
    let content = content.as_ref().chars();
    Cell::new(
        content
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>(),
    )
}

/// A cell with what a person should look at.
pub(crate) fn alarm(content: impl AsRef<str>) -> Cell {
    text(content).fg(Color::Red)
}

fn standing(standing: Standing) -> Cell {
    let cell = text(standing.as_str());
    match standing {
        Standing::Paid => cell.fg(Color::Green),
        _ => cell,
    }
}

/// An instant for machines: `2026-10-01T10:33:22.125Z`.
pub(crate) fn utc(at: Timestamp) -> String {
    instant(at).map(|at| at.to_string()).unwrap_or_default()
}

/// An instant for people, in this machine's time zone: `2026-10-01 14:03:22 +03:30`.
pub(crate) fn local(at: Timestamp) -> String {
    let at = instant(at).map(|at| at.to_zoned(TimeZone::system()));
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string())
        .unwrap_or_default()
}

fn instant(at: Timestamp) -> Option<jiff::Timestamp> {
    let millis = i64::try_from(at.as_unix_millis()).ok()?;
    jiff::Timestamp::from_millisecond(millis).ok()
}
