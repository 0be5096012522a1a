//! Whose pages may have the shop do something.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{Method, StatusCode, header, uri::Authority};

use crate::page;

/// Lets through what comes from the shop's own pages, or changes nothing.
pub(crate) async fn own_pages(request: Request, next: Next) -> Response {
    let asks = request.method() == Method::GET || request.method() == Method::HEAD;
    if asks || is_own(&request) {
        next.run(request).await
    } else {
        refuse()
    }
}

/// Lets through what is sent to this machine by a name that is always its own.
pub(crate) async fn own_name(request: Request, next: Next) -> Response {
    if has_own_name(&request) {
        next.run(request).await
    } else {
        refuse()
    }
}

fn refuse() -> Response {
    let said = page::message(
        "این درخواست از صفحهٔ این فروشگاه نمی‌آید",
        "به فروشگاه برگردید و دوباره تلاش کنید.",
    );
    (StatusCode::FORBIDDEN, said).into_response()
}

fn host(request: &Request) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(header::HOST)?.to_str().ok(),
    }
}

/// A name that somebody else's server gave out for our address is how a foreign
/// page gets round the rules about origins.
fn has_own_name(request: &Request) -> bool {
    let authority = host(request).and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let name = authority.host().trim_matches(['[', ']']);
        name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
    })
}

/// Whether a request comes from a page of this origin, or from no page at all.
fn is_own(request: &Request) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return true;
    };
    let authority = origin.to_str().ok().and_then(|it| it.split_once("://"));
    authority.is_some_and(|(_, authority)| Some(authority) == host(request))
}
