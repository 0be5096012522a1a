//! `cargo xtask matrix`: what each operation does about each outcome, as a table in the
//! documents, of which each cell is a test on each transport.

use std::{collections::BTreeSet, fs};

use jibit_matrix::{CELLS, Cell, OPERATIONS, Row};

use crate::{
    files,
    shell::{self, Failure},
};

/// Where the table is.
const DOCUMENT: &str = "docs/fault-matrix.md";

/// Whose tests hold it.
const TRANSPORTS: [&str; 2] = ["jibit-hyper", "jibit-blocking"];

const HEAD: &str = "\
# The fault matrix

Written by `cargo xtask matrix --write` from `crates/jibit-matrix/src/cells.rs`. For each of the five
operations and each outcome that can meet it: what the caller is told, and which requests arrive at
the gateway. Where that depends on whether the gateway had done what was asked, the second line is
for when it had. Everything runs over real sockets against the sandbox, in every form that a row
names, with hyper and with ureq: `cargo test -p jibit-hyper --test it matrix::verify_lost` is one
cell, `cargo test -p jibit-blocking --test it matrix` all of them.

*done* is an answer, *paid*, *not-paid*, *pending*, *mismatch* and *undetermined* are verdicts of
settling an order; an error says its kind and whether anything may have happened. Refresh is seen
from an order that is settled with a token that the gateway no longer takes.

";

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    match args {
        [] => Ok(run()?),
        ["--write"] => {
            let file = shell::root()?.join(DOCUMENT);
            fs::write(&file, document())
                .map_err(|error| format!("cannot write {DOCUMENT}: {error}"))?;
            Ok(run()?)
        }
        _ => Err(Failure::Usage(
            "`matrix` takes no argument but `--write`".to_owned(),
        )),
    }
}

/// Holds that the document is the table, and that no cell is without its tests.
pub(crate) fn run() -> Result<(), String> {
    if files::read(&shell::root()?.join(DOCUMENT))? != document() {
        return Err(format!(
            "{DOCUMENT} is not the table: run `cargo xtask matrix --write`"
        ));
    }
    for package in TRANSPORTS {
        let list = [
            "test",
            "--locked",
            "--quiet",
            "--package",
            package,
            "--test",
            "it",
            "--",
            "--list",
        ];
        let missing = missing(&shell::output("cargo", &list)?);
        if !missing.is_empty() {
            return Err(format!(
                "{package} has no test for {}: name them in `jibit_matrix::tests!`",
                missing.join(", ")
            ));
        }
        println!("matrix: {package}, {} cells ... ok", CELLS.len());
    }
    Ok(())
}

/// The cells that have no test in what a test program lists.
fn missing(listed: &str) -> Vec<String> {
    let tests = listed.lines().filter_map(|it| it.strip_suffix(": test"));
    let tests: BTreeSet<_> = tests.filter_map(|it| it.strip_prefix("matrix::")).collect();
    let names = CELLS.iter().map(Cell::name);
    names.filter(|it| !tests.contains(it.as_str())).collect()
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    text += &format!("| outcome | {} |\n", OPERATIONS.join(" | "));
    text += &format!("|---|{}\n", "---|".repeat(OPERATIONS.len()));
    for row in Row::ALL {
        let cells = OPERATIONS.map(|operation| {
            let cell = CELLS
                .iter()
                .find(|it| it.operation == operation && it.row == row);
            cell.map_or_else(|| "—".to_owned(), show)
        });
        text += &format!("| {} | {} |\n", row.title(), cells.join(" | "));
    }
    text
}

fn show(cell: &Cell) -> String {
    let paths = [cell.before, cell.after]
        .into_iter()
        .filter(|it| !it.is_empty());
    let paths = paths.map(|it| format!("<br>`{it}`"));
    format!("{}{}", cell.outcome, paths.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_without_a_test_is_named() {
        let all: Vec<_> = CELLS
            .iter()
            .map(|it| format!("matrix::{}: test\n", it.name()))
            .collect();
        assert_eq!(missing(&all.concat()), [""; 0]);
        let (_, rest) = all.split_first().unwrap();
        assert_eq!(missing(&rest.concat()), ["authenticate_not_sent"]);
    }
}
