//! `jibit agent` against the checkout that it wraps: what HTTP, JSON and webhooks cost.

use std::{future::pending, sync::Arc, thread, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::{Request, Response};
use jibit_agent::{Agent, Listener, Settings, Webhook, WebhookSecret};
use jibit_axum::ReturnPage;
use jibit_checkout::{CallbackUrl, Checkout, Purchase, SqliteStore, Standing};
use jibit_hyper::{Client, Config, Secret, TokioClock, Transport, TransportError};
use jibit_proto::HttpHosts;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ROUNDS, Round, ratio};
use crate::{Outcome, figures::Figure, runtime, said, wire};

/// How many clients there are, and how many orders they pay in a round.
const CLIENTS: usize = 64;
const ORDERS: usize = 2_000;

/// What is on the disk before the next thing happens: opened, begun, sent to pay, about to
/// verify, paid, fulfilled.
const TRANSITIONS: usize = 6;

const PRICE: u64 = 125_000;

pub(super) async fn measure() -> Outcome<Vec<Figure>> {
    let folder = TempDir::with_prefix("jibit-bench-").map_err(said)?;
    let store = async |name: &str| SqliteStore::open(folder.path().join(name)).await;
    let back = || CallbackUrl::new("https://shop.example/paid").map_err(said);
    let library = Checkout::open(client()?, store("library").await.map_err(said)?, back()?);
    let library = library.await.map_err(said)?;

    let secret = WebhookSecret::random().map_err(said)?;
    let secret = WebhookSecret::new(&secret).map_err(said)?;
    let webhook = Webhook::new("http://127.0.0.1:1/", secret, &HttpHosts::loopback());
    let settings = Settings::default().webhook(webhook.map_err(said)?, Gateway);
    let page = ReturnPage::new("", "/");
    let kept = Arc::new(store("agent").await.map_err(said)?);
    let agent = Agent::open(client()?, kept, back()?, page, settings);
    let url = serve(agent.await.map_err(said)?)?;

    let host = url.trim_start_matches("http://").to_owned();
    let mut clients = wire::connections(host.parse().map_err(said)?, CLIENTS)?;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let first = round * ORDERS;
        let floor = by_library(&library, first).await?;
        let ours = by_http(&mut clients, &host, first)?;
        rounds.push(Round { floor, ours });
    }
    let name = format!("jibit agent, {CLIENTS} clients");
    Ok(vec![ratio(name, 0.7, "the library's", &rounds)])
}

/// Runs the agent in a thread of its own; gives its URL.
fn serve(agent: Agent) -> Outcome<String> {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || -> Outcome<()> {
        runtime()?.block_on(async {
            let address = "127.0.0.1:0".parse().map_err(said)?;
            let listener = Listener::tcp(address).await.map_err(said)?;
            // Nobody who went away waits for it.
            let _ = tell.send(listener.address());
            agent.serve(listener, pending()).await.map_err(said)
        })
    });
    told.recv().map_err(said)
}

/// Has callers pay orders, each its share. Gives back the transitions a second.
async fn by_library(checkout: &Checkout, first: usize) -> Outcome<f64> {
    let begun = Instant::now();
    let callers = (0..CLIENTS).map(|caller| async move {
        for place in (caller..ORDERS).step_by(CLIENTS) {
            pay(checkout, first + place).await?;
        }
        Outcome::Ok(())
    });
    try_join_all(callers).await?;
    Ok((ORDERS * TRANSITIONS) as f64 / begun.elapsed().as_secs_f64())
}

/// The query that the customer of a page comes back with.
fn query(page: &str) -> String {
    format!("attempt={}", page.rsplit('/').next().unwrap_or_default())
}

