//! A recording proxy between a shop and a gateway, over real sockets.

mod faults;
mod flow;
mod refusals;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use bytes::Bytes;
use http::{Request, Response};
use jibit_hyper::{HyperTransport, Roots, Secret, Transport as _};
use jibit_proto::{
    BaseUrl, CallbackUrl, HttpHosts,
    wire::{
        authenticate::{self, Tokens},
        initiate::NewOrder,
    },
};
use jibit_sandbox::{Sandbox, Settings};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout},
};

use crate::bench::command;

const PASSWORD: &str = "canary-password";

/// A running proxy with a folder of its own.
struct Capture {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
    url: String,
    folder: PathBuf,
}

impl Capture {
    async fn of(upstream: &str, name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("capture-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self::into(upstream, folder).await
    }

    async fn into(upstream: &str, folder: PathBuf) -> Self {
        let mut child = command(&["capture", "--json", "-vv", "--listen", "127.0.0.1:0"])
            .args(["--upstream", upstream, "--into"])
            .arg(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        let listening: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(listening["upstream"], upstream);
        Self {
            child,
            lines,
            said: first,
            url: listening["listening"].as_str().unwrap().to_owned(),
            folder,
        }
    }

    fn base(&self) -> BaseUrl {
        BaseUrl::new(&self.url, &HttpHosts::loopback()).unwrap()
    }

    /// The next line about an exchange.
    async fn line(&mut self) -> Value {
        let line = self.lines.next_line().await.unwrap().unwrap();
        self.said.push_str(&line);
        serde_json::from_str(&line).unwrap()
    }

    async fn interrupt(&self) {
        let pid = self.child.id().unwrap().to_string();
        let mut kill = tokio::process::Command::new("kill");
        let killed = kill.args(["-INT", &pid]).status().await.unwrap();
        assert!(killed.success());
    }

    /// Ends it as Ctrl-C does: the summary, and everything that it ever said.
    async fn end(mut self) -> (Value, String) {
        self.interrupt().await;
        let mut last = String::new();
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.said.push_str(&line);
            last = line;
        }
        let ran = self.child.wait_with_output().await.unwrap();
        assert_eq!(ran.status.code(), Some(0));
        self.said.push_str(&String::from_utf8(ran.stderr).unwrap());
        (serde_json::from_str(&last).unwrap(), self.said)
    }
}

/// Sends a request as a shop would.
async fn ask(request: Request<Bytes>) -> Response<Bytes> {
    let transport = HyperTransport::builder().roots(Roots::none());
    transport.build().unwrap().send(request).await.unwrap()
}

/// Every fixture of a folder by its name.
fn fixtures(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for operation in fs::read_dir(folder).unwrap() {
        let operation = operation.unwrap().path();
        for file in fs::read_dir(&operation).unwrap() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(folder).unwrap().display().to_string();
            all.insert(name, fs::read_to_string(file).unwrap());
        }
    }
    all
}

fn settings() -> Settings {
    Settings::default().merchants([("4477", Secret::new(PASSWORD))])
}

async fn sandbox() -> Sandbox {
    let address = "127.0.0.1:0".parse().unwrap();
    Sandbox::bind(address, settings()).await.unwrap()
}

async fn login(base: &BaseUrl) -> Tokens {
    let password = Secret::new(PASSWORD);
    let answer = ask(authenticate::request(base, "4477", &password).unwrap()).await;
    authenticate::parse(&answer, &password).unwrap()
}

fn order() -> NewOrder {
    NewOrder::new(
        "125000".parse().unwrap(),
        CallbackUrl::new("https://canary-host.ir/back?code=canary-code").unwrap(),
        "09354443322".parse().unwrap(),
        "canary-17-1".parse().unwrap(),
    )
    .unwrap()
    .additional_data("{\"canary\":\"canary-data\"}")
    .description("یک جلد کتاب برای قناری")
}
