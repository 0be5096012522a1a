//! Orders, from their beginning to their fulfilment.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{FromRequestParts, Path, Query, Request, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use http::request::Parts;
use jibit_checkout::{
    Alarm, CheckoutError, CheckoutErrorKind, Filter, OrderNumber, Purchase, Standing,
};
use jibit_proto::{Mobile, Rial};
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;

use super::{
    Api,
    input::Body,
    problem::Problem,
    view::{self, Fulfilled, Listed, Order, Returned, Started, Told},
};

/// The longest text that a customer is shown.
const MAX_DESCRIPTION: usize = 256;

/// How many orders a page has if nobody says, and at most.
const PAGE: usize = 50;
const MAX_PAGE: usize = 200;

/// Stores an order if it is new, and says where to pay it.
pub(super) async fn begin(
    State(Api(shared)): State<Api>,
    request: Request,
) -> Result<Response, Problem> {
    let mut body = Body::of(request).await?;
    let number = number(&body.text("number")?)?;
    let amount = body.number("amount")?;
    let amount = Rial::new(amount).map_err(|error| Problem::invalid("amount", &error))?;
    let mobile: Mobile =
        (body.text("mobile")?.parse()).map_err(|error| Problem::invalid("mobile", &error))?;
    let description = body.optional_text("description")?;
    body.nothing_else()?;
    if description
        .as_ref()
        .is_some_and(|it| it.chars().count() > MAX_DESCRIPTION)
    {
        return Err(Problem::field(
            "description",
            "is longer than 256 letters",
            "give a shorter one",
        ));
    }
    let terms = terms(&mobile, description.as_deref());
    let purchase = Purchase::new(number.clone(), amount, mobile)
        .map_err(|error| Problem::invalid("amount", &error))?
        .terms(terms);
    let purchase = match description {
        Some(text) => purchase.description(text),
        None => purchase,
    };
    let checkout = shared.checkout.clone();
    let started = to_the_end(async move { checkout.start(purchase).await }).await?;
    Ok(Json(Started {
        number: number.as_str(),
        amount: amount.get(),
        attempt: started.attempt,
        redirect_url: &started.redirect_url,
    })
    .into_response())
}

/// What an order's body says besides its number and its amount, as a digest. Of the
/// mobile number it has the end, which the store has, too: a digest of all digits
/// would give the number away to whoever tries them all.
fn terms(mobile: &Mobile, description: Option<&str>) -> String {
    let text = format!("{}\n{description:?}", mobile.last_four());
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn number(text: &str) -> Result<OrderNumber, Problem> {
    OrderNumber::new(text).map_err(|error| Problem::invalid("number", &error))
}

/// The number in an order's path.
pub(super) struct Number(OrderNumber);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What is no UTF-8 is no number either.
        let text = Path::<String>::from_request_parts(parts, state).await;
        number(&text.map_or_else(|_| "%".to_owned(), |Path(text)| text)).map(Self)
    }
}

/// Has something done to its end in a task of its own: a shop that goes away must not
/// leave the gateway's answer unread.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, CheckoutError>> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::spawn(work.in_current_span()).await;
    let done = done.map_err(|_| CheckoutErrorKind::Contended);
    Ok(done.map_err(CheckoutError::from)??)
}

/// Lists orders, the latest first.
pub(super) async fn list(
    State(Api(shared)): State<Api>,
    query: Result<Query<BTreeMap<String, String>>, QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(mut query)) = query else {
        return Err(Problem::field(
            "query",
            "cannot be read",
            "encode it as a form",
        ));
    };
    let state = query.remove("state").map(|it| it.parse()).transpose();
    let alarm = query
        .remove("alarm")
        .map(|it| it.parse::<Alarm>())
        .transpose();
    let filter = Filter {
        state: state.map_err(|_| {
            Problem::field(
                "state",
                "is no state of an attempt",
                "give one such as paid",
            )
        })?,
        alarm: alarm.map_err(|_| {
            Problem::field("alarm", "is no alarm", "give one such as near-deadline")
        })?,
        before: match query.remove("cursor") {
            None => None,
            Some(cursor) => Some(view::after(&cursor).ok_or_else(|| {
                let remedy = "give next of the page before, as it was";
                Problem::field("cursor", "is none of ours", remedy)
            })?),
        },
    };
    let limit = match query.remove("limit").map(|limit| limit.parse()) {
        None => PAGE,
        Some(Ok(limit @ 1..=MAX_PAGE)) => limit,
        Some(_) => {
            return Err(Problem::field(
                "limit",
                "is not 1 to 200",
                "give one of these",
            ));
        }
    };
    if let Some((name, _)) = query.into_iter().next() {
        let remedy = "give state, alarm, limit or cursor";
        return Err(Problem::field(
            name,
            "is a parameter that nobody asks for",
            remedy,
        ));
    }
    let orders = shared.checkout.orders(&filter, limit).await?;
    let next = orders.last().filter(|_| orders.len() == limit);
    Ok(Json(Listed {
        next: next.map(view::cursor),
        orders: orders.iter().map(Order::from).collect(),
    })
    .into_response())
}

/// Shows an order and what happened to it.
pub(super) async fn show(
    State(Api(shared)): State<Api>,
    Number(number): Number,
) -> Result<Response, Problem> {
    let order = shared.checkout.order(&number).await?;
    let timeline = shared.checkout.timeline(&number).await?;
    Ok(Json(Told::new(&order, &timeline)).into_response())
}

/// Marks an order as fulfilled.
pub(super) async fn fulfilled(
    State(Api(shared)): State<Api>,
    Number(number): Number,
) -> Result<Response, Problem> {
    let newly = shared.checkout.fulfilled(&number).await?;
    if !newly && shared.checkout.order(&number).await?.standing() != Standing::Paid {
        return Err(Problem::not_paid());
    }
    let number = number.as_str();
    Ok(Json(Fulfilled { number, newly }).into_response())
}

/// Takes an order back.
pub(super) async fn withdrawn(
    State(Api(shared)): State<Api>,
    Number(number): Number,
) -> Result<Response, Problem> {
    shared.checkout.withdraw(&number).await?;
    let order = shared.checkout.order(&number).await?;
    Ok(Json(Order::from(&order)).into_response())
}

/// Takes the query that a customer came back to the shop with.
pub(super) async fn called(
    State(Api(shared)): State<Api>,
    request: Request,
) -> Result<Response, Problem> {
    let mut body = Body::of(request).await?;
    let query = body.text("query")?;
    body.nothing_else()?;
    let checkout = shared.checkout.clone();
    let called = to_the_end(async move {
        let query = query.strip_prefix('?').unwrap_or(&query);
        checkout.handle_callback(query).await
    });
    let returned = called.await?.ok_or_else(Problem::unknown_callback)?;
    Ok(Json(Returned::from(&returned)).into_response())
}
