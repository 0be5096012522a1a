//! The agent over real sockets, between a sandbox and a shop that it calls.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod guard;
mod listen;
mod orders;
mod shop;
mod webhooks;
