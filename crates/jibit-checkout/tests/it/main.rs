//! The checkout's tests, in one binary.

mod postgres;
mod postgres_server;
mod stores;
