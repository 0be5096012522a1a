//! The customer's way back from the Jibit QR payment gateway, for shops on
//! [axum]: a route with a page that says how the order stands, and an
//! extractor for shops with a page of their own.
//!
//! ```
//! use axum::Router;
//! use jibit_axum::{ReturnPage, callback};
//! use jibit_checkout::Checkout;
//!
//! # fn shop(checkout: Checkout) -> Router {
//! // The checkout was opened with the URL https://shop.example/paid.
//! let page = ReturnPage::new("کتاب‌فروشی نمونه", "https://shop.example/");
//! let shop: Router = Router::new()
//!     .merge(callback("/paid", page))
//!     .with_state(checkout);
//! # shop
//! # }
//! ```
//!
//! Or with a page of your own:
//!
//! ```
//! use jibit_axum::Back;
//! use jibit_checkout::Standing;
//!
//! async fn paid(back: Back) -> String {
//!     match back {
//!         Back::Known(order) => match order.standing {
//!             Standing::Paid => format!("thank you; your order is {}", order.number),
//!             Standing::NotPaid => "you have not paid".to_owned(),
//!             Standing::Withdrawn => "the order was withdrawn; what you pay returns".to_owned(),
//!             _ => "we are still asking the gateway".to_owned(),
//!         },
//!         Back::Unknown => "we know no such payment".to_owned(),
//!         _ => "we are still asking the gateway".to_owned(),
//!     }
//! }
//! # use axum::{Router, routing::get};
//! # use jibit_checkout::Checkout;
//! # let _: Router<Checkout> = Router::new().route("/paid", get(paid).post(paid));
//! ```
//!
//! # What holds
//!
//! * Nothing that the browser says is believed. It is a hint that it is time to
//!   ask; what is shown is what the store then says.
//! * A customer who closes the tab stops nothing: the gateway is asked in a task of
//!   its own. One who waits ten seconds is shown what is known by then.
//! * No trouble of the shop's or the gateway's is shown as "failed": whoever may
//!   have paid reads that we are still asking, and the page asks again by itself.
//! * The page works without scripts, loads nothing foreign, is stored nowhere, and
//!   tells no other site where it was.

mod back;
mod language;
mod page;

pub use back::Back;
pub use language::Language;
pub use page::{ReturnPage, callback};
