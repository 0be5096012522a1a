//! What tests around the Jibit QR payment gateway need and production does not.
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
mod fixture;
#[cfg(feature = "conformance")]
pub mod peer;

pub use fixture::{Fixture, FixtureError};
