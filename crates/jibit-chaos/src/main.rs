//! A sandbox, customers, and shops that are killed at random moments: whatever the
//! sandbox captured has to be handed out once, for every order, on real stores.
//!
//! `cargo xtask chaos` builds this and runs it. The shops are processes of their own,
//! ended by SIGKILL and started again; a third of the calls to the gateway meet a
//! fault; of the customers some cancel, some never come back and some come back three
//! times. When all have been served, faults and kills stop, the shops catch up, and
//! the sandbox's book is held against the shop's.
//!
//! With `--agents` the shops have no checkout of their own: they ask agents, which are
//! killed as well, and whose webhooks are lost, delayed, doubled and reordered.
//!
//! With `--syscalls` it is one order at a time, and each call to the system is struck.

#![forbid(unsafe_code)]

mod agent;
mod client;
mod conductor;
mod customers;
mod faults;
mod fleet;
mod goods;
mod meddler;
mod one;
mod progress;
mod run;
mod seed;
mod shop;
mod syscalls;
mod verdict;

use std::{error::Error, process::ExitCode};

use clap::Parser;

/// A failure in words; nobody here reacts to one other than by ending.
type Outcome<T> = Result<T, String>;

#[derive(Parser)]
#[command(about = "Kills shops over payments and counts what became of the money.")]
enum Command {
    /// Takes payments, kills shops, and counts.
    Run(run::Arguments),
    /// A shop, to be killed.
    #[command(hide = true)]
    Shop(shop::Arguments),
    /// An agent, to be killed.
    #[command(hide = true)]
    Agent(agent::Arguments),
    /// A shop that asks agents, to be killed.
    #[command(hide = true)]
    Client(client::Arguments),
    /// A shop with one order, to be struck at every system call.
    #[command(hide = true)]
    Order(one::Arguments),
}

fn main() -> ExitCode {
    let ended = match Command::parse() {
        Command::Run(arguments) => run::command(&arguments),
        Command::Shop(arguments) => shop::command(&arguments),
        Command::Agent(arguments) => agent::command(&arguments),
        Command::Client(arguments) => client::command(&arguments),
        Command::Order(arguments) => one::command(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The event loop of a process here: one thread.
fn runtime() -> Outcome<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(said)
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
