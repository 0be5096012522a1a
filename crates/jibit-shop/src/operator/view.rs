//! How the operator's pages look.

use std::time::{Duration, UNIX_EPOCH};

use jibit_axum::Language;
use jibit_checkout::{
    Alarm, Attempt, Backlog, CheckoutError, Entry, Filter, Order, Standing, State as Stage,
};
use jibit_client::{OrderId, Timestamp};
use maud::{DOCTYPE, Markup, html};

use super::meaning;
use crate::{State, basket::products, sales::Sale};

const ENGLISH: Language = Language::English;

/// The list looks again after so many seconds. A page with fields to fill does not.
const LOOKS_AGAIN: u32 = 3;

fn page(title: &str, looks_again: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if looks_again { meta http-equiv="refresh" content=(LOOKS_AGAIN); }
                title { (title) " · operator" }
                link rel="stylesheet" href="/operator.css";
            }
            body {
                header { div.wide {
                    a.name href="/operator" { "Operator’s page" }
                    nav { a href="/metrics" { "metrics" } a href="/" { "shop" } }
                } }
                main.wide { (body) }
            }
        }
    }
}

/// An error with everything under it.
pub(super) fn failure(error: &CheckoutError) -> Markup {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let body = html! {
        section.card role="alert" {
            h1 { "Nothing was done" }
            p { (error) "." }
            @for cause in causes { p.quiet { (cause) } }
            p { a href="/operator" { "To the orders" } }
        }
    };
    page("nothing was done", false, &body)
}

pub(super) fn list(
    state: &State,
    filter: &Filter,
    backlog: &Backlog,
    orders: &[Order],
    full: bool,
) -> Markup {
    let body = html! {
        (waiting(backlog))
        (filters(filter))
        section.card.table {
            table {
                thead { tr {
                    th scope="col" { "order" } th scope="col" { "made, UTC" }
                    th.number scope="col" { "Rial" } th scope="col" { "comes to" }
                    th scope="col" { "attempts" } th scope="col" { "shipped, UTC" }
                } }
                tbody {
                    @for order in orders { (row(order, state.sales.get(&order.number).as_ref())) }
                    @if orders.is_empty() { tr { td.quiet colspan="6" { "No orders." } } }
                }
            }
        }
        @if let (true, Some(last)) = (full, orders.last()) {
            p { a href=(older(filter, last)) { "Older orders" } }
        }
        p.quiet { "This page looks again every " (LOOKS_AGAIN) " seconds." }
    };
    page("orders", true, &body)
}

/// What waits, and how much of it.
fn waiting(backlog: &Backlog) -> Markup {
    let tile = |count: u64, name: &str, about: &str, grave: bool| {
        let kind = match (count, grave) {
            (0, _) => "none",
            (_, true) => "grave",
            _ => "some",
        };
        html! {
            li class=(kind) {
                strong { (count) }
                span { (name) }
                small { (about) }
            }
        }
    };
    html! {
        h1 { "What waits" }
        ul.tiles {
            (tile(backlog.due, "due", "to be asked about now", false))
            (tile(backlog.near_deadline, "near the deadline", "paid ten minutes ago or more, not captured", true))
            (tile(backlog.undetermined, "undetermined", "a verify may have left, nobody knows", true))
            (tile(backlog.quarantined, "quarantined", "a person has to decide", true))
            (tile(backlog.unfulfilled, "unfulfilled", "paid, and not shipped", false))
        }
    }
}

