//! The gateway by its requests, and the server over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod bench;
#[cfg(all(feature = "server", unix))]
mod browser;
#[cfg(all(feature = "server", unix))]
mod clicks;
mod control;
#[cfg(all(feature = "server", unix))]
mod dashboard;
mod faults;
mod guard;
#[cfg(feature = "server")]
mod hostile;
#[cfg(feature = "server")]
mod merchants;
mod money;
mod pages;
mod protocol;
mod quirks;
mod server;
mod tokens;
