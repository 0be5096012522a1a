//! `cargo xtask conformance`: how every transport does in every case of the
//! kit, and the broken transport that proves each case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::shell::{self, Failure};

/// The transports, by the names that their tests report under.
const TRANSPORTS: [&str; 5] = [
    "jibit-hyper",
    "jibit-blocking",
    "jibit-reqwest",
    "jibit-tower",
    "smol",
];

/// Who tests a transport, or the kit itself.
const PACKAGES: [&str; 6] = [
    "jibit-testkit",
    "jibit-hyper",
    "jibit-blocking",
    "jibit-reqwest",
    "jibit-tower",
    "jibit-client",
];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let as_json = match args {
        [] => false,
        ["--json"] => true,
        _ => {
            return Err(Failure::Usage(
                "`conformance` takes no argument but `--json`".to_owned(),
            ));
        }
    };
    let folder = shell::root()?.join("target/tmp");
    forget(&folder)?;
    let mut cargo = vec!["test", "--locked", "--test", "it"];
    cargo.extend(PACKAGES.iter().flat_map(|package| ["-p", package]));
    cargo.extend(["--", "keeps_the_contract", "broken_transport"]);
    // A failed case is in the table; what it takes is that all are there.
    let tested = shell::run_to_stderr("cargo", &cargo);
    let table = Table::read(&folder)?;
    if as_json {
        println!("{}", table.json());
    } else {
        print!("{}", table.text());
    }
    Ok(tested?)
}

/// Removes what an earlier run reported.
fn forget(folder: &Path) -> Result<(), String> {
    for name in files() {
        match fs::remove_file(folder.join(&name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("cannot remove {name}: {error}"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn files() -> Vec<String> {
    let reports = TRANSPORTS.map(|name| format!("conformance-{name}.tsv"));
    let broken = [1, 2].map(|part| format!("broken-{part}.tsv"));
    reports.into_iter().chain(broken).collect()
}

/// Cases by name, in the kit's order.
struct Table {
    cases: Vec<String>,
    verdicts: BTreeMap<(String, &'static str), String>,
    broken: BTreeMap<String, String>,
}

impl Table {
    fn read(folder: &Path) -> Result<Self, String> {
        let mut table = Self {
            cases: Vec::new(),
            verdicts: BTreeMap::new(),
            broken: BTreeMap::new(),
        };
        for transport in TRANSPORTS {
            let rows = rows(&folder.join(format!("conformance-{transport}.tsv")))?;
            if table.cases.is_empty() {
                table.cases = rows.iter().map(|(case, _)| case.clone()).collect();
            }
            for (case, verdict) in rows {
                table.verdicts.insert((case, transport), verdict);
            }
        }
        for part in [1, 2] {
            table
                .broken
                .extend(rows(&folder.join(format!("broken-{part}.tsv")))?);
        }
        let complete = table.broken.len() == table.cases.len()
            && table.verdicts.len() == table.cases.len() * TRANSPORTS.len();
        if complete {
            Ok(table)
        } else {
            Err("a case lacks a verdict or its broken transport".to_owned())
        }
    }

    fn verdict(&self, case: &str, transport: &'static str) -> &str {
        let verdict = self.verdicts.get(&(case.to_owned(), transport));
        verdict.map_or("missing", String::as_str)
    }

    fn broken(&self, case: &str) -> &str {
        self.broken.get(case).map_or("missing", String::as_str)
    }

    fn text(&self) -> String {
        let mut text = format!("{:<36}", "case");
        for transport in TRANSPORTS {
            text.push_str(&format!("{:<15}", transport.trim_start_matches("jibit-")));
        }
        text.push_str("failed by a transport that\n");
        for case in &self.cases {
            text.push_str(&format!("{case:<36}"));
            for transport in TRANSPORTS {
                let mark = match self.verdict(case, transport) {
                    "passed" => "ok",
                    "not-applicable" => "--",
                    _ => "FAILED",
                };
                text.push_str(&format!("{mark:<15}"));
            }
            text.push_str(&format!("{}\n", self.broken(case)));
        }
        text.push_str(&format!(
            "{} cases; -- is what a transport does not claim to speak\n",
            self.cases.len()
        ));
        text
    }

    fn json(&self) -> Value {
        let cases = self.cases.iter().map(|case| {
            let verdicts = TRANSPORTS.map(|transport| (transport, self.verdict(case, transport)));
            let verdicts: BTreeMap<_, _> = verdicts.into_iter().collect();
            json!({ "case": case, "verdicts": verdicts, "failedByATransportThat": self.broken(case) })
        });
        json!({ "cases": cases.collect::<Vec<_>>() })
    }
}

/// The two columns of a report.
fn rows(file: &Path) -> Result<Vec<(String, String)>, String> {
    let text = fs::read_to_string(file)
        .map_err(|error| format!("no report in {}: {error}", file.display()))?;
    text.lines()
        .map(|line| {
            let columns = line.split_once('\t');
            let columns = columns.ok_or_else(|| format!("`{line}` is no row of a report"))?;
            Ok((columns.0.to_owned(), columns.1.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_arguments_are_usage_errors() {
        assert!(matches!(command(&["--fast"]), Err(Failure::Usage(_))));
    }

    #[test]
    fn every_report_is_forgotten_before_a_run() {
        assert_eq!(files().len(), TRANSPORTS.len() + 2);
    }
}