/// Links that let through some orders only.
fn filters(filter: &Filter) -> Markup {
    const STAGES: [Stage; 6] = [
        Stage::Open,
        Stage::VerifyIntent,
        Stage::Paid,
        Stage::Cancelled,
        Stage::Lapsed,
        Stage::Abandoned,
    ];
    let link = |href: String, text: &str, is_on: bool| {
        html! { a href=(href) aria-current=[is_on.then_some("true")] { (text) } }
    };
    let all = filter.state.is_none() && filter.alarm.is_none();
    html! {
        h2 { "Orders" }
        nav.filters aria-label="orders by state" {
            (link("/operator".to_owned(), "all", all))
            @for stage in STAGES {
                (link(format!("/operator?state={stage}"), stage.as_str(), filter.state == Some(stage)))
            }
        }
        nav.filters aria-label="orders by alarm" {
            @for alarm in Alarm::ALL {
                (link(format!("/operator?alarm={alarm}"), alarm.as_str(), filter.alarm == Some(alarm)))
            }
        }
    }
}

/// Where the next page of the same orders is.
fn older(filter: &Filter, last: &Order) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(stage) = filter.state {
        query.append_pair("state", stage.as_str());
    }
    if let Some(alarm) = filter.alarm {
        query.append_pair("alarm", alarm.as_str());
    }
    let millis = last.created_at.as_unix_millis();
    query.append_pair("before", &format!("{millis}.{}", last.number));
    format!("/operator?{}", query.finish())
}

fn row(order: &Order, sale: Option<&Sale>) -> Markup {
    html! {
        tr {
            td { a.mono href={ "/operator/orders/" (order.number) } { (order.number) } }
            td { (clock(order.created_at)) }
            td.number { (ENGLISH.rial(order.amount).trim_end_matches(" Rial")) }
            td { (standing(order.standing())) }
            td {
                @for attempt in &order.attempts {
                    div.attempt { (attempt.number) ". " (stage(attempt.state)) (alarms(attempt)) }
                }
            }
            td {
                @match sale.and_then(|sale| sale.shipped_at) {
                    Some(at) => (clock(at)),
                    None => span.quiet { "—" },
                }
            }
        }
    }
}

fn standing(standing: Standing) -> Markup {
    html! { span class={ "badge " (standing.as_str()) } { (standing.as_str()) } }
}

fn stage(stage: Stage) -> Markup {
    let kind = match stage {
        Stage::Paid => "paid",
        Stage::Quarantined(_) => "grave",
        stage if stage.is_final() => "not-paid",
        _ => "asking",
    };
    html! { span class={ "stage " (kind) } { (stage) } }
}

fn alarms(attempt: &Attempt) -> Markup {
    html! { @for alarm in &attempt.alarms { " " span.alarm title=(meaning(*alarm)) { (alarm) } } }
}

/// The time of day, with the whole date behind it.
fn clock(at: Timestamp) -> Markup {
    let since = Duration::from_millis(at.as_unix_millis());
    let (seconds, day) = (since.as_secs(), 24 * 60 * 60);
    let (hours, minutes) = (seconds % day / 3600, seconds % 3600 / 60);
    let time = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    // A store may hold anything; the year 9999 is where dates of this form end.
    let whole =
        (since.as_secs() < 253_402_300_800).then(|| httpdate::fmt_http_date(UNIX_EPOCH + since));
    html! { time title=[whole] { (time) } }
}

pub(super) fn detail(order: &Order, sale: Option<&Sale>, timeline: &[Entry]) -> Markup {
    let body = html! {
        h1 { "Order " span.mono { (order.number) } " " (standing(order.standing())) }
        div.columns {
            div { (facts(order, sale)) (history(timeline)) }
            div { @for attempt in order.attempts.iter().rev() { (attempt_card(order, attempt)) } }
        }
    };
    page(order.number.as_str(), false, &body)
}

