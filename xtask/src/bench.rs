//! `cargo xtask bench`: builds the programs as they are released, and has
//! `jibit-bench` measure them. It knows no figure and no bound itself.

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
    if !matches!(args.first(), Some(&("sandbox" | "checkout"))) {
        return Err(Failure::Usage(
            "`bench` takes what to measure: `sandbox` or `checkout`".to_owned(),
        ));
    }
    // Standard output is the figures' alone.
    shell::run_to_stderr("cargo", &BUILD)?;
    let program = shell::built("jibit-bench")?;
    Ok(shell::run(&program, args)?)
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
}
