//! `cargo xtask mutants`: changes the code that decides about money in hundreds of small
//! ways, one at a time, and has the tests find each. What they cannot find is listed
//! with its reason in `docs/mutants.md`.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

use crate::{
    files,
    shell::{self, Failure},
};

/// What it takes beside Rust, and how to get it.
const PROGRAM: &str = "cargo-mutants";
const REMEDY: &str = "cargo install --locked cargo-mutants@27.1.0";

/// Where what lives on is listed.
const LIST: &str = "docs/mutants.md";

/// So many of a package's mutants the tests have to find, in percent.
const ENOUGH: usize = 95;

/// A package, and how its mutants are made and tested.
struct Part {
    package: &'static str,
    args: &'static [&'static str],
}

const PARTS: [Part; 2] = [
    Part {
        package: "jibit-proto",
        args: &[],
    },
    Part {
        package: "jibit-checkout",
        args: &[
            "--file=crates/jibit-checkout/src/rules/**",
            "--file=crates/jibit-checkout/src/order.rs",
            "--file=crates/jibit-checkout/src/checkout/**",
            // The stores are no part of the core, and their tests are long.
            "--cargo-test-arg=--",
            "--cargo-test-arg=--skip=sqlite",
            "--cargo-test-arg=--skip=postgres",
        ],
    },
];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let (parts, more): (Vec<&Part>, &[&str]) = match args {
        [] => (PARTS.iter().collect(), &[]),
        ["--only", package, more @ ..] => {
            let parts: Vec<_> = PARTS.iter().filter(|it| it.package == *package).collect();
            (parts, more)
        }
        more => (PARTS.iter().collect(), more),
    };
    let more = match more {
        [] => None,
        ["--continue"] => Some("--iterate"),
        _ => return Err(usage()),
    };
    if parts.is_empty() {
        return Err(usage());
    }
    Ok(run(&parts, more)?)
}

fn usage() -> Failure {
    let names: Vec<_> = PARTS.iter().map(|it| it.package).collect();
    Failure::Usage(format!(
        "`mutants` takes `--only` {}, and `--continue`, which leaves out what an earlier run found",
        names.join(" or ")
    ))
}

/// Tests every mutant of these packages, or says that it cannot on this machine.
fn run(parts: &[&Part], more: Option<&str>) -> Result<(), String> {
    if !shell::is_there(PROGRAM) {
        return shell::skip("the mutants", PROGRAM, REMEDY);
    }
    let listed = listed(&files::read(&shell::root()?.join(LIST))?);
    let mut findings = Vec::new();
    for part in parts {
        let told = test(part, more)?;
        println!(
            "mutants: {}: {} found, {} listed, {} not, of {}",
            part.package,
            told.found.len(),
            told.alive.intersection(&listed).count(),
            told.alive.difference(&listed).count(),
            told.all(),
        );
        let alive = told.alive.difference(&listed);
        findings.extend(alive.map(|it| format!("nobody finds: {it}")));
        if told.found.len() * 100 < ENOUGH * told.all() {
            findings.push(format!("{}: less than {ENOUGH} % were found", part.package));
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{}\nA better test finds it, or {LIST} says why none can.",
            findings.join("\n")
        ))
    }
}

/// What became of a package's mutants.
struct Told {
    /// With their places: two may be called alike.
    found: BTreeSet<String>,
    alive: BTreeSet<String>,
}

impl Told {
    fn all(&self) -> usize {
        self.found.len() + self.alive.len()
    }
}

fn test(part: &Part, more: Option<&str>) -> Result<Told, String> {
    let folder = shell::root()?.join("target/mutants").join(part.package);
    fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let mut cargo = Command::new("cargo");
    cargo
        .args(["mutants", "--package", part.package, "--output"])
        .arg(&folder)
        .args(["--jobs", "2", "--no-shuffle", "--colors", "never"])
        .args(["--profile", "mutants"])
        .args(["--cargo-test-arg=--lib", "--cargo-test-arg=--tests"])
        .args(part.args)
        .args(more)
        .current_dir(shell::root()?)
        // A failing case is shrunk for a person; here one is enough.
        .env("PROPTEST_MAX_SHRINK_ITERS", "0")
        .env("INSTA_UPDATE", "no")
        .env_remove("JIBIT_NO_SKIP");
    eprintln!("$ {cargo:?}");
    let status = cargo
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    // 2 and 3: some were missed, or ran into the time-out, which finds them.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(format!("`cargo mutants` failed: {status}"));
    }
    let mut told = read(&folder.join("mutants.out/outcomes.json"))?;
    // What an earlier run found is left out of this one's outcomes.
    let found = folder.join("found.txt");
    if more.is_some() {
        let earlier = fs::read_to_string(&found).unwrap_or_default();
        told.found.extend(earlier.lines().map(str::to_owned));
    }
    let lines: Vec<_> = told.found.iter().map(String::as_str).collect();
    fs::write(&found, lines.join("\n"))
        .map_err(|error| format!("cannot write {}: {error}", found.display()))?;
    Ok(told)
}

fn read(file: &Path) -> Result<Told, String> {
    let text = files::read(file)?;
    let outcomes: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let outcomes = outcomes.get("outcomes").and_then(Value::as_array);
    let outcomes = outcomes.ok_or_else(|| format!("{} tells no outcomes", file.display()))?;
    let mut told = Told {
        found: BTreeSet::new(),
        alive: BTreeSet::new(),
    };
    for outcome in outcomes {
        let name = outcome.pointer("/scenario/Mutant/name");
        let summary = outcome.get("summary").and_then(Value::as_str);
        match (name.and_then(Value::as_str), summary) {
            (Some(name), Some("CaughtMutant" | "Timeout")) => {
                told.found.insert(name.to_owned());
            }
            (Some(name), Some("MissedMutant")) => {
                told.alive.insert(without_place(name));
            }
            // The code as it is, and what does not compile.
            _ => {}
        }
    }
    Ok(told)
}

/// A mutant's name without its line and column, which every change moves.
fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(what)) => format!("{file}:{what}"),
        _ => name.to_owned(),
    }
}

/// The mutants in the list: its lines of the form "- `mutant`: reason".
fn listed(text: &str) -> BTreeSet<String> {
    let items = text.lines().filter_map(|line| line.strip_prefix("- `"));
    let split = items.filter_map(|item| item.split_once("`: "));
    split.map(|(mutant, _)| mutant.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_refused_before_anything_runs() {
        for args in [&["--only"][..], &["--only", "xtask"], &["--fast"]] {
            assert!(matches!(command(args), Err(Failure::Usage(_))), "{args:?}");
        }
    }

    #[test]
    fn mutants_are_known_wherever_they_move() {
        let name = "crates/a/src/b.rs:12:5: replace C::d -> bool with true";
        let known = "crates/a/src/b.rs: replace C::d -> bool with true";
        assert_eq!(without_place(name), known);
        let list = format!("# Mutants\n\n- `{known}`: it is only asked for speed\n");
        assert_eq!(listed(&list), BTreeSet::from([known.to_owned()]));
    }
}
