//! The checkout's tests, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod contract;
mod crashes;
mod notices;
mod payments;
mod postgres;
mod rows;
mod runbook;
mod sqlite;
mod stores;
mod tokens;
mod walks;
mod words;
mod world;
