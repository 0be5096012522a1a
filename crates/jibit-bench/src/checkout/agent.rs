//! `jibit agent` against the checkout that it wraps: what HTTP, JSON and webhooks cost.

use std::{future::pending, sync::Arc, thread, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::{Request, Response, header::CONTENT_TYPE};
use jibit_agent::{Agent, Listener, Settings, Webhook, WebhookSecret};
use jibit_axum::ReturnPage;
use jibit_checkout::{CallbackUrl, Checkout, Purchase, SqliteStore, Standing};
use jibit_hyper::{
    Client, Config, HyperTransport, Roots, Secret, TokioClock, Transport, TransportError,
};
use jibit_proto::HttpHosts;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ROUNDS, Round, ratio};
use crate::{Outcome, figures::Figure, runtime, said};

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
    let settings = Settings::default().webhook_over(webhook.map_err(said)?, Gateway);
    let page = ReturnPage::new("", "/");
    let kept = Arc::new(store("agent").await.map_err(said)?);
    let agent = Agent::open(client()?, kept, back()?, page, settings);
    let url = serve(agent.await.map_err(said)?)?;

    let http = HyperTransport::builder().roots(Roots::none()).build();
    let http = http.map_err(said)?;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let first = round * ORDERS;
        let floor = timed(first, async |place| by_library(&library, place).await).await?;
        let ours = timed(first, async |place| by_http(&http, &url, place).await).await?;
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

/// Has the clients pay orders, each its share. Gives back the transitions a second.
async fn timed(first: usize, pay: impl AsyncFn(usize) -> Outcome<()>) -> Outcome<f64> {
    let begun = Instant::now();
    let pay = &pay;
    let clients = (0..CLIENTS).map(|client| async move {
        for place in (client..ORDERS).step_by(CLIENTS) {
            pay(first + place).await?;
        }
        Outcome::Ok(())
    });
    try_join_all(clients).await?;
    Ok((ORDERS * TRANSITIONS) as f64 / begun.elapsed().as_secs_f64())
}

/// The query that the customer of a page comes back with.
fn query(page: &str) -> String {
    format!("attempt={}", page.rsplit('/').next().unwrap_or_default())
}

async fn by_library(checkout: &Checkout, place: usize) -> Outcome<()> {
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

async fn by_http(http: &HyperTransport, url: &str, place: usize) -> Outcome<()> {
    let post = async |path: &str, body: Value| {
        let request = Request::post(format!("{url}{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string().into())
            .map_err(said)?;
        let answer = http.send(request).await.map_err(said)?;
        serde_json::from_slice::<Value>(answer.body()).map_err(said)
    };
    let number = format!("order-{place}");
    let order = json!({ "number": number, "amount": PRICE, "mobile": "09121234567" });
    let started = post("/orders", order).await?;
    let page = started.get("redirectUrl").and_then(Value::as_str);
    let page = page.ok_or_else(|| format!("{number} is not begun: {started}"))?;
    let returned = post("/callbacks", json!({ "query": query(page) })).await?;
    if returned.get("standing") != Some(&json!("paid")) {
        return Err(format!("{number} is not paid: {returned}"));
    }
    let marked = post(&format!("/orders/{number}/fulfilled"), json!({})).await?;
    match marked.get("newly") {
        Some(Value::Bool(true)) => Ok(()),
        _ => Err(format!("{number} is not fulfilled: {marked}")),
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