fn facts(order: &Order, sale: Option<&Sale>) -> Markup {
    let path = format!("/operator/orders/{}", order.number);
    let may_ask = order.attempts.iter().any(|it| it.next_ask.is_some());
    let may_withdraw = order.slot_holder().is_none() && order.withdrawn_at.is_none();
    html! {
        section.card {
            h2 { "What was bought" }
            @match sale {
                Some(sale) => {
                    ul { @for (product, quantity) in products(&sale.lines) {
                        li { (quantity) " × " bdi lang="fa" { (product.name) } }
                    } }
                }
                None => p.quiet { "The shop does not remember: it was started since." },
            }
            dl {
                dt { "amount" } dd { (ENGLISH.rial(order.amount)) " (" (ENGLISH.toman(order.amount)) ")" }
                dt { "made" } dd { (clock(order.created_at)) }
                @if let Some(at) = order.withdrawn_at { dt { "withdrawn" } dd { (clock(at)) } }
                @if let Some(at) = sale.and_then(|sale| sale.shipped_at) { dt { "shipped" } dd { (clock(at)) } }
            }
            div.buttons {
                @if may_ask {
                    form method="post" action={ (path) "/ask" } { button { "Ask the gateway now" } }
                }
                @if may_withdraw {
                    form method="post" action={ (path) "/withdraw" } {
                        button.grave { "Withdraw the order" }
                    }
                }
            }
        }
    }
}

fn history(timeline: &[Entry]) -> Markup {
    html! {
        section.card {
            h2 { "Timeline, UTC" }
            ol.timeline { @for entry in timeline {
                li {
                    (clock(entry.at)) " "
                    @if let Some(attempt) = entry.attempt { span.quiet { (attempt) ". " } }
                    @if let Some(state) = entry.state { (stage(state)) " " }
                    (entry.text)
                }
            } }
        }
    }
}

fn attempt_card(order: &Order, attempt: &Attempt) -> Markup {
    let id = attempt.order_id.as_ref().map(OrderId::as_str);
    html! {
        section.card id={ "attempt-" (attempt.number) } {
            h2 { "Attempt " (attempt.number) " " (stage(attempt.state)) }
            @for alarm in &attempt.alarms {
                p.note { span.alarm { (alarm) } " " (meaning(*alarm)) }
            }
            dl {
                dt { "orderId" } dd.mono { (id.unwrap_or("none")) }
                dt { "mobile" } dd { "•••• " (attempt.mobile_end) }
                @if attempt.slot { dt { "slot" } dd { "holds the order’s one capture slot" } }
                @if let Some(seen) = &attempt.seen {
                    dt { "gateway says" } dd { (seen.as_str()) @if let Some(at) = attempt.seen_at { ", at " (clock(at)) } }
                }
                @if let Some(at) = attempt.paid_at { dt { "seen paid" } dd { (clock(at)) } }
                @if let Some(reference) = &attempt.ref_id { dt { "refId" } dd.mono { (reference.as_str()) } }
                @if let Some(at) = attempt.next_ask { dt { "asked next" } dd { (clock(at)) } }
            }
            (decisions(order, attempt, id))
        }
    }
}

/// The buttons, where a person has to decide.
fn decisions(order: &Order, attempt: &Attempt, id: Option<&str>) -> Markup {
    let path = format!("/operator/orders/{}/{}", order.number, attempt.number);
    let is_quarantined = matches!(attempt.state, Stage::Quarantined(_));
    let lacks_its_id = attempt.alarms.contains(&Alarm::UnknownOrder)
        || (id.is_none() && attempt.state == Stage::Abandoned);
    html! {
        @if is_quarantined {
            p { "A person has to decide: look at the gateway’s books first." }
            div.buttons {
                form method="post" action={ (path) "/adopt" } {
                    input type="hidden" name="order-id" value=(id.unwrap_or_default());
                    button { "Adopt: this payment is ours" }
                }
                form method="post" action={ (path) "/release" } {
                    button.grave { "Release: another attempt may pay" }
                }
            }
        } @else if lacks_its_id {
            form.adopt method="post" action={ (path) "/adopt" } {
                label for={ "id-" (attempt.number) } { "If the gateway’s books say that it is another order, its orderId:" }
                input id={ "id-" (attempt.number) } name="order-id" required autocomplete="off" spellcheck="false";
                button { "Adopt this orderId" }
            }
        }
    }
}
