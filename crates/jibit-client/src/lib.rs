//! The async client of the Jibit QR payment gateway, for any runtime and any
//! HTTP library.
//!
//! A [`Client`] is made of a [`Config`], a [`Transport`] that sends requests and
//! a [`Clock`] that tells the time and sleeps. It decides nothing: the calls, the
//! tokens they share and what each answer leads to are `jibit-proto`'s.
//!
//! ```
//! use async_trait::async_trait;
//! use jibit_client::{Clock, Config, Secret, Timestamp, Transport, TransportError};
//!
//! struct MyHttp;
//!
//! #[async_trait]
//! impl Transport for MyHttp {
//!     async fn send(
//!         &self,
//!         request: http::Request<bytes::Bytes>,
//!     ) -> Result<http::Response<bytes::Bytes>, TransportError> {
//!         Err(TransportError::not_sent("not connected to anything"))
//!     }
//! }
//!
//! # struct MyClock;
//! # #[async_trait]
//! # impl Clock for MyClock {
//! #     fn now(&self) -> Timestamp { Timestamp::default() }
//! #     async fn sleep_until(&self, _: Timestamp) {}
//! # }
//! let config = Config::new("https://pg.jibit.mobi", "7746", Secret::new("123456"));
//! let client = jibit_client::Client::new(config, 7, MyHttp, MyClock)?;
//! # Ok::<(), jibit_proto::InvalidInput>(())
//! ```
//!
//! # Several processes
//!
//! A merchant has one pair of tokens that count: a login of one process may end
//! the tokens of another. Processes share them by a [`TokenStore`], which
//! [`Client::share_tokens`] takes; one renews, and the others take up what it got.
//! `FileTokens` (feature `file-tokens`) is one for the processes of one machine.

mod client;
mod driver;
mod timer;
mod tokens;

pub use client::{Client, Clock, Transport};
pub use jibit_driver::Account;
#[cfg(feature = "file-tokens")]
pub use jibit_driver::FileTokens;
pub use jibit_proto::{
    CallbackUrl, Certainty, Config, Error, ErrorKind, Expected, InvalidInput, MerchantOrderId,
    Mobile, OrderId, OrderStatus, Payable, Private, Receipt, RedirectUrl, RefId, Rial, Secret,
    Sighting, Timestamp, Toman, TransportError, Verdict,
    wire::{
        Payment,
        initiate::{Initiated, NewOrder},
        inquiry::Inquired,
    },
};
pub use tokens::{Claim, Right, StoreError, TokenStore};
