//! Whether a transport keeps the contract.
//!
//! A transport that loses the difference between "not sent" and "unknown", or
//! sends something twice, loses money. Each sentence of the contract is a
//! [`Case`], which is run against a scripted peer on real sockets:
//!
//! ```no_run
//! use jibit_testkit::conformance::Kit;
//! # #[derive(Debug)] struct MyTransport;
//! # impl MyTransport { fn trusting(_: Option<&str>) -> Self { Self } }
//! # impl jibit_blocking::Transport for MyTransport {
//! #     fn send(&self, _: http::Request<bytes::Bytes>, _: std::time::Duration)
//! #         -> Result<http::Response<bytes::Bytes>, jibit_blocking::TransportError>
//! #     { Err(jibit_blocking::TransportError::not_sent("")) }
//! # }
//!
//! #[test]
//! # fn hidden() {}
//! fn my_transport_keeps_the_contract() {
//!     // The kit makes a transport a case, and says which certificate to trust.
//!     let kit = Kit::blocking("mine", |setup| MyTransport::trusting(setup.trust));
//!     kit.run().assert_passed();
//! }
//! ```
//!
//! For an async transport, [`Kit::futures`] also takes how to run a future:
//! `|job| runtime.block_on(job)` on tokio, `|job| smol::block_on(job)` on smol.
//!
//! Each case is a public function too, to be run alone while you mend something:
//! `conformance::losses::refused_port(&kit)`.

pub mod answers;
mod check;
#[cfg(feature = "http2")]
pub mod http2;
pub mod losses;
mod report;
pub mod requests;
pub mod secrets;
mod subject;
pub mod tls;
pub mod together;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use check::Failed;
pub use report::{Report, Row, Verdict};
pub use subject::{Job, Kit, Setup};

/// One sentence of the contract, and how it is checked.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The case's name, which is its function's: `losses::refused_port`.
    pub name: &'static str,
    /// The sentence.
    pub rule: &'static str,
    /// What the transport has to speak for the case to apply.
    pub needs: Needs,
    /// Checks it.
    pub check: fn(&Kit) -> Result<(), Failed>,
}

/// What a transport has to speak for a case to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// HTTP/1.1, which every transport speaks.
    Http,
    /// TLS.
    Tls,
    /// HTTP/2 by ALPN.
    Http2,
}

