//! `/_sandbox/`: what a developer sees of the gateway, live.
//!
//! The page's parts are written here and nowhere else: into the page when it is
//! loaded, and, those that have changed, into the events that keep it live.
//! Times stand as they are, never as what is left, so that a part changes only
//! if something happened.

mod diagram;

use bytes::Bytes;
use http::{Response, StatusCode};
use jibit_proto::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::{Account, Gateway, JournalEntry, Order, State, html, page::Language};
use crate::Operation;

/// How many orders, exchanges and wallets are shown.
const SHOWN: usize = 50;

/// A part of the page: its id, its heading, and what it says.
struct Part {
    id: &'static str,
    name: &'static str,
    says: Markup,
}

/// What of the dashboard somebody has seen already.
#[cfg(feature = "server")]
#[derive(Default)]
pub(crate) struct Seen {
    parts: Vec<String>,
}

#[cfg(feature = "server")]
#[derive(serde::Serialize)]
struct Event<'a> {
    id: &'a str,
    html: &'a str,
}

#[cfg(feature = "server")]
impl Seen {
    /// The parts that changed, as server-sent events; nothing if none did.
    pub(crate) fn events(&mut self, gateway: &mut Gateway, now: Timestamp) -> String {
        gateway.catch_up(now);
        let parts = parts(gateway);
        self.parts.resize(parts.len(), String::new());
        let mut events = String::new();
        for (part, seen) in parts.into_iter().zip(&mut self.parts) {
            let html = part.says.into_string();
            if *seen != html {
                let event = Event {
                    id: part.id,
                    html: &html,
                };
                // Text always serialises.
                let event = serde_json::to_string(&event).unwrap_or_default();
                events.push_str(&format!("data: {event}\n\n"));
                *seen = html;
            }
        }
        events
    }
}

/// The whole page.
pub(super) fn page(gateway: &mut Gateway, now: Timestamp) -> Response<Bytes> {
    let now = gateway.catch_up(now);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Jibit sandbox" }
                link rel="stylesheet" href="/_sandbox/dashboard.css";
                script src="/_sandbox/dashboard.js" defer {}
            }
            body {
                header {
                    h1 { "Jibit sandbox" }
                    p { time #now data-now=(now.as_unix_millis()) { (time(now)) } " on the virtual clock, UTC" }
                    p #link role="status" { "not live: this is how things stood at that time" }
                    p #said role="alert" {}
                }
                noscript { p { "The buttons, and the live view, need JavaScript." } }
                main {
                    @for part in parts(gateway) {
                        section class=(part.id) aria-labelledby={ (part.id) "-name" } {
                            h2 id={ (part.id) "-name" } { (part.name) }
                            div id=(part.id) { (part.says) }
                            @if part.id == "clock" { (clock_controls()) }
                            @if part.id == "faults" { (faults_controls()) }
                        }
                    }
                }
                footer {
                    p { a href="/_sandbox/openapi.json" { "OpenAPI" } }
                    p { "No money moves here." }
                    button data-post="/_sandbox/reset" data-sure="Forget all orders, money, tokens and faults?" { "Reset" }
                }
            }
        }
    };
    html::page(
        StatusCode::OK,
        "connect-src 'self'; form-action 'none'",
        page,
    )
}

fn parts(gateway: &Gateway) -> [Part; 5] {
    let part = |id, name, says| Part { id, name, says };
    [
        part("orders", "Orders", orders(gateway)),
        part("clock", "Clock", clock(gateway)),
        part("book", "Money", book(gateway)),
        part("faults", "Faults", faults(gateway)),
        part("journal", "Journal", journal(gateway)),
    ]
}

fn orders(gateway: &Gateway) -> Markup {
    let all = gateway.orders.all();
    let count = all.len();
    html! {
        @if count == 0 { p.quiet { "None yet." } }
        @if count > SHOWN { p.quiet { "The latest " (SHOWN) " of " (count) "." } }
        ul { @for order in all.rev().take(SHOWN) { (row(order)) } }
    }
}

