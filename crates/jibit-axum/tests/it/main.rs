//! The way back to a shop on axum, from a sandbox over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod pages;
mod returns;
mod shop;
mod store;
