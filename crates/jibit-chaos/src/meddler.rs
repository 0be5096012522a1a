//! Whoever stands between agents and shops: webhooks get lost, late, doubled and out of
//! order here.

use std::{
    fmt::{self, Display},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use http::{Request, StatusCode};
use jibit_hyper::{HyperTransport, Transport as _};
use tokio::{net::TcpListener, time::sleep};

use crate::{
    Outcome, said,
    seed::{About, Seed},
    shop,
};

/// Passes webhooks on, or not.
#[derive(Clone)]
pub(crate) struct Meddler(Arc<Parts>);

struct Parts {
    seed: Seed,
    http: HyperTransport,
    /// Where the shops are, once they are.
    shops: OnceLock<Vec<String>>,
    honest: AtomicBool,
    /// What it did, by kind.
    did: [AtomicU64; KINDS.len()],
}

const KINDS: [&str; 5] = ["passed", "lost", "answer lost", "doubled", "late"];

impl Meddler {
    /// A meddler, and its URL.
    pub(crate) async fn start(seed: Seed) -> Outcome<(Self, String)> {
        let meddler = Self(Arc::new(Parts {
            seed,
            http: shop::plain()?,
            shops: OnceLock::new(),
            honest: AtomicBool::new(false),
            did: Default::default(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(said)?;
        let url = format!("http://{}/jibit", listener.local_addr().map_err(said)?);
        let routes = Router::new().route("/jibit", post(meddle));
        let routes = routes.with_state(meddler.clone());
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok((meddler, url))
    }

    /// Says where webhooks are to go.
    pub(crate) fn reaches(&self, shops: Vec<String>) {
        let _ = self.0.shops.set(shops);
    }

    /// From here on all are passed on as they come.
    pub(crate) fn behave(&self) {
        self.0.honest.store(true, Relaxed);
    }

    async fn pass(&self, place: u64, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let shops = self.0.shops.get().map_or(&[][..], Vec::as_slice);
        let which = self.0.seed.at(About::Shop, place) % shops.len().max(1) as u64;
        let Some(shop) = shops.get(usize::try_from(which).unwrap_or_default()) else {
            return StatusCode::SERVICE_UNAVAILABLE;
        };
        let mut request = Request::post(format!("{shop}/jibit"));
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            if let Some(value) = headers.get(name) {
                request = request.header(name, value);
            }
        }
        let Ok(request) = request.body(body.clone()) else {
            return StatusCode::BAD_GATEWAY;
        };
        let answer = self.0.http.send(request).await;
        answer.map_or(StatusCode::BAD_GATEWAY, |answer| answer.status())
    }
}

async fn meddle(State(meddler): State<Meddler>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let place = meddler.0.did.iter().map(|count| count.load(Relaxed)).sum();
    let drawn = meddler.0.seed.at(About::Webhook, place);
    let kind = match drawn % 10 {
        _ if meddler.0.honest.load(Relaxed) => 0,
        0 => 1,
        1 => 2,
        2 => 3,
        3 => 4,
        _ => 0,
    };
    if let Some(count) = meddler.0.did.get(kind) {
        count.fetch_add(1, Relaxed);
    }
    match kind {
        1 => StatusCode::BAD_GATEWAY,
        2 => {
            meddler.pass(place, &headers, &body).await;
            StatusCode::BAD_GATEWAY
        }
        3 => {
            let first = meddler.pass(place, &headers, &body);
            let second = meddler.pass(place + 1, &headers, &body);
            tokio::join!(first, second).1
        }
        4 => {
            sleep(Duration::from_millis((drawn >> 32) % 3000)).await;
            meddler.pass(place, &headers, &body).await
        }
        _ => meddler.pass(place, &headers, &body).await,
    }
}

impl Display for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did = KINDS.iter().zip(&self.0.did);
        let did = did.map(|(kind, count)| format!("{} {kind}", count.load(Relaxed)));
        f.write_str(&did.collect::<Vec<_>>().join(", "))
    }
}
