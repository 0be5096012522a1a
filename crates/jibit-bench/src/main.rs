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
mod process;
mod protocol;
mod requests;
mod sandbox;
mod session;
mod slow;
mod wire;

use std::{error::Error, process::ExitCode};

use clap::Parser;

/// A failure in words; nobody here reacts to one other than by ending.
type Outcome<T> = Result<T, String>;

/// Measures the project's programs against floors.
#[derive(Parser)]
#[command(about)]
enum Command {
    /// Measures `jibit sandbox`, which stands beside this program.
    Sandbox(sandbox::Arguments),
    /// Measures the checkout's stores and its reconciler.
    Checkout(checkout::Arguments),
    /// Measures the protocol core, `jibit-proto`.
    Core(protocol::Arguments),
    /// One piece of the core's work, so many times.
    #[command(hide = true)]
    CoreWork(protocol::Work),
    /// Times the core's work.
    #[command(hide = true)]
    CoreTime(protocol::Time),
    /// Measures the async client, `jibit-hyper`.
    Client(client::Arguments),
    /// Measures the blocking client, `jibit-blocking`.
    Blocking(client::Arguments),
    /// Measures many calls on one session.
    Session(session::Arguments),
    /// Calls on a session while others wait.
    #[command(hide = true)]
    SessionWaiting(session::Waiting),
    /// A gateway that costs next to nothing.
    #[command(hide = true)]
    Gateway(client::Gateway),
    /// One process of a client.
    #[command(hide = true)]
    Flows(client::Flows),
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
        Command::Sandbox(arguments) => sandbox::run(&arguments),
        Command::Checkout(arguments) => checkout::run(&arguments),
        Command::Core(arguments) => protocol::run(&arguments),
        Command::CoreWork(work) => work.run(),
        Command::CoreTime(time) => time.run(),
        Command::Client(arguments) => client::run(&arguments),
        Command::Blocking(arguments) => client::run_blocking(&arguments),
        Command::Session(arguments) => session::run(&arguments),
        Command::SessionWaiting(waiting) => waiting.run(),
        Command::Gateway(gateway) => gateway.run(),
        Command::Flows(flows) => flows.run(),
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
