//! `cargo xtask chaos`: has `jibit-chaos` kill shops over payments, built as they
//! would be released. It knows nothing of payments itself.

use crate::shell::{self, Failure};

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    Ok(run(args)?)
}

/// What a change has to pass: a few minutes of it, always the same.
pub(crate) fn short() -> Result<(), String> {
    run(&["--payments", "300", "--kills", "30", "--seed", "1"])?;
    run(&[
        "--payments",
        "150",
        "--kills",
        "20",
        "--seed",
        "1",
        "--agents",
    ])?;
    run(&["--syscalls"])
}

fn run(args: &[&str]) -> Result<(), String> {
    shell::run_to_stderr(
        "cargo",
        &["build", "--release", "--locked", "-p", "jibit-chaos"],
    )?;
    let program = shell::built("jibit-chaos")?;
    let args: Vec<_> = ["run"].iter().chain(args).copied().collect();
    shell::run(&program, &args)
}
