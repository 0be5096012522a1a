//! What tests around the Jibit QR payment gateway need and production does not.
//!
//! * For whoever writes a transport: the `conformance` kit, and the contract that
//!   it checks, sentence by sentence.
//! * For a shop's own tests: `fakes`, a gateway without a network, a clock that
//!   goes when it is told to, and a transcript of what was said. A faithful
//!   gateway on real sockets is `jibit-sandbox`.
//! * For tests on real sockets: `peer`, a server that answers byte for byte what
//!   it is told to, and counts what arrives.
//! * [`Fixture`]: recorded exchanges.
//!
//! # Fixtures
//!
//! [`Fixture`] reads and writes one exchange as readable HTTP, the form of the
//! files in the project's `fixtures/`:
//!
//! ```
//! use jibit_testkit::Fixture;
//!
//! let text = "\
//! ## source: an example
//!
//! GET /order/inquiry/7wvkgrn0 HTTP/1.1
//! content-type: application/json
//! authorization: Bearer {{token}}
//!
//!
//! HTTP/1.1 200 OK
//! content-type: application/json
//!
//! {\"statusV\": \"PGENTRY\", \"amount\": 100}
//! ";
//! let fixture: Fixture = text.parse()?;
//! assert_eq!(fixture.request.uri().path(), "/order/inquiry/7wvkgrn0");
//! assert_eq!(fixture.answer.status(), 200);
//! # Ok::<(), jibit_testkit::FixtureError>(())
//! ```

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "fakes")]
pub mod fakes;
mod fixture;
#[cfg(feature = "conformance")]
pub mod peer;

pub use fixture::{Fixture, FixtureError};
