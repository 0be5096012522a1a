//! From nothing to the first answer.

use std::time::Instant;

use serde_json::json;

use super::Bench;
use crate::{
    Outcome,
    figures::{Figure, median, progress, quantile},
    process::{Core, Server},
    requests::Merchant,
    wire::Connection,
};

/// In milliseconds.
const BOUND: f64 = 50.0;
const STARTS: usize = 21;

pub(super) fn measure(bench: &Bench) -> Outcome<Figure> {
    progress(&format!("{STARTS} starts"));
    let mut millis = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begun = Instant::now();
        let sandbox = Server::sandbox(&bench.jibit, Core(None))?;
        let login = Merchant::new(sandbox.address).authenticate();
        let mut connection = Connection::open(sandbox.address)?;
        connection.exchange(&login)?.success()?;
        millis.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let middle = median(millis.iter().copied());
    let slowest = quantile(&mut millis, 1.0);
    Ok(Figure {
        name: "start to first answer".to_owned(),
        measured: format!("{middle:.1} ms; the slowest of {STARTS} starts {slowest:.1} ms"),
        bound: format!("below {BOUND} ms"),
        held: middle < BOUND,
        details: json!({"millis": middle, "slowestMillis": slowest, "starts": STARTS}),
    })
}
