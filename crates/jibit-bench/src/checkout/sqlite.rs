//! The store in SQLite against one-row inserts into a file beside it.

use std::{path::Path, time::Instant};

use jibit_checkout::SqliteStore;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::{ROUNDS, Round, ratio, settle};
use crate::{Outcome, figures::Figure, said};

/// How many callers, how many orders they settle in a round, and what has to hold.
const SIZES: [(usize, usize, f64); 2] = [(1, 1_000, 0.9), (64, 10_000, 6.0)];

const FLOOR: &str = "a raw insert";

/// How many rows are inserted in a round.
const ROWS: usize = 2_000;

/// The bound on the size of an order with one attempt, in bytes.
const LARGEST: u64 = 1024;

pub(super) async fn measure() -> Outcome<Vec<Figure>> {
    let folder = TempDir::with_prefix("jibit-bench-").map_err(said)?;
    let path = folder.path().join("orders.sqlite");
    let store = SqliteStore::open(&path).await.map_err(said)?;
    let raw = raw(&folder.path().join("raw.sqlite")).map_err(said)?;
    let (mut figures, mut made) = (Vec::new(), 0);
    for (callers, orders, least) in SIZES {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let ready = settle::ready(&store, made, orders, 64).await?;
            made += orders;
            let floor = insert(&raw).map_err(said)?;
            let ours = settle::settle(&store, ready, callers).await?;
            rounds.push(Round { floor, ours });
        }
        figures.push(ratio(
            format!("SQLite, {callers} callers"),
            least,
            FLOOR,
            &rounds,
        ));
    }
    drop(store);
    figures.push(size(&path, made as u64)?);
    Ok(figures)
}

/// A file with the same promises: a commit is on the disk when it returns.
fn raw(path: &Path) -> rusqlite::Result<Connection> {
    let raw = Connection::open(path)?;
    raw.pragma_update(None, "journal_mode", "wal")?;
    raw.pragma_update(None, "synchronous", "full")?;
    raw.execute_batch("create table raw (id integer primary key, text text) strict")?;
    Ok(raw)
}

/// Inserts a row a commit. Gives back the rows a second.
fn insert(raw: &Connection) -> rusqlite::Result<f64> {
    let mut insert = raw.prepare("insert into raw (text) values (?1)")?;
    let begun = Instant::now();
    for _ in 0..ROWS {
        insert.execute(params!["a row of about fifty bytes, as many are"])?;
    }
    Ok(ROWS as f64 / begun.elapsed().as_secs_f64())
}

/// What the file came to, with its log written back.
fn size(path: &Path, orders: u64) -> Outcome<Figure> {
    let store = Connection::open(path).map_err(said)?;
    let written = store.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()));
    written.map_err(said)?;
    let size = std::fs::metadata(path).map_err(said)?.len();
    let each = size / orders.max(1);
    Ok(Figure {
        name: "SQLite, on disk".to_owned(),
        measured: format!("{each} bytes an order with one attempt, of {orders}"),
        bound: format!("at most {LARGEST} bytes"),
        held: each <= LARGEST,
        details: serde_json::json!({ "bytes": size, "orders": orders }),
    })
}
