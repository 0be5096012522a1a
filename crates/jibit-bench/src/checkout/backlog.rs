//! A reconciler that comes back to very many attempts that were paid meanwhile.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jibit_checkout::{CallbackUrl, Checkout, SqliteStore};
use jibit_hyper::{Client, Config, Secret, TokioClock, Transport, TransportError};
use tempfile::TempDir;

use super::settle;
use crate::{Outcome, figures::Figure, process::memory, said};

/// How many are due.
const DUE: usize = 100_000;

/// How much more memory it may take while it catches up, in bytes.
const MEMORY: u64 = 16 * 1024 * 1024;

pub(super) async fn measure() -> Outcome<Vec<Figure>> {
    let folder = TempDir::with_prefix("jibit-bench-").map_err(said)?;
    let path = folder.path().join("orders.sqlite");
    let store = SqliteStore::open(&path).await.map_err(said)?;
    for begun in (0..DUE).step_by(10_000) {
        drop(settle::ready(&store, begun, 10_000, 64).await?);
    }
    let gateway = Gateway::default();
    let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
    let client = Client::new(config, 7, gateway.clone(), TokioClock::new()).map_err(said)?;
    let back = CallbackUrl::new("https://shop.example/back").map_err(said)?;
    let checkout = Checkout::open(client, store, back).await.map_err(said)?;
    // The clock stands still, so that each is due, and due once.
    let checkout = checkout.timed_by(|| settle::BEGIN + Duration::from_millis(DUE as u64));

    let before = memory(process::id())?.now;
    let begun = Instant::now();
    let mut most = before;
    loop {
        let some = checkout.reconcile_some().await.map_err(said)?;
        most = most.max(memory(process::id())?.now);
        if some.asked == 0 {
            break;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let more = most.saturating_sub(before);
    let captured = gateway.captured.load(Relaxed);
    Ok(vec![Figure {
        name: format!("{DUE} due attempts"),
        measured: format!(
            "{captured} captured in {took:.0} s, {:.1} MiB more",
            more as f64 / 1024.0 / 1024.0
        ),
        bound: format!("at most {} MiB more", MEMORY / 1024 / 1024),
        held: more <= MEMORY && captured == DUE,
        details: serde_json::json!({ "captured": captured, "seconds": took, "bytes": more }),
    }])
}

/// Answers at once: everybody has paid, and every verify succeeds.
#[derive(Clone, Default)]
struct Gateway {
    captured: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for Gateway {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path();
        if path == "/authenticate" {
            let tokens = r#"{"errorCode":0,"result":{"token":"t","refreshToken":"r"}}"#;
            return Ok(Response::new(Bytes::from_static(tokens.as_bytes())));
        }
        let place = path.rsplit("gw").next().unwrap_or_default();
        let place: usize = place.parse().unwrap_or_default();
        let payment = format!(r#""amount":125000,"merchantOrderId":"order-{place}-1""#);
        let answer = if path.starts_with("/order/verify/") {
            self.captured.fetch_add(1, Relaxed);
            format!(r#"{{"errorCode":0,"result":{{{payment},"refId":"r{place}"}}}}"#)
        } else {
            format!(r#"{{"statusV":"PURCHASE_BY_USER",{payment}}}"#)
        };
        Ok(Response::new(answer.into()))
    }
}
