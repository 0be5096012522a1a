//! What a text is made of, before anything is known about it.

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Header and payload of a JWT as JSON, and its signature.
pub(super) fn of_jwt(token: &str) -> Option<(String, String, &str)> {
    let decode = |part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.starts_with('{').then_some(text)
    };
    let mut parts = token.split('.');
    let (header, claims) = (decode(parts.next()?)?, decode(parts.next()?)?);
    let signature = parts.next()?;
    parts
        .next()
        .is_none()
        .then_some((header, claims, signature))
}

pub(super) fn is_jwt(text: &str) -> bool {
    of_jwt(text).is_some()
}

/// The host of an absolute URL, and what follows host and port.
pub(super) fn host_and_rest(url: &str) -> Option<(&str, &str)> {
    let (_, after) = url.split_once("://")?;
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (authority, rest) = after.split_at_checked(end)?;
    let host = authority.rsplit('@').next()?;
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    (!host.is_empty()).then_some((host, rest))
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || (address.parse::<IpAddr>()).is_ok_and(|address| address.is_loopback())
}
