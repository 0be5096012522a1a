//! A shop without a checkout of its own, which asks agents, in a process of its own.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    routing::{get, post},
};
use bytes::Bytes;
use clap::Args;
use http::{Request, Response, header::CONTENT_TYPE};
use jibit_hyper::{HyperTransport, Transport as _};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Outcome,
    goods::Goods,
    runtime, said,
    shop::{self, Answer, Mistake, PACKING, PRICE},
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the agents are.
    #[arg(long, value_delimiter = ',')]
    agents: Vec<String>,
    /// The shop's book of what it handed out.
    #[arg(long)]
    goods: PathBuf,
    #[arg(long)]
    mistake: Option<Mistake>,
}

#[derive(Clone)]
struct Shop(Arc<Parts>);

struct Parts {
    agents: Vec<String>,
    /// Which of them is asked next.
    next: AtomicUsize,
    http: HyperTransport,
    goods: PathBuf,
    mistake: Option<Mistake>,
}

pub(crate) fn command(arguments: &Arguments) -> Outcome<()> {
    shop::log();
    runtime()?.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Outcome<()> {
    let shop = Shop(Arc::new(Parts {
        agents: arguments.agents.clone(),
        next: AtomicUsize::new(0),
        http: shop::plain()?,
        goods: arguments.goods.clone(),
        mistake: arguments.mistake,
    }));
    let routes = Router::new()
        .route("/buy", post(buy))
        .route("/back", get(back))
        .route("/jibit", post(told))
        .with_state(shop);
    tokio::select! {
        served = axum::serve(shop::listener()?, routes).into_future() => served.map_err(said),
        () = shop::orphaned() => Ok(()),
    }
}

impl Shop {
    /// Asks one of the agents.
    async fn ask(&self, path: &str, body: &Value) -> Outcome<Response<Bytes>> {
        let Parts {
            agents, next, http, ..
        } = &*self.0;
        let agent = agents.get(next.fetch_add(1, Relaxed) % agents.len().max(1));
        let request = Request::post(format!("{}{path}", agent.ok_or("there is no agent")?))
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string().into())
            .map_err(said)?;
        http.send(request).await.map_err(said)
    }

    fn hand(&self, number: &str, careless: bool) -> Outcome<()> {
        Goods::open(&self.0.goods)?.hand(number, careless)
    }
}

fn unavailable(error: String) -> Answer {
    (StatusCode::SERVICE_UNAVAILABLE, error)
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8_lossy(answer.body()).into_owned()
}

/// The body is an order's number, a blank, and the customer's mobile number.
async fn buy(State(shop): State<Shop>, body: String) -> Answer {
    let (number, mobile) = body.split_once(' ').unwrap_or_default();
    let order = json!({ "number": number, "amount": PRICE, "mobile": mobile });
    let answer = match shop.ask("/orders", &order).await {
        Ok(answer) => answer,
        Err(error) => return unavailable(error),
    };
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match (
        answer.status(),
        body.get("redirectUrl").and_then(Value::as_str),
    ) {
        (StatusCode::OK, Some(page)) => (StatusCode::OK, page.to_owned()),
        (StatusCode::CONFLICT, _) => (StatusCode::CONFLICT, text(&answer)),
        _ => unavailable(text(&answer)),
    }
}

async fn back(State(shop): State<Shop>, RawQuery(query): RawQuery) -> Answer {
    let query = query.unwrap_or_default();
    let answer = match shop.ask("/callbacks", &json!({ "query": query })).await {
        Ok(answer) => answer,
        Err(error) => return unavailable(error),
    };
    let order: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let number = order.get("number").and_then(Value::as_str);
    if let (Some(Mistake::BelievesCallbacks), Some(number)) = (shop.0.mistake, number)
        && query.contains("PURCHASE_BY")
    {
        let _ = shop.hand(number, false);
    }
    (answer.status(), text(&answer))
}

/// A webhook. It is answered with 200 once goods have left and the agent knows.
async fn told(State(shop): State<Shop>, body: String) -> Answer {
    let event: Value = serde_json::from_str(&body).unwrap_or_default();
    let number = event.pointer("/data/order/number").and_then(Value::as_str);
    let kind = event.get("type").and_then(Value::as_str);
    let (Some("order.paid"), Some(number)) = (kind, number) else {
        return (StatusCode::OK, String::new());
    };
    let handed = match shop.0.mistake {
        Some(Mistake::LosesGoods) => Ok(()),
        mistake => shop.hand(number, mistake == Some(Mistake::IgnoresKeys)),
    };
    sleep(PACKING).await;
    let marked = match handed {
        Ok(()) => {
            shop.ask(&format!("/orders/{number}/fulfilled"), &json!({}))
                .await
        }
        Err(error) => Err(error),
    };
    match marked {
        Ok(answer) if answer.status().is_success() => (StatusCode::OK, String::new()),
        Ok(answer) => unavailable(text(&answer)),
        Err(error) => unavailable(error),
    }
}
