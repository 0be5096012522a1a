//! A local Jibit QR payment gateway (protocol 2.1), to develop and test against.
//!
//! It speaks the protocol as the document prints it, keeps orders, wallets and
//! time, shows the customer a page to pay on, and fails on demand. No money
//! moves and nothing leaves the machine.
//!
//! ```
//! use jibit_sandbox::{Fate, Fault, Operation, Sandbox};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let sandbox = Sandbox::start().await?; // a free port on 127.0.0.1
//! println!("merchant 7746 with the password 123456 at {}", sandbox.url());
//!
//! // The next verify captures the money, and its answer never comes.
//! sandbox.inject(Fault::after(Operation::Verify, Fate::Reset));
//! # std::io::Result::Ok(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`Gateway`] is the same without sockets and clocks: `handle(request, now)`
//! answers at once and says what the wire does with the answer, for tests and
//! simulations in one thread. Switch the default feature `server` off to have
//! only that.
//!
//! It shares no wire type with `jibit-proto`: what the client builds is read
//! here by other code, so a mistake cannot cancel itself out.

mod fault;
mod gateway;
mod mobile;
mod quirks;
mod returning;
mod scenario;
#[cfg(feature = "server")]
mod server;
mod settings;

pub use fault::{Effect, Fate, Fault, FaultPlan, Operation, Phase, PlanError};
pub use gateway::{Account, Answer, Book, ClientIp, Gateway, JournalEntry, Order, Refusal, State};
pub use quirks::{Profile, Quirk, UnknownQuirk};
pub use returning::{Returning, UnknownReturning};
#[cfg(feature = "server")]
pub use server::Sandbox;
pub use settings::{Settings, WindowFrom};
