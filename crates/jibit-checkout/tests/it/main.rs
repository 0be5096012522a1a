//! The checkout's tests, in one binary.

mod crashes;
mod payments;
mod stores;
mod walks;
mod world;
