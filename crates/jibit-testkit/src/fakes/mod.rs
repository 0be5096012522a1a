//! A gateway that says what it is told to, a clock that goes when it is told
//! to, and a transcript of what was said: for a shop's own tests.
//!
//! They serve both the async and the blocking client:
//!
//! ```
//! use jibit_blocking::{Client, Config, Expected, Secret, Verdict};
//! use jibit_testkit::fakes::{Fake, ManualClock, Recorded, Said, Transcript};
//!
//! let transcript = Transcript::new();
//! let clock = ManualClock::jumping().noting(&transcript);
//! let paid = r#"{"statusV":"PURCHASE_BY_USER","merchantOrderId":"order-17-1","amount":125000}"#;
//! let confirmed = r#"{"statusV":"PURCHASE_CONFIRM_BY_MERCHANT","merchantOrderId":"order-17-1","amount":125000}"#;
//! let gateway = Fake::script(&clock, [
//!     Said::tokens("t-1", "r-1"),
//!     Said::json(200, paid),
//!     Said::Lost, // the verify's answer
//!     Said::json(200, confirmed),
//! ]);
//!
//! let config = Config::new("https://gateway.example", "7746", Secret::new("123456"));
//! let client = Client::new(config, 7, Recorded::new(gateway, &transcript), clock)?;
//! let expected = Expected {
//!     amount: "125000".parse()?,
//!     merchant_order_id: "order-17-1".parse()?,
//! };
//! let verdict = client.settle("7wvkgrn0".parse()?, expected)?;
//! assert!(matches!(verdict, Verdict::Paid(_)));
//! assert!(transcript.to_string().contains("<- lost (it may have arrived)"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod gateway;
mod transcript;

pub use clock::ManualClock;
pub use gateway::{Fake, Said};
pub use transcript::{Recorded, Transcript};
