//! What a shop can ask.

mod guard;
mod input;
mod orders;
mod problem;
pub(crate) mod view;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRef, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use jibit_axum::{ReturnPage, callback};
use jibit_checkout::Checkout;
use serde_json::json;

use self::problem::Problem;
use crate::Shared;

pub(crate) use guard::Guard;

/// Every path, every parameter, every answer.
const DOCUMENT: &str = include_str!("openapi.json");

/// What its paths begin with.
pub(crate) const OWN_PATHS: [&str; 6] = [
    "callbacks",
    "health",
    "metrics",
    "openapi.json",
    "orders",
    "ready",
];

#[derive(Clone)]
struct Api(Arc<Shared>);

impl FromRef<Api> for Checkout {
    fn from_ref(api: &Api) -> Self {
        api.0.checkout.clone()
    }
}

pub(crate) fn router(
    shared: Arc<Shared>,
    guard: Guard,
    callback_path: &str,
    page: ReturnPage,
) -> Router {
    Router::new()
        .route("/orders", post(orders::begin).get(orders::list))
        .route("/orders/{number}", get(orders::show))
        .route("/orders/{number}/fulfilled", post(orders::fulfilled))
        .route("/orders/{number}/withdrawn", post(orders::withdrawn))
        .route("/callbacks", post(orders::called))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(document))
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .merge(callback(callback_path, page))
        .fallback(async || Problem::nothing_here())
        .method_not_allowed_fallback(async || Problem::no_such_method())
        .with_state(Api(shared))
}

/// The process answers.
async fn health() -> Response {
    Json(json!({ "healthy": true })).into_response()
}

/// It can do its work: the store answers. The gateway is not asked, since orders are
/// read and fulfilled without it.
async fn ready(State(Api(shared)): State<Api>) -> Response {
    match shared.checkout.backlog().await {
        Ok(_) => Json(json!({ "ready": true })).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn metrics(State(Api(shared)): State<Api>) -> Result<Response, Problem> {
    let backlog = shared.checkout.backlog().await?;
    let waiting = shared.store.notices_waiting(shared.checkout.account());
    let waiting = waiting.await.map_err(jibit_checkout::CheckoutError::from)?;
    let text = format!(
        "{}# HELP jibit_agent_webhooks_waiting What the shop is yet to be told.\n\
         # TYPE jibit_agent_webhooks_waiting gauge\njibit_agent_webhooks_waiting {waiting}\n",
        shared.metrics.prometheus(&backlog)
    );
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((StatusCode::OK, kind, text).into_response())
}

async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}
