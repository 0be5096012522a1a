//! `POST /authenticate/refresh`: a fresh pair for the old one, which may have
//! expired. A refresh whose answer was lost is never sent again: the refresh
//! token may be spent.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;

use super::{
    Operation,
    authenticate::{Tokens, tokens},
};
use crate::{BaseUrl, Error, InvalidInput};

/// Builds the request.
///
/// # Errors
///
/// If the base URL cannot carry the path.
pub fn request(base: &BaseUrl, old: &Tokens) -> Result<Request<Bytes>, InvalidInput> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire<'a> {
        token: &'a str,
        refresh_token: &'a str,
    }

    let fields = Wire {
        token: old.token.expose(),
        refresh_token: old.refresh_token.expose(),
    };
    let body = super::body(&fields, 1024)?;
    let uri = base.join("/authenticate/refresh", None)?;
    Ok(super::request(Method::POST, uri, None, body))
}

/// Reads the answer; `old` is what the request carried, so that no error
/// repeats it.
///
/// # Errors
///
/// Whatever the error, the password is the way on.
pub fn parse(answer: &Response<Bytes>, old: &Tokens) -> Result<Tokens, Error> {
    tokens(
        Operation::Refresh,
        answer,
        &[&old.token, &old.refresh_token],
    )
}