fn row(order: &Order) -> Markup {
    let id = order.id();
    let press = |what: &str| format!("/_sandbox/orders/{id}/{what}");
    html! {
        li {
            (diagram::of(order))
            div {
                p {
                    a href={ "/order/" (id) } { code { (id) } } " "
                    bdi { (order.merchant_order_id()) }
                }
                p.quiet {
                    (grouped(order.amount().into())) " Rial"
                    @if order.is_open() || order.state() == State::PurchaseByUser {
                        " · until " time data-until=(order.expires.as_unix_millis()) { (time(order.expires)) }
                    }
                    @if let Some(reference) = order.ref_id() { " · refId " (reference) }
                }
                p.buttons {
                    @if order.is_open() {
                        button id={ "pay-" (id) } data-post=(press("pay")) { "Pay" }
                        button id={ "cancel-" (id) } data-post=(press("cancel")) { "Cancel" }
                    }
                    @if order.is_open() || order.state() == State::PurchaseByUser {
                        button id={ "expire-" (id) } data-post=(press("expire")) { "Expire" }
                    }
                }
            }
        }
    }
}

fn clock(gateway: &Gateway) -> Markup {
    let ahead = gateway.ahead.as_secs();
    html! {
        p data-ahead=(ahead) {
            @if ahead == 0 { "As the machine's." } @else { (grouped(ahead.into())) " s ahead of the machine's." }
        }
    }
}

fn clock_controls() -> Markup {
    let steps = [
        (60, "1 min"),
        (900, "15 min"),
        (1800, "30 min"),
        (86_400, "1 day"),
    ];
    html! {
        p.buttons {
            @for (seconds, name) in steps {
                button data-post="/_sandbox/clock/advance" data-body={ "{\"seconds\":" (seconds) "}" } { "+" (name) }
            }
        }
    }
}

fn book(gateway: &Gateway) -> Markup {
    let wallets = gateway.book.wallets().len();
    let rows = gateway.book.balances().map(|(account, rial)| {
        let name = match account {
            Account::Issue => "given to wallets".to_owned(),
            Account::Escrow => "escrow".to_owned(),
            Account::Merchant(id) => format!("merchant {id}"),
            Account::Wallet(mobile) => format!("wallet {mobile}"),
        };
        (name, rial)
    });
    let violations = gateway.violations();
    html! {
        table {
            thead { tr { th scope="col" { "account" } th scope="col" { "Rial" } } }
            tbody {
                @for (name, rial) in rows.take(SHOWN) {
                    tr { th scope="row" { (name) } td { (grouped(rial)) } }
                }
            }
            tfoot { tr { th scope="row" { "sum" } td { (grouped(gateway.book.sum())) } } }
        }
        @if wallets > SHOWN { p.quiet { "The first of " (grouped(wallets as i128)) " wallets." } }
        @if violations.is_empty() {
            p.good { "Every order's money is where it should be." }
        } @else {
            ul.bad { @for violation in violations { li { (violation) } } }
        }
    }
}

fn faults(gateway: &Gateway) -> Markup {
    let plan = gateway.plan().to_string();
    let struck = gateway.faults.struck();
    let arrived = Operation::ALL.map(|operation| (operation, gateway.arrived(operation)));
    html! {
        p.quiet {
            "arrived: "
            @for (at, (operation, count)) in arrived.into_iter().enumerate() {
                @if at > 0 { " · " }
                (operation.as_str()) " " (count)
            }
        }
        @if gateway.plan().is_empty() {
            p { "No request is struck." }
        } @else {
            pre { (plan) }
            p { "struck so far, by rule: " @for count in struck { (count) " " } }
        }
    }
}

fn faults_controls() -> Markup {
    html! {
        form data-post="/_sandbox/faults" {
            label for="plan" { "Plan" }
            textarea #plan name="plan" rows="3" spellcheck="false" placeholder="seed=7; verify after nth=1 reset" {}
            p.buttons {
                button { "Arm" }
                button type="button" data-post="/_sandbox/faults" data-method="DELETE" { "Clear" }
            }
        }
    }
}

fn journal(gateway: &Gateway) -> Markup {
    let entries = gateway.journal.entries();
    html! {
        @if entries.len() == 0 { p.quiet { "Nothing yet." } }
        @for entry in entries.rev().take(SHOWN) { (exchange(entry)) }
    }
}

fn exchange(entry: &JournalEntry) -> Markup {
    html! {
        details id={ "exchange-" (entry.number) } {
            summary {
                time { (time(Timestamp::from_unix_millis(entry.unix_millis))) } " "
                code { (entry.method) " " (entry.path) } " "
                @if let Some(fate) = &entry.fate { strong.bad { (fate) } } @else { strong { (entry.status) } }
            }
            pre { (entry.transcript()) }
        }
    }
}

/// The time of day, in UTC.
fn time(at: Timestamp) -> String {
    let seconds = at.as_unix_millis() / 1000 % 86_400;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

fn grouped(number: i128) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", Language::English.grouped(number.unsigned_abs()))
}
