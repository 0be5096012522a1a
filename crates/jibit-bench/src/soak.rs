//! Ten minutes of payments over TLS, 64 at a time: no handshake but the first ones, and
//! no more memory at the end than after a minute.

use std::{
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use reqwest::{Certificate, blocking::Client};
use serde_json::json;

use crate::{
    Outcome,
    client::Spent,
    figures::{Figure, Measured, progress},
    process::{Core, Running, Server, cores, memory, peer, read_json},
    said,
};

const FLOWS: usize = 64;

/// After the first minute, of the memory then.
const GROWTH: f64 = 1.1;

#[derive(Args)]
pub(crate) struct Arguments {
    /// How long it takes, 2 minutes at least.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..))]
    minutes: u64,
}

pub(crate) fn measure(arguments: &Arguments) -> Outcome<Measured> {
    let minutes = arguments.minutes;
    let (server, load) = cores().unwrap_or((Core(None), Core(None)));
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let certificate = folder.path().join("gateway.pem");
    let trusted = format!("--certificate={}", certificate.display());
    let gateway = Server::start(peer(server, &["gateway".to_owned(), trusted.clone()])?)?;
    let pem = std::fs::read(&certificate).map_err(said)?;
    let counter = Counter::new(&gateway, &pem)?;
    let words = [
        "flows".to_owned(),
        format!("--address={}", gateway.address),
        trusted,
        "--by=own".to_owned(),
        format!("--flows={FLOWS}"),
        "--payments=1000".to_owned(),
        format!("--seconds={}", minutes * 60),
    ];
    let mut flows = Running::start(peer(load, &words)?)?;
    let begun = Instant::now();
    let minute = |number: u64| {
        let end = begun + Duration::from_secs(60 * number);
        thread::sleep(end.saturating_duration_since(Instant::now()));
    };
    minute(1);
    let (connections, held) = (counter.count()?, memory(flows.id())?.now);
    for number in 2..=minutes {
        progress(&format!("minute {number} of {minutes}"));
        minute(number);
    }
    let spent: Spent = read_json(&flows.line()?)?;
    let more = counter.count()?.saturating_sub(connections);
    let growth = spent.memory as f64 / held as f64;
    let requests = spent.requests;
    Ok(Measured {
        name: "soak",
        figures: vec![
            Figure {
                name: format!("{minutes} minutes: handshakes"),
                measured: format!(
                    "{more} after the first minute, {connections} in it, {requests} requests"
                ),
                bound: "none after the first minute".to_owned(),
                held: more == 0,
                details: json!({"first": connections, "later": more, "requests": requests}),
            },
            Figure {
                name: format!("{minutes} minutes: memory"),
                measured: format!(
                    "{growth:.2} of the first minute's ({:.1} MiB)",
                    held as f64 / (1024.0 * 1024.0)
                ),
                bound: format!("{GROWTH:.2} of the first minute's"),
                held: growth <= GROWTH,
                details: json!({"first": held, "last": spent.memory}),
            },
        ],
        notes: Vec::new(),
    })
}

/// Asks the gateway how many connections it has had, always over the same one.
struct Counter {
    client: Client,
    url: String,
}

impl Counter {
    fn new(gateway: &Server, pem: &[u8]) -> Outcome<Self> {
        // Said once a process; it may have been said before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate = Certificate::from_pem(pem).map_err(said)?;
        let client = Client::builder()
            .tls_certs_only([certificate])
            .pool_idle_timeout(None);
        let counter = Self {
            client: client.build().map_err(said)?,
            url: format!("https://{}/connections", gateway.address),
        };
        counter.count()?;
        Ok(counter)
    }

    fn count(&self) -> Outcome<usize> {
        let answer = self.client.get(&self.url).send().map_err(said)?;
        let count = answer.text().map_err(said)?;
        count.parse().map_err(said)
    }
}
