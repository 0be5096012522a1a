//! The values of the core, from the outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod allocations;
mod by_hand;
mod callback;
mod errors;
mod fixtures;
mod flows;
mod histories;
mod ids;
mod mobile;
mod model;
mod money;
mod owned;
mod secrets;
mod session;
mod sharing;
mod status;
mod transcripts;
mod urls;
mod wire;
