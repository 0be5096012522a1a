//! `jibit agent` as it is released: how long it takes to start, what it holds while
//! nobody asks, and how large the program is.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use jibit_agent::WebhookSecret;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    Outcome,
    figures::Figure,
    process::{Core, Server, command, jibit, memory},
    said, start,
    wire::Connection,
};

/// In milliseconds.
const START: f64 = 100.0;

/// How long it is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(2);

const MIB: f64 = 1024.0 * 1024.0;
const MEMORY: f64 = 30.0;
const SIZE: f64 = 15.0;

pub(super) fn measure() -> Outcome<Vec<Figure>> {
    let jibit = jibit()?;
    let folder = TempDir::with_prefix("jibit-bench-").map_err(said)?;
    Ok(vec![
        start::measure("jibit agent, start to first answer", START, || {
            started(&jibit, folder.path()).map(drop)
        })?,
        idle(&jibit, folder.path())?,
        size(&jibit, folder.path())?,
    ])
}

/// An agent with a store in this folder, once it has answered.
fn started(jibit: &Path, folder: &Path) -> Outcome<Server> {
    let mut command = command(jibit.as_os_str(), Core(None));
    let secret = WebhookSecret::random().map_err(said)?;
    let settings = [
        ("JIBIT_BASE_URL", "http://127.0.0.1:1"),
        ("JIBIT_USERNAME", "7746"),
        ("JIBIT_PASSWORD", "123456"),
        ("JIBIT_CALLBACK_URL", "http://127.0.0.1:1/paid"),
        ("JIBIT_WEBHOOK_URL", "http://127.0.0.1:1/"),
        ("JIBIT_WEBHOOK_SECRET", secret.expose()),
    ];
    (command.args(["agent", "--listen", "127.0.0.1:0", "--store"]))
        .arg(folder.join("orders.sqlite3"))
        .envs(settings);
    let agent = Server::start(command)?;
    let ready = format!("GET /ready HTTP/1.1\r\nHost: {}\r\n\r\n", agent.address);
    let mut connection = Connection::open(agent.address)?;
    let answer = connection.exchange(ready.as_bytes())?;
    if answer.status != 200 {
        return Err(format!("an agent is not ready: {}", answer.status));
    }
    Ok(agent)
}

fn idle(jibit: &Path, folder: &Path) -> Outcome<Figure> {
    let agent = started(jibit, folder)?;
    thread::sleep(IDLE);
    let held = memory(agent.id())?.now as f64 / MIB;
    Ok(Figure {
        name: "jibit agent, idle".to_owned(),
        measured: format!("{held:.1} MiB resident"),
        bound: format!("below {MEMORY:.0} MiB"),
        held: held < MEMORY,
        details: json!({"mib": held}),
    })
}

fn size(jibit: &Path, folder: &Path) -> Outcome<Figure> {
    let name = "jibit, the program";
    let bound = format!("below {SIZE:.0} MiB stripped");
    let stripped = folder.join("jibit");
    let strip = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(jibit)
        .status();
    if !strip.is_ok_and(|status| status.success()) {
        return Ok(Figure::unmeasured(
            name,
            &bound,
            "there is no strip: apt-get install binutils",
        ));
    }
    let mib = fs::metadata(&stripped).map_err(said)?.len() as f64 / MIB;
    Ok(Figure {
        name: name.to_owned(),
        measured: format!("{mib:.1} MiB"),
        bound,
        held: mib < SIZE,
        details: json!({"mib": mib}),
    })
}
