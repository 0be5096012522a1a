//! `cargo xtask bench`: builds the programs as they are released, and has
//! `jibit-bench` measure them. It knows no figure and no bound itself.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shell::{self, Failure};

/// What is measured, and what measures it.
const BUILD: [&str; 7] = [
    "build",
    "--release",
    "--locked",
    "-p",
    "jibit-bench",
    "-p",
    "jibit-cli",
];

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    if args.first() != Some(&"sandbox") {
        return Err(Failure::Usage(
            "`bench` takes what to measure: `sandbox`".to_owned(),
        ));
    }
    // Standard output is the figures' alone.
    shell::run_to_stderr("cargo", &BUILD)?;
    let program = program(&target()?)?;
    Ok(shell::run(&program, args)?)
}

/// Where cargo puts what it builds.
fn target() -> Result<PathBuf, String> {
    let metadata = shell::output(
        "cargo",
        &["metadata", "--no-deps", "--format-version", "1", "--locked"],
    )?;
    let metadata: Value = serde_json::from_str(&metadata)
        .map_err(|error| format!("cannot read cargo's metadata: {error}"))?;
    (metadata.get("target_directory").and_then(Value::as_str))
        .map(PathBuf::from)
        .ok_or_else(|| "cargo's metadata names no target directory".to_owned())
}

fn program(target: &Path) -> Result<String, String> {
    let name = format!("jibit-bench{}", std::env::consts::EXE_SUFFIX);
    let program = target.join("release").join(name);
    (program.to_str().map(ToOwned::to_owned))
        .ok_or_else(|| format!("{} is not UTF-8", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_has_to_be_named() {
        for args in [&[][..], &["--json"], &["client"]] {
            assert!(matches!(command(args), Err(Failure::Usage(_))));
        }
    }

    #[test]
    fn cargo_says_where_it_builds() {
        let target = target().unwrap();
        assert!(target.is_absolute());
        assert!(program(&target).unwrap().contains("jibit-bench"));
    }
}
