use std::{fmt::Write as _, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRef, FromRequest},
    response::{IntoResponse as _, Response},
};
use http::{Method, Request, StatusCode, header};
use jibit_checkout::{CODE_PARAMETER, Checkout, CheckoutError, Code, Returned};
use tokio::time::timeout;
use tracing::Instrument as _;

use crate::language::{self, Language, parameter};

/// The longest body that is read, in bytes. A callback's has about a hundred.
const MAX_BODY: usize = 8 * 1024;

/// How long a browser may take to send it.
const BODY_PATIENCE: Duration = Duration::from_secs(5);

/// How long a customer waits for the gateway's answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a customer then waits for the store.
const PEEK_PATIENCE: Duration = Duration::from_secs(2);

/// A customer whose browser came back from the gateway.
///
/// It is extracted from a GET or a form's POST to the checkout's callback URL. The
/// checkout is told, and asks the gateway in a task of its own; what is known after
/// ten seconds at most is what is shown.
///
/// A POST never gets to the handler: it is answered with 303 to the same path,
/// and the code alone in the query, so that a reload sends no form.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Back {
    /// The code is one of ours: this is what the store says of its order.
    Known(Returned),
    /// The code is none of ours, or there is none.
    Unknown,
    /// The store does not work, so nobody knows: show it as "still asking".
    StillAsking,
}

impl<S> FromRequest<S> for Back
where
    S: Send + Sync,
    Checkout: FromRef<S>,
{
    /// Where a form's browser is sent to.
    type Rejection = Response;

    async fn from_request(request: Request<Body>, state: &S) -> Result<Self, Response> {
        let checkout = Checkout::from_ref(state);
        let by_form = *request.method() == Method::POST;
        let own = request.uri().query().unwrap_or_default().to_owned();
        if !by_form {
            return Ok(Self::come(&checkout, own).await);
        }
        let form = form(request.into_body()).await;
        let whole = format!("{own}&{form}");
        Self::come(&checkout, whole.clone()).await;
        Err(see_other(&whole, &own))
    }
}

impl Back {
    /// Tells the checkout, and waits for a while.
    async fn come(checkout: &Checkout, query: String) -> Self {
        let told = {
            let (checkout, query) = (checkout.clone(), query.clone());
            async move { checkout.handle_callback(&query).await }
        };
        // A browser that goes away drops this future, and not the task.
        let told = tokio::spawn(told.in_current_span());
        match timeout(PATIENCE, told).await {
            Ok(Ok(said)) => Self::of(said),
            // It takes long; or it panicked, and what is stored is as good as before.
            Ok(Err(_)) | Err(_) => timeout(PEEK_PATIENCE, checkout.peek(&query))
                .await
                .map_or(Self::StillAsking, Self::of),
        }
    }

    fn of(said: Result<Option<Returned>, CheckoutError>) -> Self {
        match said {
            Ok(Some(returned)) => Self::Known(returned),
            Ok(None) => Self::Unknown,
            Err(_) => Self::StillAsking,
        }
    }
}

/// What a form sent; nothing if it is too long, too slow or no text. The code that
/// counts stands in the URL.
async fn form(body: Body) -> String {
    let body = timeout(BODY_PATIENCE, to_bytes(body, MAX_BODY)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    String::from_utf8(body.into()).unwrap_or_default()
}

/// The code of a query, if it has the form of one.
pub(crate) fn code(query: &str) -> Option<Code> {
    parameter(query, CODE_PARAMETER)?.parse().ok()
}

/// To the same path by GET, with the code, and the language if it was asked for.
fn see_other(whole: &str, own: &str) -> Response {
    let mut to = "?".to_owned();
    if let Some(code) = code(whole) {
        // Writing to a String does not fail.
        let _ = write!(to, "{CODE_PARAMETER}={code}");
    }
    if let Some(asked) = Language::asked(own) {
        let _ = write!(to, "&{}={}", language::PARAMETER, asked.code());
    }
    let headers = [
        (header::LOCATION, to.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
