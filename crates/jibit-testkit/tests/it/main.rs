//! The kit itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod broken;
#[cfg(feature = "http2")]
mod broken_http2;
mod fixture;
mod reference;
mod wire;
