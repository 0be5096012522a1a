//! `cargo xtask chaos`: has `jibit-chaos` kill shops over payments, built as they
//! would be released. It knows nothing of payments itself.

use crate::shell::{self, Failure};

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    shell::run_to_stderr(
        "cargo",
        &["build", "--release", "--locked", "-p", "jibit-chaos"],
    )?;
    let program = shell::built("jibit-chaos")?;
    let args: Vec<_> = ["run"].iter().chain(args).copied().collect();
    Ok(shell::run(&program, &args)?)
}
