//! A gateway, an agent and the shop beside it.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use jibit_agent::{Agent, AgentError, Listener, Settings, Webhook, WebhookSecret};
use jibit_axum::ReturnPage;
use jibit_checkout::{CallbackUrl, Checkout, SqliteStore};
use jibit_hyper::{Client, Config, HyperTransport, Roots, Secret, Transport as _};
use jibit_proto::HttpHosts;
use jibit_sandbox::Sandbox;
use jibit_testkit::peer::{Arrived, Peer, Reply};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

pub(crate) struct Shop {
    pub(crate) sandbox: Sandbox,
    pub(crate) checkout: Checkout,
    folder: TempDir,
    url: String,
    http: HyperTransport,
    running: Mutex<Option<Running>>,
    /// Takes webhooks.
    book: Arc<Peer>,
    webhook: Webhook,
    pub(crate) secret: Secret,
    /// What the book answers next; 200 if there is nothing.
    answers: Arc<Mutex<Vec<u16>>>,
}

struct Running {
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), AgentError>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    /// What a problem is about: its type's last word, and the field that it names.
    pub(crate) fn problem(&self) -> (u16, String, Value) {
        assert_eq!(self.kind, "application/problem+json", "{}", self.text);
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        let kind = json["type"].as_str().unwrap().rsplit(':').next();
        let kind = kind.unwrap().to_owned();
        (self.status.as_u16(), kind, json["field"].clone())
    }
}

pub(crate) fn plain() -> HyperTransport {
    let transport = HyperTransport::builder().roots(Roots::none());
    transport.build().unwrap()
}

/// An agent over a store in this folder.
pub(crate) async fn agent(sandbox: &Sandbox, folder: &TempDir, settings: Settings) -> Agent {
    let config = Config::new(sandbox.url(), "7746", Secret::new("123456"));
    let client = jibit_hyper::client_with(config, plain()).unwrap();
    let store = SqliteStore::open(folder.path().join("orders.sqlite3")).await;
    let agent = agent_at(
        "https://shop.example/paid",
        client,
        store.unwrap(),
        settings,
    );
    agent.await.unwrap()
}

/// An agent whose customers come back to this URL.
pub(crate) async fn agent_at(
    back: &str,
    client: Client,
    store: SqliteStore,
    settings: Settings,
) -> Result<Agent, AgentError> {
    let back = CallbackUrl::new(back).unwrap();
    let page = ReturnPage::new("فروشگاه نمونه", "https://shop.example/");
    Agent::open(client, Arc::new(store), back, page, settings).await
}

impl Shop {
    pub(crate) async fn new() -> Self {
        Self::with(|settings| settings).await
    }

    pub(crate) async fn with(also: impl FnOnce(Settings) -> Settings) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let next = Arc::clone(&answers);
        let book = Peer::plain(move |_| {
            let next = next.lock().unwrap().pop();
            Reply::status(next.unwrap_or(200))
        });
        let book = Arc::new(book.unwrap());
        let secret = WebhookSecret::random().unwrap();
        let signs = WebhookSecret::new(&secret).unwrap();
        let webhook = Webhook::new(&book.url("/jibit"), signs, &HttpHosts::loopback());
        let webhook = webhook.unwrap();
        let settings = Settings::default().webhook(webhook.clone(), plain());
        let agent = agent(&sandbox, &folder, also(settings)).await;
        let checkout = agent.checkout().clone();
        let (url, running) = run(agent).await;
        Self {
            sandbox,
            checkout,
            folder,
            url,
            http: plain(),
            running: Mutex::new(Some(running)),
            book,
            webhook,
            secret,
            answers,
        }
    }

    /// Asks the agent to end.
    pub(crate) async fn end(&self) -> Result<(), AgentError> {
        let running = self.running.lock().unwrap().take().unwrap();
        running.stop.send(()).unwrap();
        running.served.await.unwrap()
    }

    /// Starts another agent over the same orders.
    pub(crate) async fn start_anew(&mut self) {
        let settings = Settings::default().webhook(self.webhook.clone(), plain());
        let agent = agent(&self.sandbox, &self.folder, settings).await;
        self.checkout = agent.checkout().clone();
        let (url, running) = run(agent).await;
        self.url = url;
        *self.running.lock().unwrap() = Some(running);
    }

    /// Has the book answer so, the last first, before it answers 200.
    pub(crate) fn answers(&self) -> MutexGuard<'_, Vec<u16>> {
        self.answers.lock().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request, &body.to_string()).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
    }

    pub(crate) async fn send(&self, request: http::request::Builder, body: &str) -> Answer {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let answer = self.http.send(request.body(body).unwrap()).await.unwrap();
        let kind = answer.headers().get(header::CONTENT_TYPE);
        Answer {
            status: answer.status(),
            kind: kind.map_or("", |it| it.to_str().unwrap()).to_owned(),
            text: String::from_utf8(answer.body().to_vec()).unwrap(),
        }
    }

    /// Begins an order; gives the gateway's id and the query that its browser comes
    /// back with.
    pub(crate) async fn begin(&self, number: &str) -> (String, String) {
        let begun = self.post("/orders", &order(number)).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        let order = self.checkout.order(&number.parse().unwrap()).await.unwrap();
        let attempt = order.attempts.last().unwrap();
        let id = attempt.order_id.as_ref().unwrap().to_string();
        (id, format!("attempt={}", attempt.code))
    }

    /// Waits for so many webhooks.
    pub(crate) async fn told(&self, webhooks: usize) -> Vec<Arrived> {
        until(async || self.book.requests().len() >= webhooks).await;
        self.book.requests()
    }
}

async fn run(agent: Agent) -> (String, Running) {
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = listener.address();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(agent.serve(listener, async {
        let _ = stopped.await;
    }));
    (url, Running { stop, served })
}

/// Waits until something is so; it fails if that never comes.
pub(crate) async fn until(is_so: impl AsyncFn() -> bool) {
    let come = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let come = tokio::time::timeout(Duration::from_secs(60), come).await;
    come.expect("it never comes to that");
}

/// What begins an order.
pub(crate) fn order(number: &str) -> Value {
    json!({ "number": number, "amount": 125_000, "mobile": "09121234567", "description": "سه کتاب" })
}
