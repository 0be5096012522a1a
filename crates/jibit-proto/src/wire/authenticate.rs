//! `POST /authenticate`: a pair of tokens for the merchant's password.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use super::{
    Operation,
    envelope::{self, Reading},
};
use crate::{BaseUrl, Error, ErrorKind, InvalidInput, Secret};

/// What the gateway hands out for a password or for an older pair.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Tokens {
    /// Goes with every `/order/…` call.
    pub token: Secret,
    /// Buys the next pair, once.
    pub refresh_token: Secret,
}

/// Builds the request; `username` is the merchant id.
///
/// # Errors
///
/// If the base URL cannot carry the path.
pub fn request(
    base: &BaseUrl,
    username: &str,
    password: &Secret,
) -> Result<Request<Bytes>, InvalidInput> {
    #[derive(Serialize)]
    struct Wire<'a> {
        username: &'a str,
        password: &'a str,
    }

    let fields = Wire {
        username,
        password: password.expose(),
    };
    let body = super::body(&fields, 64)?;
    let uri = base.join("/authenticate", None)?;
    Ok(super::request(Method::POST, uri, None, body))
}

/// Reads the answer; `password` is what the request carried, so that no error
/// repeats it.
///
/// # Errors
///
/// [`ErrorKind::Credentials`] if the gateway refuses them; other kinds say
/// that no pair came, for a reason of the gateway's or the way's.
pub fn parse(answer: &Response<Bytes>, password: &Secret) -> Result<Tokens, Error> {
    tokens(Operation::Authenticate, answer, &[password])
}

pub(super) fn tokens(
    operation: Operation,
    answer: &Response<Bytes>,
    secrets: &[&Secret],
) -> Result<Tokens, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        token: String,
        refresh_token: String,
    }

    let reading = Reading::of(answer);
    let wire: Wire = reading.result(operation, secrets)?;
    let tokens = Tokens {
        token: Secret::new(wire.token),
        refresh_token: Secret::new(wire.refresh_token),
    };
    if tokens.token.bearer().is_err() {
        let problem = "the gateway's token cannot stand in a header";
        return Err(envelope::implausible(
            answer,
            ErrorKind::Unreadable,
            problem,
        ));
    }
    Ok(tokens)
}
