//! What the sandbox's pages share: their headers, and what they are made of
//! besides themselves. Their policy allows nothing foreign and nothing inside a page.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use maud::Markup;

use super::api;
use crate::Refusal;

/// Vazirmatn, cut to what the page needs; assets/OFL.txt is its licence.
const TYPEFACE: &[u8] = include_bytes!("../../assets/vazirmatn.woff2");

/// A page. `policy` is what its Content-Security-Policy allows besides its own
/// style, script and typeface.
pub(super) fn page(status: StatusCode, policy: &str, page: Markup) -> Response<Bytes> {
    let policy = format!(
        "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; \
         base-uri 'none'; frame-ancestors 'none'; {policy}"
    );
    let mut answer = content("text/html; charset=utf-8", page.into_string());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        // A form of ours says where it comes from; nobody else is told.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// 303, so that the browser goes there by GET.
pub(super) fn see_other(url: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    // The URL was checked when the order was made; a header takes it.
    if let Ok(location) = HeaderValue::try_from(url) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// Answers a request for a style, a script or the typeface; nothing if it is
/// for something else.
pub(super) fn asset(request: &Request<Bytes>) -> Option<Response<Bytes>> {
    const STYLE: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let file = request.uri().path().strip_prefix("/_sandbox/")?;
    let (kind, bytes): (_, &'static [u8]) = match file {
        "page.css" => (STYLE, include_bytes!("page/page.css")),
        "page.js" => (SCRIPT, include_bytes!("page/page.js")),
        "dashboard.css" => (STYLE, include_bytes!("dashboard/dashboard.css")),
        "dashboard.js" => (SCRIPT, include_bytes!("dashboard/dashboard.js")),
        "vazirmatn.woff2" => ("font/woff2", TYPEFACE),
        _ => return None,
    };
    if request.method() != Method::GET {
        return Some(api::refuse(Refusal::Method("GET")));
    }
    let mut answer = content(kind, bytes);
    let hour = HeaderValue::from_static("max-age=3600");
    answer.headers_mut().insert(header::CACHE_CONTROL, hour);
    Some(answer)
}

/// Content of a kind that a browser must not guess anew.
pub(super) fn content(kind: &'static str, content: impl Into<Bytes>) -> Response<Bytes> {
    let mut answer = Response::new(content.into());
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}
