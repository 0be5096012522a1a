//! The `jibit` command: a payment from end to end on this machine (`demo`), a
//! local gateway (`sandbox`), and the protocol's operations for scripts and
//! for people on call. `jibit --help` has examples.

mod account;
mod args;
mod capture;
mod commands;
mod demo;
mod interrupt;
mod progress;
mod report;
mod secret;
mod show;
mod store;
mod usage;

use std::{
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};
use commands::{
    agent, audit, authenticate, completions, control, doctor, faults, initiate, inquiry, order,
    orders, reconcile, sandbox, verify,
};
use report::{Exit, Failure, Report};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let exit = match usage::password_argument(&arguments) {
        Some(failure) => fail(&failure, usage::wants_json(&arguments)),
        None => match Cli::try_parse_from(&arguments) {
            Ok(cli) => run(cli),
            Err(error) if error.use_stderr() => {
                fail(&usage::failure(&error), usage::wants_json(&arguments))
            }
            // Help and version.
            Err(error) => {
                let _ = error.print();
                Exit::Done
            }
        },
    };
    ExitCode::from(exit as u8)
}

fn run(cli: Cli) -> Exit {
    let json = cli.settings.json;
    if let Err(failure) = log(cli.settings.verbose) {
        return fail(&failure, json);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(command(cli));
            // A resolver that does not come back must not hold up the answer.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(Failure::configuration(format!(
            "the system gives no event loop: {error}"
        ))),
    };
    match ended {
        Ok(Some(report)) => finish(&report, json),
        Ok(None) => Exit::Done,
        Err(failure) => fail(&failure, json),
    }
}

async fn command(cli: Cli) -> Result<Option<Report>, Failure> {
    let settings = &cli.settings;
    match cli.command {
        Command::Demo(args) => demo::run(&args, settings.json).await,
        Command::Sandbox(args) => sandbox::run(args, settings).await,
        Command::Capture(args) => capture::run(&args, settings).await,
        Command::Authenticate => authenticate::run(settings).await.map(Some),
        Command::Initiate(args) => initiate::run(settings, &args).await.map(Some),
        Command::Verify(args) => verify::run(settings, &args).await.map(Some),
        Command::Inquiry(args) => inquiry::run(settings, &args).await.map(Some),
        Command::Pay(args) => control::press(settings, &args, "pay").await.map(Some),
        Command::Cancel(args) => control::press(settings, &args, "cancel").await.map(Some),
        Command::Advance(args) => control::advance(settings, &args).await.map(Some),
        Command::Faults { action } => faults::run(settings, action).await.map(Some),
        Command::Orders(args) => orders::run(settings, &args).await.map(Some),
        Command::Order(args) => order::run(settings, &args).await.map(Some),
        Command::Reconcile(args) => reconcile::run(settings, &args).await.map(Some),
        Command::Agent(args) => agent::run(args, settings).await,
        Command::Audit(args) => audit::run(settings, &args).await.map(Some),
        Command::Doctor(args) => doctor::run(settings, &args).await.map(Some),
        Command::Completions { shell } => Ok(Some(completions::run(shell))),
    }
}

fn finish(report: &Report, json: bool) -> Exit {
    print_line(if json { &report.json } else { &report.text });
    if let Some(remark) = &report.remark {
        anstream::eprintln!("{remark}");
    }
    report.exit
}

fn fail(failure: &Failure, json: bool) -> Exit {
    if json {
        print_line(&failure.json());
    }
    let red = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{red}error:{red:#} {}", failure.text());
    failure.exit
}

/// Prints a line now; a reader that has gone away is no failure of ours.
fn print_line(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Diagnostics go to standard error: warnings, with `-v` each call, with
/// `-vv` each attempt; `RUST_LOG` says it in full.
fn log(verbose: u8) -> Result<(), Failure> {
    let level = match verbose {
        0 => "warn",
        1 => {
            "warn,jibit=info,jibit_driver=info,jibit_checkout=info,jibit_shop=info,jibit_agent=info"
        }
        _ => {
            "warn,jibit=debug,jibit_driver=debug,jibit_checkout=debug,jibit_shop=debug,jibit_agent=debug"
        }
    };
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let wanted = if wanted.is_empty() { level } else { &wanted };
    let filter = EnvFilter::builder().parse(wanted).map_err(|error| {
        Failure::usage(format!(
            "RUST_LOG is no filter of logs: {error}; give such as jibit=debug, or unset it"
        ))
    })?;
    let colour = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_writer(progress::Beside)
        .init();
    Ok(())
}
