//! `cargo xtask sim`: has `jibit-sim` play histories, built as fast as it goes. It
//! knows nothing of payments itself.

use crate::shell::{self, Failure};

/// Entry point of the command.
pub(crate) fn command(args: &[&str]) -> Result<(), Failure> {
    Ok(run(args)?)
}

/// What a change has to pass. Histories are the same in each process, or a seed says
/// nothing.
pub(crate) fn short() -> Result<(), String> {
    let program = build()?;
    let few = ["--histories", "1000", "--seed", "77"];
    let first = shell::output(&program, &few)?;
    let second = shell::output(&program, &[&few[..], &["--threads", "2"]].concat())?;
    let trace = |told: &str| {
        told.lines()
            .find(|line| line.contains("trace"))
            .map(str::to_owned)
    };
    if trace(&first).is_none() || trace(&first) != trace(&second) {
        return Err(format!("two processes differ:\n{first}\n{second}"));
    }
    shell::run(
        &program,
        &["--histories", "200000", "--threads", "2", "--listen"],
    )?;
    explore(&program)
}

/// All that is small enough to be walked through whole.
fn explore(program: &str) -> Result<(), String> {
    shell::run(program, &["--explore"])?;
    shell::run(
        "cargo",
        &[
            "test",
            "--locked",
            "--release",
            "-p",
            "jibit-proto",
            "--test",
            "it",
            "--",
            "--nocapture",
            "every_fault_pattern",
        ],
    )
}

fn build() -> Result<String, String> {
    shell::run_to_stderr(
        "cargo",
        &["build", "--release", "--locked", "-p", "jibit-sim"],
    )?;
    shell::built("jibit-sim")
}

fn run(args: &[&str]) -> Result<(), String> {
    let program = build()?;
    match args {
        ["--explore"] => explore(&program),
        _ => shell::run(&program, args),
    }
}
