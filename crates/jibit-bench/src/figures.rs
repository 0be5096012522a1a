//! Figures with their bounds, and how they are printed.

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Outcome;

/// How figures are reported.
#[derive(Args)]
pub(crate) struct Report {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Fail if a bound is missed.
    #[arg(long)]
    check: bool,
}

impl Report {
    /// Prints what was measured, part by part.
    pub(crate) fn print(&self, parts: &[Measured]) -> Outcome<()> {
        match parts {
            [only] if self.json => println!("{}", json!(only)),
            all if self.json => println!("{}", json!(all)),
            all => {
                for part in all {
                    println!("{}", part.name);
                    print!("{}", table(&part.figures));
                    part.notes.iter().for_each(|note| println!("{note}"));
                }
            }
        }
        let missed = parts.iter().flat_map(|part| &part.figures);
        let missed = missed.filter(|figure| !figure.held);
        let missed: Vec<_> = missed.map(|figure| figure.name.as_str()).collect();
        if self.check && !missed.is_empty() {
            return Err(format!("missed: {}", missed.join(", ")));
        }
        Ok(())
    }
}

/// What one part came to.
#[derive(Serialize)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) figures: Vec<Figure>,
    /// What is to be known of this run.
    pub(crate) notes: Vec<String>,
}

/// Something that was measured, and what it has to be.
#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    /// In words, as is the bound.
    pub(crate) measured: String,
    pub(crate) bound: String,
    pub(crate) held: bool,
    /// The numbers behind it.
    pub(crate) details: Value,
}

impl Figure {
    /// One that this machine could not measure, which is not held.
    pub(crate) fn unmeasured(name: &str, bound: &str, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            measured: format!("not measured: {why}"),
            bound: bound.to_owned(),
            held: false,
            details: Value::Null,
        }
    }
}

/// A line a figure, in columns.
pub(crate) fn table(figures: &[Figure]) -> String {
    let width = |text: fn(&Figure) -> &String| {
        let lengths = figures.iter().map(|figure| text(figure).chars().count());
        lengths.max().unwrap_or_default()
    };
    let (names, bounds) = (width(|it| &it.name), width(|it| &it.bound));
    let lines = figures.iter().map(|figure| {
        let Figure {
            name,
            measured,
            bound,
            held,
            ..
        } = figure;
        let verdict = if *held { "held  " } else { "MISSED" };
        format!("{verdict}  {name:names$}  {bound:bounds$}  {measured}\n")
    });
    lines.collect()
}

/// A line on long work, which is no part of the output.
pub(crate) fn progress(line: &str) {
    eprintln!("bench: {line}");
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |place: usize| values.get(place).copied().unwrap_or_default();
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.saturating_sub(1)), at(middle))
    }
}

/// The value that this part of them does not exceed.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (part * values.len() as f64).ceil() as usize;
    let value = values.get(rank.saturating_sub(1));
    value.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_found() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([7.0]), 7.0);
        assert_eq!(median([]), 0.0);
    }

    #[test]
    fn so_are_the_slowest() {
        let mut values: Vec<_> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut values, 0.99), 198.0);
        assert_eq!(quantile(&mut values, 1.0), 200.0);
        assert_eq!(quantile(&mut [], 0.99), 0.0);
    }

    #[test]
    fn a_figure_is_a_line() {
        let held = Figure {
            name: "start".to_owned(),
            measured: "3 ms".to_owned(),
            bound: "below 50 ms".to_owned(),
            held: true,
            details: json!({}),
        };
        let missed = Figure::unmeasured("slow peers", "none fails", "there are too few files");
        assert_eq!(
            table(&[held, missed]),
            "held    start       below 50 ms  3 ms\n\
             MISSED  slow peers  none fails   not measured: there are too few files\n"
        );
    }
}