macro_rules! cases {
    ($($(#[$only:meta])? $needs:ident $file:ident::$name:ident: $rule:literal,)*) => {
        /// The whole contract, in the order in which it reads best.
        pub const CASES: &[Case] = &[$(
            $(#[$only])?
            Case {
                name: concat!(stringify!($file), "::", stringify!($name)),
                rule: $rule,
                needs: Needs::$needs,
                check: $file::$name,
            },
        )*];
    };
}

cases! {
    Http requests::method: "The method arrives as it is.",
    Http requests::target: "Path and query arrive byte for byte, percent signs and all.",
    Http requests::dots: "Dots in a path, `%2e%2E` too, arrive as they are; a request that cannot be sent so is `not_sent`.",
    Http requests::headers: "Every header arrives with every byte of its value, as often as it was given.",
    Http requests::body: "The body arrives byte for byte.",
    Http requests::empty_body: "A POST without a body arrives with `Content-Length: 0`.",
    Http requests::no_encoding: "No content encoding is asked for.",
    Http requests::no_cookies: "Cookies are neither kept nor sent.",

    Http answers::headers: "Every header of the answer comes back with every byte of its value, as often as it was sent.",
    Http answers::success: "Any 2xx is an answer.",
    Http answers::client_errors: "A 4xx is an answer, with its body, and the request is not sent again.",
    Http answers::server_errors: "A 5xx is an answer, with its body, and the request is not sent again.",
    Http answers::redirects: "A 301, 302 or 303 is an answer: nobody else is asked.",
    Http answers::replaying_redirects: "A 307 or 308 is an answer: nothing is sent again elsewhere.",
    Http answers::interim: "An interim answer (1xx) is passed over.",
    Http answers::by_length: "A body of a stated length comes back whole, however the header is spelled.",
    Http answers::chunked: "A chunked body comes back whole, without extensions and trailers.",
    Http answers::to_the_end: "A body that ends with the connection comes back whole.",
    Http answers::empty: "An empty body is a body.",
    Http answers::not_utf8: "A body that is not UTF-8 comes back as it is.",
    Http answers::in_pieces: "An answer that comes in single bytes is an answer.",
    Http answers::encoded: "An encoded body comes back encoded, with the header that says so.",
    Http answers::at_the_limit: "A body of 64 KiB comes back.",
    Http answers::too_long: "A longer body is `unknown`, never a part of it.",
    Http answers::too_long_in_chunks: "A longer body in chunks is `unknown` too.",
    Http answers::endless_body: "An endless body is given up at the limit.",
    Http answers::endless_head: "An endless head is given up, and is `unknown`.",

    Http losses::refused_port: "A refused connection is `not_sent`.",
    Http losses::unknown_host: "An unknown host is `not_sent`.",
    Http losses::closed: "A connection that closes before the answer is `unknown`.",
    Http losses::reset: "A connection that is reset before the answer is `unknown`.",
    Http losses::half_a_head: "Half a head is `unknown`.",
    Http losses::half_a_body: "Half a body is `unknown`, never an answer.",
    Http losses::half_a_chunk: "Half a chunked body is `unknown`, never an answer.",
    Http losses::not_http: "An answer that is not HTTP is `unknown`.",
    Http losses::silence: "Silence until the time-out is `unknown`.",
    Http losses::silence_in_the_body: "Silence in the middle of the body is `unknown`.",
    Http losses::trickle: "The time-out counts for the whole answer, not for each byte of it.",
    Http losses::lost_on_a_kept_connection: "A request whose answer is lost on a connection that was used before is not sent again.",
    Http losses::stale_connection: "A POST that meets a kept connection's end arrives at most once, and never if it is `not_sent`.",

    Http together::fifty: "Fifty requests at once get their own answers.",
    Http together::slow_answer: "A slow answer holds nobody else up.",
    Http together::given_up: "A request that is given up, by a dropped future or a caller's panic, leaves the transport usable.",

    Http secrets::debug: "`Debug` shows nothing of what was sent.",
    Http secrets::errors: "Errors, with all their causes, repeat nothing of what was sent or answered.",

    Tls tls::own_root: "TLS is spoken with a gateway whose certificate is trusted.",
    Tls tls::stranger: "A certificate that nobody vouches for is `not_sent`.",
    Tls tls::another_name: "A certificate for another name is `not_sent`.",
    Tls tls::expired: "A certificate that has expired is `not_sent`.",
    Http tls::no_tls: "What is for https is never sent in the open; a gateway that answers TLS with something else is `not_sent`.",

    #[cfg(feature = "http2")]
    Http2 http2::spoken: "HTTP/2 is spoken where it is offered.",
    #[cfg(feature = "http2")]
    Http2 http2::fifty: "Fifty requests at once over HTTP/2 get their own answers.",
    #[cfg(feature = "http2")]
    Http2 http2::too_long: "A body over HTTP/2 that is too long is `unknown`, never a part of it, and others go on.",
    #[cfg(feature = "http2")]
    Http2 http2::closing: "A POST that meets the end of an HTTP/2 connection arrives at most once, and never if it is `not_sent`.",
}

impl Case {
    /// Checks `kit`'s transport; a panic counts as a failure.
    #[must_use]
    pub fn verdict(&self, kit: &Kit) -> Verdict {
        let applies = match self.needs {
            Needs::Http => true,
            Needs::Tls => kit.speaks_tls(),
            Needs::Http2 => kit.speaks_http2(),
        };
        if !applies {
            return Verdict::NotApplicable;
        }
        match catch_unwind(AssertUnwindSafe(|| (self.check)(kit))) {
            Ok(Ok(())) => Verdict::Passed,
            Ok(Err(failed)) => Verdict::Failed(failed.to_string()),
            Err(_) => Verdict::Failed("it panics".to_owned()),
        }
    }
}
