//! What cases are written with.

use std::{
    error::Error,
    io,
    iter::successors,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use jibit_client::{Certainty, TransportError};

use super::subject::{Sends, Sent};

/// Why a transport does not pass.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Failed {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self(format!("the kit's own peer fails: {error}"))
    }
}

impl From<http::Error> for Failed {
    fn from(error: http::Error) -> Self {
        Self(format!("the kit's own request fails: {error}"))
    }
}

pub(super) type Checked = Result<(), Failed>;

macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err(crate::conformance::check::Failed::new(format!($($why)+)));
        }
    };
}
pub(super) use ensure;

/// For what is to succeed.
pub(super) const LONG: Duration = Duration::from_secs(10);
/// For what is to run out of time.
pub(super) const SHORT: Duration = Duration::from_millis(300);
/// How much later than its time a send may end on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

/// What every request carries and nobody may show.
pub(super) const BEARER: &str = "Bearer s3cr3t-t0ken";

pub(super) fn request(
    method: &str,
    url: &str,
    body: impl Into<Bytes>,
) -> Result<Request<Bytes>, Failed> {
    let mut bearer = HeaderValue::from_static(BEARER);
    bearer.set_sensitive(true);
    Ok(Request::builder()
        .method(method)
        .uri(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, bearer)
        .body(body.into())?)
}

pub(super) fn get(sends: &dyn Sends, url: &str) -> Result<Sent, Failed> {
    Ok(sends.send(request("GET", url, "")?, LONG))
}

pub(super) fn post(sends: &dyn Sends, url: &str, body: &str) -> Result<Sent, Failed> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Ok(sends.send(request("POST", url, body)?, LONG))
}

/// Sends a POST that is to run out of time, and holds it to that.
pub(super) fn post_briefly(sends: &dyn Sends, url: &str) -> Result<Sent, Failed> {
    let begun = Instant::now();
    let sent = sends.send(request("POST", url, "x")?, SHORT);
    let took = begun.elapsed();
    ensure!(
        took < SHORT + SLACK,
        "it took {took:?} with a time-out of {SHORT:?}"
    );
    Ok(sent)
}

/// The answer, or why there is none.
pub(super) fn answered(sent: Sent) -> Result<Response<Bytes>, Failed> {
    sent.map_err(|error| Failed::new(format!("no answer, but {}", words(&error))))
}

pub(super) fn must_be_unknown(sent: &Sent) -> Checked {
    must_be(sent, Certainty::Unknown)
}

pub(super) fn must_be_not_sent(sent: &Sent) -> Checked {
    must_be(sent, Certainty::NothingHappened)
}

fn must_be(sent: &Sent, certainty: Certainty) -> Checked {
    match sent {
        Ok(answer) => Err(Failed::new(format!(
            "an answer with status {} and {} bytes",
            answer.status(),
            answer.body().len()
        ))),
        Err(error) if error.certainty() == certainty => Ok(()),
        Err(error) => Err(Failed::new(format!(
            "{} instead of {certainty}: {}",
            error.certainty(),
            words(error)
        ))),
    }
}

/// What can be said of a request that arrived so often.
pub(super) fn at_most_once(sent: &Sent, arrived: usize) -> Checked {
    ensure!(arrived <= 1, "it arrived {arrived} times");
    ensure!(
        sent.is_err() || arrived == 1,
        "an answer to what never arrived"
    );
    let claimed = sent.as_ref().err().map(TransportError::certainty);
    ensure!(
        claimed != Some(Certainty::NothingHappened) || arrived == 0,
        "it is reported as not sent, and it arrived"
    );
    Ok(())
}

/// All that an error says, to whoever asks it.
pub(super) fn words(error: &TransportError) -> String {
    let error: &(dyn Error + 'static) = error;
    let texts = successors(Some(error), |&error| error.source());
    let texts = texts.map(ToString::to_string).collect::<Vec<_>>();
    format!("{} / {error:?}", texts.join(": "))
}
