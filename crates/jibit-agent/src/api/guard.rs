//! Who may ask.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, header, uri::Authority};
use jibit_hyper::Secret;
use sha2::{Digest as _, Sha256, digest::Output};

use super::problem::Problem;

/// Who is let through.
#[derive(Clone)]
pub(crate) enum Guard {
    /// Whoever has the token of this digest.
    Known(Output<Sha256>),
    /// Whatever is no page of a browser.
    Programs,
    /// Everybody.
    None,
}

impl Guard {
    /// Whoever has the token; without one, whatever is no page of a browser.
    pub(crate) fn new(token: Option<&Secret>) -> Self {
        match token {
            Some(token) => Self::Known(Sha256::digest(token.expose())),
            None => Self::Programs,
        }
    }

    /// Everybody, where nobody comes who may not.
    pub(crate) const fn none() -> Self {
        Self::None
    }

    fn admits(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match self {
            // Digests are compared: how far one agrees says nothing of the token.
            Self::Known(token) => bearer(headers)
                .filter(|given| Sha256::digest(given) == *token)
                .map(drop)
                .ok_or_else(Problem::unauthorized),
            Self::Programs if headers.contains_key(header::ORIGIN) || !has_own_name(headers) => {
                Err(Problem::forbidden())
            }
            Self::Programs | Self::None => Ok(()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = given.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A name that somebody else's server gave out for our address is how a foreign
/// page gets round the rules about origins.
fn has_own_name(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        return true;
    };
    let host = host
        .to_str()
        .ok()
        .and_then(|it| it.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let name = host.host().trim_matches(['[', ']']);
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    })
}

pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.admits(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
