//! The shop against a sandbox: by requests, and in a real browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[cfg(unix)]
#[path = "../../../jibit-sandbox/tests/it/browser.rs"]
mod browser;
#[cfg(unix)]
mod clicks;
mod requests;
mod stage;
