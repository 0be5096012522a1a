//! A million orders, and the journal that does not grow with them.

use serde_json::{Value, json};

use super::{Bench, MEMORY, mib};
use crate::{
    Outcome,
    figures::{Figure, progress},
    process::{Core, Server, memory, peer, told},
    requests::Merchant,
    wire::Connection,
};

const ORDERS: u64 = 1_000_000;
const JOURNAL: usize = 1_000;

pub(super) fn measure(bench: &Bench) -> Outcome<Vec<Figure>> {
    progress(&format!("{ORDERS} orders"));
    let sandbox = Server::sandbox(&bench.jibit, Core(None))?;
    let empty = memory(sandbox.id())?;
    let words = [
        "fill".to_owned(),
        format!("--address={}", sandbox.address),
        format!("--orders={ORDERS}"),
    ];
    let stored: u64 = told(peer(Core(None), &words)?)?;
    let full = memory(sandbox.id())?;
    let each = full.now.saturating_sub(empty.now) / ORDERS;
    // Kept last: what is asked from here on takes memory, too.
    let entries = journal(&sandbox)?;
    Ok(vec![
        Figure {
            name: format!("{ORDERS} orders"),
            measured: format!(
                "{}, {} at most; {each} bytes an order",
                mib(full.now),
                mib(full.peak)
            ),
            bound: format!("below {} of memory", mib(MEMORY)),
            held: stored == ORDERS && full.peak < MEMORY,
            details: json!({
                "orders": stored,
                "bytes": full.now,
                "peakBytes": full.peak,
                "bytesWhenEmpty": empty.now,
                "bytesPerOrder": each,
            }),
        },
        Figure {
            name: "journal after them".to_owned(),
            measured: format!("{entries} exchanges"),
            bound: format!("at most {JOURNAL} exchanges"),
            held: entries > 0 && entries <= JOURNAL,
            details: json!({"entries": entries}),
        },
    ])
}

fn journal(sandbox: &Server) -> Outcome<usize> {
    let look = Merchant::new(sandbox.address).control("journal");
    let mut connection = Connection::open(sandbox.address)?;
    let journal = connection.exchange(&look)?.json()?;
    let entries = journal.get("entries").and_then(Value::as_array);
    (entries.map(Vec::len)).ok_or_else(|| "the journal has no entries".to_owned())
}
