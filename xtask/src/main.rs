//! The project's own checks, run as `cargo xtask <command>`.
//!
//! A crate, not shell scripts, so that a machine with nothing but Rust can run
//! them. Each command has a file of its own; this one only picks it.

mod api;
mod bench;
mod chaos;
mod ci;
mod conformance;
mod files;
mod fixtures;
mod fuzz;
mod matrix;
mod model;
mod mutants;
mod openapi;
mod packages;
mod proof;
mod shell;
mod sim;
mod supply;
mod test;
mod tidy;

use std::process::ExitCode;

use shell::Failure;

/// What `--help` prints.
const HELP: &str = "\
Usage: cargo xtask <command>

Commands:
  test            run every test and doctest of the workspace
  ci [--tested]   run every check; --tested leaves out the tests
  api [--write]   check which crates' types public signatures name, and their lists
  bench [--json] [--check] [--write]
                  the core, the clients, a session, the sandbox, the checkout and
                  what a shop takes, against floors and peers; --check fails on a miss, --write puts
                  the figures into docs/performance.md
  bench core | client | blocking | session | size [--json] [--check]
                  one of them
  bench sandbox | checkout [--json] [--check] [--only PART]
                  the same, or a part of it
  bench --soak [--minutes N] [--json] [--check]
                  payments over TLS for ten minutes: no handshake but the first
  bench checkout --slow-disk MILLISECONDS
                  with strace, as on a disk whose fsync takes so long
  chaos [--payments N] [--kills K] [--store sqlite|postgres|all] [--agents] [--seed S]
                  shops that are killed over payments, on real stores; or over agents
  chaos --syscalls
                  one order, its shop struck at every system call
  conformance [--json]
                  every transport in every case of the kit
  fuzz [--seconds N | --runs N] [--only TARGET]
                  a fuzzer against every parser and state machine, on nightly Rust
  matrix [--write]
                  what each operation does about each outcome: no cell without a test
  model           the drivers' parking under a model checker
  mutants [--only PACKAGE] [--continue]
                  small changes to what decides about money, each to be found by a test
  openapi [--seed NUMBER]
                  a fuzzer against the sandbox, by its OpenAPI document
  proof [--only PART]
                  all that takes hours: what docs/evidence.md tells of
  sim [--histories N] [--seed S] [--threads N] [--listen] [--mistake NAME]
                  many short histories of shops, customers and the gateway
  sim --replay S  one of them, told
  sim --explore   every order of a few things that hosts do, every place to die
  supply [--write | --advisories [FOLDER]]
                  licences, sources and unsafe code of what all is built on
  tidy            check the rules no compiler lint covers
  fixtures check  check the recorded exchanges against their form and the sandbox
  fixtures record record them anew
";

fn main() -> ExitCode {
    // Lossy, because `args()` panics on an argument that is not UTF-8.
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Check(message)) => {
            eprintln!("error: {message}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// Runs the command that `args` name.
fn dispatch(args: &[&str]) -> Result<(), Failure> {
    match args {
        _ if args.iter().any(|arg| matches!(*arg, "--help" | "-h")) => print!("{HELP}"),
        ["test", rest @ ..] => test::command(rest)?,
        ["ci", rest @ ..] => ci::command(rest)?,
        ["api", rest @ ..] => api::command(rest)?,
        ["bench", rest @ ..] => bench::command(rest)?,
        ["chaos", rest @ ..] => chaos::command(rest)?,
        ["conformance", rest @ ..] => conformance::command(rest)?,
        ["fuzz", rest @ ..] => fuzz::command(rest)?,
        ["matrix", rest @ ..] => matrix::command(rest)?,
        ["model", rest @ ..] => model::command(rest)?,
        ["mutants", rest @ ..] => mutants::command(rest)?,
        ["openapi", rest @ ..] => openapi::command(rest)?,
        ["proof", rest @ ..] => proof::command(rest)?,
        ["sim", rest @ ..] => sim::command(rest)?,
        ["supply", rest @ ..] => supply::command(rest)?,
        ["tidy", rest @ ..] => tidy::command(rest)?,
        ["fixtures", rest @ ..] => fixtures::command(rest)?,
        [] => return Err(Failure::Usage("no command given".to_owned())),
        [other, ..] => return Err(Failure::Usage(format!("no command `{other}`"))),
    }
    Ok(())
}
