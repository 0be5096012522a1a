//! From nothing to the first answer.

use std::time::Instant;

use serde_json::json;

use crate::{
    Outcome,
    figures::{Figure, median, progress, quantile},
};

const STARTS: usize = 21;

/// Has a program start and answer again and again, each in fewer than `bound`
/// milliseconds.
pub(crate) fn measure(
    name: &str,
    bound: f64,
    started: impl Fn() -> Outcome<()>,
) -> Outcome<Figure> {
    progress(&format!("{name}, {STARTS} times"));
    let mut millis = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let begun = Instant::now();
        started()?;
        millis.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let middle = median(millis.iter().copied());
    let slowest = quantile(&mut millis, 1.0);
    Ok(Figure {
        name: name.to_owned(),
        measured: format!("{middle:.1} ms; the slowest of {STARTS} starts {slowest:.1} ms"),
        bound: format!("below {bound} ms"),
        held: middle < bound,
        details: json!({"millis": middle, "slowestMillis": slowest, "starts": STARTS}),
    })
}
