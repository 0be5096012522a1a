//! What the page is made of besides itself: its policy allows nothing foreign
//! and nothing inside the page.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::{Refusal, gateway::api};

pub(super) const STYLE: &str = "/_sandbox/page.css";
pub(super) const SCRIPT: &str = "/_sandbox/page.js";

/// Vazirmatn, cut to what the page needs; assets/OFL.txt is its licence.
const TYPEFACE: &[u8] = include_bytes!("../../../assets/vazirmatn.woff2");

/// Answers a request for one of them; nothing if it is for something else.
pub(in crate::gateway) fn answer(request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let (kind, content): (_, &'static [u8]) = match request.uri().path() {
        STYLE => ("text/css; charset=utf-8", include_bytes!("page.css")),
        SCRIPT => ("text/javascript; charset=utf-8", include_bytes!("page.js")),
        "/_sandbox/vazirmatn.woff2" => ("font/woff2", TYPEFACE),
        _ => return None,
    };
    if request.method() != Method::GET {
        return Some(api::refuse(Refusal::Method));
    }
    let mut answer = Response::new(Bytes::from_static(content));
    *answer.status_mut() = StatusCode::OK;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("max-age=3600"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    Some(answer)
}
