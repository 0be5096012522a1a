//! `cargo xtask proof`: all that takes hours, of which `ci` runs a short form. What it
//! told last is in `docs/evidence.md`.

use std::{env, time::Instant};

use crate::shell::{self, Failure};

/// The parts, each a command of this program.
const PARTS: [(&str, &[&str]); 8] = [
    ("explore", &["sim", "--explore"]),
    (
        "sim",
        &[
            "sim",
            "--histories",
            "10000000",
            "--threads",
            "2",
            "--listen",
        ],
    ),
    ("chaos", &["chaos"]),
    ("agents", &["chaos", "--agents"]),
    ("syscalls", &["chaos", "--syscalls"]),
    ("mutants", &["mutants"]),
    ("fuzz", &["fuzz", "--runs", "10000000"]),
    ("soak", &["bench", "--soak", "--check"]),
];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    let only = match args {
        [] => None,
        ["--only", part] if PARTS.iter().any(|(name, _)| name == part) => Some(*part),
        _ => {
            let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
            return Err(Failure::Usage(format!(
                "`proof` takes no argument but `--only` and one of {}",
                names.join(", ")
            )));
        }
    };
    Ok(run(only)?)
}

/// Runs the parts, also after one has failed: each tells something of its own.
fn run(only: Option<&str>) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| format!("cannot find xtask: {error}"))?;
    let program = program.display().to_string();
    let mut failed = false;
    let mut lines = Vec::new();
    for (name, args) in PARTS {
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let begun = Instant::now();
        // What is skipped proves nothing.
        let ended = shell::run_with_env(&program, args, &[("JIBIT_NO_SKIP", "1")]);
        let verdict = if ended.is_ok() { "holds" } else { "FAILED" };
        failed |= ended.is_err();
        let minutes = begun.elapsed().as_secs() / 60;
        lines.push(format!("{minutes:>5} min  {name}: {verdict}"));
    }
    println!("{}", lines.join("\n"));
    if failed {
        Err("a part of the proof failed".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_refused_before_anything_runs() {
        for args in [&["--fast"][..], &["--only"], &["--only", "luck"]] {
            assert!(matches!(command(args), Err(Failure::Usage(_))), "{args:?}");
        }
    }
}
