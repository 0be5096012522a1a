//! The shops of docs/shops, each in its language: what they show takes payments, and
//! survives their death between a webhook and its answer.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use jibit_checkout::{SqliteStore, Store as _};
use jibit_hyper::{HyperTransport, Roots, Transport as _};
use jibit_testkit::peer::{Arrived, Peer, Reply};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    agent,
    bench::{Bench, until},
};

/// What runs a shop, how to get that, and its words before the shop's file and after.
struct Language {
    program: &'static str,
    remedy: &'static str,
    file: &'static str,
    words: fn(&str, &str, u16) -> Vec<String>,
}

const PYTHON: Language = Language {
    program: "python3",
    remedy: "apt-get install python3",
    file: "shop.py",
    words: |_, file, port| vec![file.to_owned(), port.to_string()],
};

const NODE: Language = Language {
    program: "node",
    remedy: "apt-get install nodejs",
    file: "shop.mjs",
    words: |_, file, port| vec![file.to_owned(), port.to_string()],
};

const PHP: Language = Language {
    program: "php",
    remedy: "apt-get install php-cli php-sqlite3",
    file: "shop.php",
    words: |host, file, _| vec!["-S".to_owned(), host.to_owned(), file.to_owned()],
};

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    pays_and_dies(&PYTHON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node() {
    pays_and_dies(&NODE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn php() {
    pays_and_dies(&PHP).await;
}

/// A shop in its process, with its book on the disk.
struct Shop<'a> {
    language: &'a Language,
    folder: &'a TempDir,
    port: u16,
    agent: String,
}

impl Shop<'_> {
    async fn start(&self) -> Child {
        let host = format!("127.0.0.1:{}", self.port);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/shops/");
        let file = format!("{file}{}", self.language.file);
        let child = Command::new(self.language.program)
            .args((self.language.words)(&host, &file, self.port))
            .env("AGENT_URL", &self.agent)
            .env("WEBHOOK_SECRET_FILE", self.folder.path().join("secret"))
            .env("BOOK", self.folder.path().join("book"))
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let child = child.unwrap();
        until(async || TcpStream::connect(&host).is_ok()).await;
        child
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

async fn send(request: http::request::Builder, body: impl Into<Bytes>) -> Response<Bytes> {
    let transport = HyperTransport::builder().roots(Roots::none());
    let transport = transport.build().unwrap();
    let request = request.body(body.into()).unwrap();
    transport.send(request).await.unwrap()
}

async fn json(url: String) -> Value {
    let answer = send(Request::get(url), "").await;
    serde_json::from_slice(answer.body()).unwrap()
}

/// A customer pays; the shop is killed after it wrote the shipment down and before it
/// answered the webhook; it starts again, hears of the payment again, and has shipped once.
async fn pays_and_dies(language: &Language) {
    if !is_there(language) {
        return;
    }
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let secret = bench.run(&["agent", "--new-webhook-secret"]).await.stdout;
    fs::write(place("secret"), &secret).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let webhook = format!("http://127.0.0.1:{port}/jibit");
    let words = [
        "--listen",
        "127.0.0.1:0",
        "--callback-url",
        "https://shop.example/paid",
        "--store",
        &place("orders.sqlite3"),
        "--webhook-url",
        &webhook,
        "--webhook-secret-file",
        &place("secret"),
    ];
    let (_agent, agent) = agent::started(&bench, &words).await;

    // What the shop asks the agent passes here. The first "fulfilled" says that the
    // shipment is written down, and that the webhook is not answered yet.
    let (told, mut is_told) = tokio::sync::mpsc::unbounded_channel();
    let holds = Arc::new(AtomicBool::new(true));
    let (upstream, held) = (agent.clone(), Arc::clone(&holds));
    let between = Peer::plain(move |asked| {
        if asked.target().ends_with("/fulfilled") && held.load(SeqCst) {
            let _ = told.send(());
            while held.load(SeqCst) {
                thread::sleep(Duration::from_millis(10));
            }
            // Who asked is dead by now, and the agent never hears of it.
            return Reply::Close(Vec::new());
        }
        Reply::Close(pass_on(&upstream, asked))
    });
    let between = between.unwrap();
    let shop = Shop {
        language,
        folder: &folder,
        port,
        agent: between.url(""),
    };
    let mut child = shop.start().await;

    let form = Request::post(shop.url("/buy"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let bought = send(form, "mobile=09121234567").await;
    assert_eq!(bought.status(), 303, "{bought:?}");
    let page = bought.headers()[header::LOCATION].to_str().unwrap();
    let id = page.rsplit('/').next().unwrap();
    let listed = json(format!("{agent}/orders")).await;
    let number = listed["orders"][0]["number"].as_str().unwrap().to_owned();

    forged(&shop, &number).await;
    bench.sandbox.pay(id).unwrap();
    let store = SqliteStore::open(place("orders.sqlite3")).await.unwrap();
    let account = store.accounts().await.unwrap().pop().unwrap();
    let order = store.order(&account, &number.parse().unwrap()).await;
    let code = order.unwrap().unwrap().attempts[0].code;
    let back = send(Request::get(format!("{agent}/paid?attempt={code}")), "").await;
    assert_eq!(back.status(), 200);

    is_told.recv().await.unwrap();
    child.kill().await.unwrap();
    assert_eq!(
        json(format!("{agent}/orders/{number}")).await["fulfilled"],
        false
    );
    holds.store(false, SeqCst);
    let _child = shop.start().await;
    // The webhook comes again.
    until(async || json(format!("{agent}/orders/{number}")).await["fulfilled"] == true).await;
    assert_eq!(
        json(shop.url("/shipments")).await,
        serde_json::json!([number])
    );
}

/// What nobody signed ships nothing.
async fn forged(shop: &Shop<'_>, number: &str) {
    let body = format!(r#"{{"type":"order.paid","data":{{"order":{{"number":"{number}"}}}}}}"#);
    let forged = Request::post(shop.url("/jibit"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", "1")
        .header("webhook-timestamp", "1800000000")
        .header("webhook-signature", "v1,AAAA");
    assert_eq!(send(forged, body).await.status(), 401);
    assert_eq!(json(shop.url("/shipments")).await, serde_json::json!([]));
}

/// The agent's answer to what the shop asked, as it came.
fn pass_on(agent: &str, asked: &Arrived) -> Vec<u8> {
    let address: SocketAddr = agent.trim_start_matches("http://").parse().unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        asked.method(),
        asked.target(),
        asked.body.len()
    );
    let mut wire = TcpStream::connect(address).unwrap();
    wire.write_all(&[head.as_bytes(), &asked.body].concat())
        .unwrap();
    let mut answer = Vec::new();
    wire.read_to_end(&mut answer).unwrap();
    answer
}

/// Whether this machine has the language; one that may skip no test has to.
fn is_there(language: &Language) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&folders).map(|it: PathBuf| it.join(language.program));
    let found = places.any(|place| place.is_file());
    let (program, remedy) = (language.program, language.remedy);
    assert!(
        found || env::var_os("JIBIT_NO_SKIP").is_none(),
        "there is no {program}, and no test may be skipped: {remedy}"
    );
    if !found {
        eprintln!("skipped: there is no {program}; {remedy}");
    }
    found
}