async fn pay(checkout: &Checkout, place: usize) -> Outcome<()> {
    let number: jibit_checkout::OrderNumber = format!("order-{place}").parse().map_err(said)?;
    let amount = PRICE.to_string().parse().map_err(said)?;
    let mobile = "09121234567".parse().map_err(said)?;
    let purchase = Purchase::new(number.clone(), amount, mobile).map_err(said)?;
    let started = checkout.start(purchase).await.map_err(said)?;
    let query = query(&started.redirect_url);
    let returned = checkout.handle_callback(&query).await.map_err(said)?;
    if returned.map(|it| it.standing) != Some(Standing::Paid) {
        return Err(format!("{number} is not paid"));
    }
    checkout.fulfilled(&number).await.map(drop).map_err(said)
}

/// The same orders over HTTP, begun, called back and fulfilled one kind after the other,
/// by clients that do next to nothing: what shops cost is not the agent's.
fn by_http(clients: &mut [wire::Connection], host: &str, first: usize) -> Outcome<f64> {
    let begun = Instant::now();
    let post = |path: &str, body: Value| {
        let (kind, body) = ("Content-Type: application/json", body.to_string());
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}")
            .into_bytes()
    };
    let numbers = || (first..first + ORDERS).map(|place| format!("order-{place}"));
    let orders = numbers().map(|number| {
        post(
            "/orders",
            json!({ "number": number, "amount": PRICE, "mobile": "09121234567" }),
        )
    });
    let mut pages = Vec::new();
    wire::drive(clients, &orders.collect::<Vec<_>>(), |answer| {
        let page = answer.json()?;
        let page = page.get("redirectUrl").and_then(Value::as_str);
        pages.push(page.ok_or("there is no page")?.to_owned());
        Ok(())
    })?;
    let back = pages
        .iter()
        .map(|page| post("/callbacks", json!({ "query": query(page) })));
    wire::drive(clients, &back.collect::<Vec<_>>(), |answer| {
        has(&answer.json()?, "standing", &json!("paid"))
    })?;
    let shipped = numbers().map(|number| post(&format!("/orders/{number}/fulfilled"), json!({})));
    wire::drive(clients, &shipped.collect::<Vec<_>>(), |answer| {
        has(&answer.json()?, "newly", &json!(true))
    })?;
    Ok((ORDERS * TRANSITIONS) as f64 / begun.elapsed().as_secs_f64())
}

fn has(answer: &Value, field: &str, value: &Value) -> Outcome<()> {
    match answer.get(field) {
        Some(found) if found == value => Ok(()),
        _ => Err(format!("{field} is not {value}: {answer}")),
    }
}

fn client() -> Outcome<Client> {
    let config = Config::new("http://127.0.0.1:1", "7746", Secret::new("123456"));
    Client::new(config, 7, Gateway, TokioClock::new()).map_err(said)
}

/// Answers at once: everybody has paid, and every verify succeeds. The page that it
/// sends a customer to ends in the code of the attempt. A webhook is taken.
#[derive(Clone, Copy)]
struct Gateway;

#[async_trait]
impl Transport for Gateway {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path();
        let order = path.rsplit('/').next().unwrap_or_default();
        let payment = |order: &str| {
            format!(r#""amount":{PRICE},"merchantOrderId":"{order}","refId":"r{order}""#)
        };
        let answer = if path.starts_with("/order/inquiry/") {
            format!(r#"{{"statusV":"PURCHASE_BY_USER",{}}}"#, payment(order))
        } else if path.starts_with("/order/verify/") {
            success(&payment(order))
        } else if path == "/authenticate" {
            success(r#""token":"t","refreshToken":"r""#)
        } else {
            let asked: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let text = |field| asked.get(field).and_then(Value::as_str).unwrap_or_default();
            let (order, back) = (text("merchantOrderId"), text("callBackUrl"));
            let code = back.rsplit('=').next().unwrap_or_default();
            success(&format!(
                r#""orderId":"{order}","merchantOrderId":"{order}","redirectUrl":"https://pg.jibit.mobi/{code}""#
            ))
        };
        Ok(Response::new(answer.into()))
    }
}

fn success(result: &str) -> String {
    format!(r#"{{"errorCode":0,"result":{{{result}}}}}"#)
}
