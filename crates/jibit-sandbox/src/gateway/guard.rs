//! Who may use the controls, and which pages may.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use sha2::{Digest as _, Sha256};

use super::{Refusal, api};
use crate::Settings;

/// Whether a request may use `/_sandbox/`.
pub(super) fn controls(settings: &Settings, request: &Request<Bytes>) -> Result<(), Refusal> {
    match &settings.control_token {
        Some(token) if shows(request, token.expose()) => {}
        Some(_) => return Err(Refusal::ControlToken),
        None if settings.exposed => return Err(Refusal::Closed),
        // A name that somebody else's server gave out for our address is how a
        // foreign page gets round the rules about origins.
        None if !is_own_name(host(request).unwrap_or_default(), settings) => {
            return Err(Refusal::Site);
        }
        None => {}
    }
    own_page(request)
}

/// Whether a request that does something comes from a page of ours, or from no
/// page at all.
pub(super) fn own_page(request: &Request<Bytes>) -> Result<(), Refusal> {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(());
    };
    let ours = origin.to_str().ok().and_then(|origin| {
        let (_, authority) = origin.split_once("://")?;
        Some(authority == host(request)?)
    });
    if request.method() == Method::GET || ours == Some(true) {
        Ok(())
    } else {
        Err(Refusal::Site)
    }
}

/// A refusal of the controls; it has a browser ask its user for the token.
pub(super) fn refuse(refusal: Refusal) -> Response<Bytes> {
    let mut answer = api::refuse(refusal);
    if refusal == Refusal::ControlToken {
        let challenge = HeaderValue::from_static("Basic realm=\"the sandbox's control token\"");
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// As a bearer token, or as the password of any user, which is how browsers do it.
fn shows(request: &Request<Bytes>, token: &str) -> bool {
    let shown = (request.headers().get(header::AUTHORIZATION))
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .and_then(
            |(scheme, shown)| match scheme.to_ascii_lowercase().as_str() {
                "bearer" => Some(shown.as_bytes().to_vec()),
                "basic" => {
                    let pair = BASE64_STANDARD.decode(shown).ok()?;
                    let colon = pair.iter().position(|byte| *byte == b':')?;
                    Some(pair.get(colon + 1..)?.to_vec())
                }
                _ => None,
            },
        );
    // Digests, so that the time it takes tells nothing of the token.
    shown.is_some_and(|shown| Sha256::digest(shown) == Sha256::digest(token))
}

fn host(request: &Request<Bytes>) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(header::HOST)?.to_str().ok(),
    }
}

/// An address, a name that always means this machine, or the public URL's name.
fn is_own_name(host: &str, settings: &Settings) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        // A caller in the same process names no host.
        return host.is_empty();
    };
    let name = authority.host().to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let public = settings.public_url.as_deref().unwrap_or_default();
    let public = public.parse::<Uri>().ok();
    address.parse::<std::net::IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || public.is_some_and(|url| {
            url.host()
                .is_some_and(|host| host.eq_ignore_ascii_case(&name))
        })
}
