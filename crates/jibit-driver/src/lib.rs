//! What every driver of calls to the Jibit QR payment gateway shares.
//!
//! A driver carries out what `jibit-proto` decides: it sends, it waits, and it
//! wakes whom the session names. `jibit-client` does that for futures and
//! `jibit-blocking` for threads; most programs want one of these. This crate
//! is for a driver on something else, such as an event loop of your own. It
//! holds the parts in which a mistake loses a wake-up or a lease:
//!
//! * [`Shared`]: the session behind one lock that is never held over IO. A call
//!   is polled and parked under that lock, so no wake-up falls in between.
//! * [`Call`]: one call, which hands on what it holds when it is dropped, also
//!   by a panic.
//! * `FileTokens` (feature `file-tokens`): tokens that processes of one machine
//!   share, in files.
//! * [`spans`]: the spans and events of calls and attempts, with OpenTelemetry's
//!   names.
//!
//! ```
//! use jibit_driver::{Shared, Step};
//! use jibit_proto::{Config, Inquiry, Secret, Session, Timestamp, TransportError};
//!
//! let config = Config::new("https://pg.jibit.mobi", "7746", Secret::new("123456"));
//! let shared: Shared<std::thread::Thread> = Shared::new(Session::new(config, 7)?);
//!
//! let mut now = Timestamp::from_unix_millis(1_800_000_000_000);
//! let mut call = shared.begin(Inquiry::new("7wvkgrn0".parse()?), now);
//! let outcome = loop {
//!     match call.poll(now, std::thread::current) {
//!         Step::Send(_) => call.receive(Err(TransportError::not_sent("no network")), now),
//!         Step::Wait(until) => now = until, // or park, until somebody unparks this thread
//!         Step::Done(outcome) => break outcome,
//!     }
//! };
//! assert!(outcome.is_err());
//! # Ok::<(), jibit_proto::InvalidInput>(())
//! ```

#[cfg(feature = "file-tokens")]
mod file_tokens;
mod shared;
pub mod spans;
mod sync;

#[cfg(feature = "file-tokens")]
pub use file_tokens::{FileClaim, FileRight, FileTokens};
pub use jibit_proto::session::{Account, Answer, Outgoing, Step, StoreStep, Stored};
pub use shared::{Call, Shared, Wake};
