//! Measures the project against floors.
//!
//! `cargo xtask bench sandbox` builds this and runs [`sandbox`], which starts `jibit`
//! and the other subcommands as processes that speak over real sockets.
//! `cargo xtask bench checkout` runs [`checkout`], on stores that are as durable as in
//! earnest. A figure is a ratio to something else that was
//! measured in the same minute, or a bound that no machine should miss; each is a
//! median of several rounds, since machines are shared.

#![forbid(unsafe_code)]

mod checkout;
mod client;
mod figures;
mod fill;
mod hello;
mod honest;
mod load;
mod page;
mod process;
mod protocol;
mod requests;
mod sandbox;
mod session;
mod size;
mod slow;
mod soak;
mod start;
mod wire;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use figures::Report;

/// A failure in words; nobody here reacts to one other than by ending.
type Outcome<T> = Result<T, String>;

/// Measures the project against floors and peers.
#[derive(Parser)]
#[command(about)]
enum Command {
    /// Measures all that follow.
    All {
        #[command(flatten)]
        report: Report,
        /// Writes the figures into this folder's performance.md, and a chart beside it.
        #[arg(long)]
        write: Option<PathBuf>,
    },
    /// Measures the protocol core, `jibit-proto`.
    Core(Report),
    /// Measures the async client, `jibit-hyper`.
    Client(Report),
    /// Measures the blocking client, `jibit-blocking`.
    Blocking(Report),
    /// Measures many calls on one session.
    Session(Report),
    /// Measures what shops are built from, and how large they are.
    Size(Report),
    /// Measures `jibit sandbox`, which stands beside this program.
    Sandbox {
        #[command(flatten)]
        report: Report,
        #[command(flatten)]
        arguments: sandbox::Arguments,
    },
    /// Measures the checkout's stores and its reconciler.
    Checkout {
        #[command(flatten)]
        report: Report,
        #[command(flatten)]
        arguments: checkout::Arguments,
    },
    /// Has the async client pay for minutes, over TLS.
    Soak {
        #[command(flatten)]
        report: Report,
        #[command(flatten)]
        arguments: soak::Arguments,
    },
    /// One piece of the core's work, so many times.
    #[command(hide = true)]
    CoreWork(protocol::Work),
    /// Times the core's work.
    #[command(hide = true)]
    CoreTime(protocol::Time),
    /// A gateway that costs next to nothing.
    #[command(hide = true)]
    Gateway(client::Gateway),
    /// One process of a client.
    #[command(hide = true)]
    Flows(client::Flows),
    /// Calls on a session while others wait.
    #[command(hide = true)]
    SessionWaiting(session::Waiting),
    /// The floor: an HTTP server that only says hello.
    #[command(hide = true)]
    Hello,
    /// One timed round of requests.
    #[command(hide = true)]
    Load(load::Arguments),
    /// Initiates orders until there are enough.
    #[command(hide = true)]
    Fill(fill::Arguments),
    /// Peers that hold connections and say next to nothing.
    #[command(hide = true)]
    Slow(slow::Arguments),
    /// Clients that make whole payments.
    #[command(hide = true)]
    Honest(honest::Arguments),
}

fn main() -> ExitCode {
    let ended = match Command::parse() {
        Command::All { report, write } => all(&report, write.as_deref()),
        Command::Core(report) => protocol::measure().and_then(|it| report.print(&[it])),
        Command::Client(report) => client::measure_async().and_then(|it| report.print(&[it])),
        Command::Blocking(report) => client::measure_blocking().and_then(|it| report.print(&[it])),
        Command::Session(report) => session::measure().and_then(|it| report.print(&[it])),
        Command::Size(report) => size::measure().and_then(|it| report.print(&[it])),
        Command::Sandbox { report, arguments } => {
            sandbox::measure(&arguments).and_then(|it| report.print(&[it]))
        }
        Command::Checkout { report, arguments } => {
            checkout::measure(&arguments).and_then(|it| report.print(&[it]))
        }
        Command::Soak { report, arguments } => {
            soak::measure(&arguments).and_then(|it| report.print(&[it]))
        }
        Command::CoreWork(work) => work.run(),
        Command::CoreTime(time) => time.run(),
        Command::Gateway(gateway) => gateway.run(),
        Command::Flows(flows) => flows.run(),
        Command::SessionWaiting(waiting) => waiting.run(),
        Command::Hello => hello::run(),
        Command::Load(arguments) => load::run(&arguments),
        Command::Fill(arguments) => fill::run(&arguments),
        Command::Slow(arguments) => slow::run(&arguments),
        Command::Honest(arguments) => honest::run(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Everything, a part after the other.
fn all(report: &Report, write: Option<&Path>) -> Outcome<()> {
    let parts = [
        protocol::measure()?,
        client::measure_async()?,
        client::measure_blocking()?,
        session::measure()?,
        sandbox::measure(&Default::default())?,
        checkout::measure(&Default::default())?,
        size::measure()?,
    ];
    if let Some(folder) = write {
        page::write(folder, &parts)?;
    }
    report.print(&parts)
}

/// The runtime that `jibit` has: one thread.
fn runtime() -> Outcome<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the system gives no event loop: {error}"))
}

/// What an error says, with what lies under it.
fn said(error: impl Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
