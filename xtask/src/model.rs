//! `cargo xtask model`: the drivers' parking, in every order that a model
//! checker tries out.

use crate::shell::{self, Failure};

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    shell::no_arguments("model", args)?;
    Ok(run()?)
}

/// Runs the model's tests, in a build of their own.
pub(crate) fn run() -> Result<(), String> {
    let cargo = [
        "test",
        "--locked",
        "--release",
        "-p",
        "jibit-driver",
        "--test",
        "model",
        "--target-dir",
        "target/model",
    ];
    shell::run_with_env("cargo", &cargo, &[("RUSTFLAGS", "--cfg shuttle")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_refused_before_anything_runs() {
        assert!(matches!(command(&["--fast"]), Err(Failure::Usage(_))));
    }
}
