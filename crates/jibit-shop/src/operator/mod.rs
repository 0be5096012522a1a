//! The page of whoever runs the shop: every order, what waits, what a person has
//! to decide, and the buttons to decide it. In English, as the checkout's own words.

mod view;

use axum::{
    Router,
    extract::{Path, RawQuery, State as Extract},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use jibit_checkout::{Alarm, CheckoutError, CheckoutErrorKind as Kind, Filter, OrderNumber};
use jibit_client::{OrderId, Timestamp};

use crate::{State, page};

/// How many orders stand on a page.
const ON_A_PAGE: usize = 30;

pub(crate) fn routes() -> Router<State> {
    let style = || async {
        let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
        (kind, include_str!("operator.css"))
    };
    Router::new()
        .route("/operator", get(list))
        .route("/operator/orders/{number}", get(detail))
        .route("/operator/orders/{number}/ask", post(ask))
        .route("/operator/orders/{number}/withdraw", post(withdraw))
        .route("/operator/orders/{number}/{attempt}/adopt", post(adopt))
        .route("/operator/orders/{number}/{attempt}/release", post(release))
        .route("/operator.css", get(style))
        .route("/metrics", get(metrics))
}

/// Says what an error says, all of it.
fn failed(error: &CheckoutError) -> Response {
    let status = match error.kind() {
        Kind::NoSuchOrder => StatusCode::NOT_FOUND,
        Kind::Store => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::CONFLICT,
    };
    (status, page::answer(view::failure(error))).into_response()
}

async fn list(Extract(state): Extract<State>, RawQuery(query): RawQuery) -> Response {
    let filter = filter(&query.unwrap_or_default());
    let found = async {
        let backlog = state.checkout.backlog().await?;
        let orders = state.checkout.orders(&filter, ON_A_PAGE).await?;
        Ok((backlog, orders))
    };
    match found.await {
        Ok((backlog, orders)) => {
            let full = orders.len() == ON_A_PAGE;
            page::answer(view::list(&state, &filter, &backlog, &orders, full))
        }
        Err(error) => failed(&error),
    }
}

/// What a query asks for: `state`, `alarm`, and `before` as `millis.number`.
fn filter(query: &str) -> Filter {
    let mut filter = Filter::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "state" => filter.state = value.parse().ok(),
            "alarm" => filter.alarm = value.parse().ok(),
            "before" => filter.before = before(&value),
            _ => {}
        }
    }
    filter
}

fn before(text: &str) -> Option<(Timestamp, OrderNumber)> {
    let (millis, number) = text.split_once('.')?;
    let at = Timestamp::from_unix_millis(millis.parse().ok()?);
    Some((at, number.parse().ok()?))
}

/// The number in a path. One that is none is an order that we do not have.
fn number(text: &str) -> Result<OrderNumber, CheckoutError> {
    text.parse().map_err(|_| Kind::NoSuchOrder.into())
}

async fn detail(Extract(state): Extract<State>, Path(text): Path<String>) -> Response {
    let found = async {
        let number = number(&text)?;
        let order = state.checkout.order(&number).await?;
        Ok((order, state.checkout.timeline(&number).await?))
    };
    match found.await {
        Ok((order, timeline)) => {
            let sale = state.sales.get(&order.number);
            page::answer(view::detail(&order, sale.as_ref(), &timeline))
        }
        Err(error) => failed(&error),
    }
}

/// Back to the order after a button, or why it came to nothing.
fn decided<T>(text: &str, outcome: Result<T, CheckoutError>) -> Response {
    match outcome {
        Ok(_) => {
            let to = [(header::LOCATION, format!("/operator/orders/{text}"))];
            (StatusCode::SEE_OTHER, to).into_response()
        }
        Err(error) => failed(&error),
    }
}

async fn ask(Extract(state): Extract<State>, Path(text): Path<String>) -> Response {
    let asked = async { state.checkout.reconcile_one(&number(&text)?).await };
    decided(&text, asked.await)
}

async fn withdraw(Extract(state): Extract<State>, Path(text): Path<String>) -> Response {
    let withdrawn = async { state.checkout.withdraw(&number(&text)?).await };
    decided(&text, withdrawn.await)
}

async fn adopt(
    Extract(state): Extract<State>,
    Path((text, attempt)): Path<(String, u32)>,
    form: String,
) -> Response {
    let adopted = async {
        let typed = form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "order-id");
        let id = typed.map(|(_, value)| value.trim().to_owned());
        let id = OrderId::new(id.unwrap_or_default())?;
        state.checkout.adopt(&number(&text)?, attempt, &id).await
    };
    decided(&text, adopted.await)
}

async fn release(
    Extract(state): Extract<State>,
    Path((text, attempt)): Path<(String, u32)>,
) -> Response {
    let released = async { state.checkout.release(&number(&text)?, attempt).await };
    decided(&text, released.await)
}

async fn metrics(Extract(state): Extract<State>) -> Response {
    match state.checkout.backlog().await {
        Ok(backlog) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            let text = state.metrics.prometheus(&backlog);
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// What an alarm is about, for whoever has not read the runbook.
const fn meaning(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::NearDeadline => "most of the gateway's time is over, and it is not captured",
        Alarm::Stuck => "a verify may have left a day ago, and nobody knows what became of it",
        Alarm::StrangersCapture => "captured, and not by this shop's store",
        Alarm::Mismatch => "the gateway speaks of another amount or another order",
        Alarm::Contradiction => "captured and cancelled, by the gateway's own words",
        Alarm::Refunded => "the customer had paid, and the gateway returned the money",
        Alarm::SiblingUnclear => "paid, and not captured while another attempt is unclear",
        Alarm::UnknownOrder => "the callback came with another orderId",
        Alarm::RefIdTwice => "another order has the same refId",
        Alarm::OrderIdTwice => "another attempt has the same orderId",
        _ => "see the runbook",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jibit_checkout::State;

    #[test]
    fn a_query_says_which_orders() {
        let asked = filter("state=verify-intent&alarm=stuck&before=17.o-1");
        assert_eq!(asked.state, Some(State::VerifyIntent));
        assert_eq!(asked.alarm, Some(Alarm::Stuck));
        let last = (Timestamp::from_unix_millis(17), "o-1".parse().unwrap());
        assert_eq!(asked.before, Some(last));
        for nonsense in ["", "state=x&alarm=&before=1", "before=a.b", "before=1.%20"] {
            assert_eq!(filter(nonsense), Filter::default(), "{nonsense}");
        }
    }
}
