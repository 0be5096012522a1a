//! The checkout's tests, in one binary.

mod stores;
