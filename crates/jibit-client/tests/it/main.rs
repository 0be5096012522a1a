//! The client on futures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod driver;
mod on_smol;
