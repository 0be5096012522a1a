//! The client on threads, and its transport on ureq.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(feature = "ureq")]
mod conformance;
mod driver;
#[cfg(feature = "ureq")]
mod matrix;
mod same;
mod stress;
mod tokens;
#[cfg(feature = "ureq")]
mod ureq;
