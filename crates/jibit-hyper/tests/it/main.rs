//! The transport over real sockets, against peers that misbehave on purpose.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod conformance;
mod matrix;
mod own;
mod pool;
mod sandbox;
mod setup;

use std::{error::Error, iter::successors, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use jibit_hyper::{Certainty, HyperTransport, Roots, Transport as _, TransportError};

type Outcome = Result<Response<Bytes>, TransportError>;

/// For what a busy machine may take long over, yet never takes for ever.
const PATIENCE: Duration = Duration::from_secs(60);

fn transport() -> HyperTransport {
    HyperTransport::builder()
        .roots(Roots::none())
        .build()
        .unwrap()
}

async fn get(transport: &HyperTransport, url: &str) -> Outcome {
    send(transport, Request::get(url).body(Bytes::new()).unwrap()).await
}

async fn post(transport: &HyperTransport, url: &str, body: &str) -> Outcome {
    let body = Bytes::copy_from_slice(body.as_bytes());
    send(transport, Request::post(url).body(body).unwrap()).await
}

async fn send(transport: &HyperTransport, request: Request<Bytes>) -> Outcome {
    tokio::time::timeout(PATIENCE, transport.send(request))
        .await
        .expect("neither answer nor error")
}

fn not_sent(outcome: &Outcome) -> bool {
    certainty(outcome) == Some(Certainty::NothingHappened)
}

fn unknown(outcome: &Outcome) -> bool {
    certainty(outcome) == Some(Certainty::Unknown)
}

fn certainty(outcome: &Outcome) -> Option<Certainty> {
    outcome.as_ref().err().map(TransportError::certainty)
}

/// All that an error says, to whoever asks it.
fn words(error: &(dyn Error + 'static)) -> String {
    let texts = successors(Some(error), |&error| error.source());
    let texts = texts.map(|error| error.to_string()).collect::<Vec<_>>();
    format!("{} / {error:?}", texts.join(": "))
}
