//! The command as a script or a person meets it: the built binary against a
//! sandbox in this process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod agent;
mod bench;
#[cfg(unix)]
mod capture;
mod contract;
mod control;
mod demo;
mod faults;
mod input;
mod languages;
mod operations;
mod reconcile;
mod shop;
mod tokens;
mod usage;
