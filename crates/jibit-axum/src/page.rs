//! The page that a customer comes back to.

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{StatusCode, Uri, header};
use jibit_checkout::{CODE_PARAMETER, Checkout, Returned, Standing};
use maud::{DOCTYPE, Markup, html};

use crate::{Back, Language, back, language};

/// Nothing foreign, no script, nothing inside the page, and no form.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// After so many seconds a page that knows nothing yet looks again.
///
/// Each look asks the gateway. An order that nobody pays is cancelled there in the
/// end, and then no page asks any more.
const LOOKS_AGAIN: u32 = 5;

/// Vazirmatn, cut to what the page needs; assets/OFL.txt is its licence.
const TYPEFACE: &[u8] = include_bytes!("../assets/vazirmatn.woff2");
const STYLE: &str = include_str!("page.css");

// Marks beside what is said, drawn, since not every machine has such letters.
const CHECK: &str = "M4 13l5 5L20 6";
const CROSS: &str = "M6 6l12 12M18 6L6 18";
const CLOCK: &str = "M12 4v8.5l6 3.5";
const BACK: &str = "M9 14l-4-4 4-4M5 10h9a5 5 0 0 1 0 10h-3";
const QUESTION: &str = "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.01";

/// The page that a customer comes back to: what the order comes to, what it costs,
/// its number and the gateway's reference. Persian or English ([`Language`]).
#[derive(Clone, Debug)]
pub struct ReturnPage {
    shop_name: String,
    shop_url: String,
    /// Where the style and the typeface are, seen from the page.
    assets: String,
}

impl ReturnPage {
    /// The page of a shop of this name, from which customers go on to `shop_url`.
    #[must_use]
    pub fn new(shop_name: impl Into<String>, shop_url: impl Into<String>) -> Self {
        Self {
            shop_name: shop_name.into(),
            shop_url: shop_url.into(),
            assets: String::new(),
        }
    }

    /// The page for a customer who came back with `query`, whose code the link to
    /// the other language takes along.
    fn response(&self, back: &Back, language: Language, query: &str) -> Response {
        let status = match back {
            Back::Unknown => StatusCode::NOT_FOUND,
            // Also while nobody knows: what stands before a shop may put a page of
            // its own in the place of a 503, and that would say "failed".
            _ => StatusCode::OK,
        };
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        let page = self.page(back, language, query);
        (status, headers, page.into_string()).into_response()
    }

    fn page(&self, back: &Back, l: Language, query: &str) -> Markup {
        let said = Said::of(back);
        html! {
            (DOCTYPE)
            html lang=(l.code()) dir=(l.direction()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    @if said.looks_again { meta http-equiv="refresh" content=(LOOKS_AGAIN); }
                    title { (l.pick(said.persian.0, said.english.0)) " · " (self.shop_name) }
                    link rel="stylesheet" href={ (self.assets) "page.css" };
                }
                body { main {
                    header {
                        p { bdi { (self.shop_name) } }
                        (other_language(l, query))
                    }
                    (said.section(l))
                    @if let Back::Known(order) = back { (facts(order, l)) }
                    section { a.back href=(self.shop_url) { (l.pick("بازگشت به فروشگاه", "Back to the shop")) } }
                } }
            }
        }
    }
}

/// What the page says, in both languages: the heading, and what it means.
struct Said {
    mark: (&'static str, &'static str),
    persian: (&'static str, &'static str),
    english: (&'static str, &'static str),
    looks_again: bool,
}

impl Said {
    const PAID: Self = Self {
        mark: (CHECK, "good"),
        persian: (
            "پرداخت شد",
            "پرداخت شما انجام و تأیید شد. سپاس از خرید شما.",
        ),
        english: (
            "Paid",
            "Your payment was made and is confirmed. Thank you for your order.",
        ),
        looks_again: false,
    };
    const NOT_PAID: Self = Self {
        mark: (CROSS, "bad"),
        persian: (
            "پرداخت نشد",
            "درگاه می‌گوید این پرداخت انجام نشده است. اگر پولی از کیف پول شما کم شده بود، به آن برگشته است.",
        ),
        english: (
            "Not paid",
            "The gateway says that this payment was not made. If money had left your wallet, it is back there.",
        ),
        looks_again: false,
    };
    const ASKING: Self = Self {
        mark: (CLOCK, "waits"),
        persian: (
            "هنوز از درگاه می‌پرسیم",
            "هنوز نمی‌دانیم پرداخت انجام شده است یا نه. اگر پرداخت کرده‌اید، دوباره نپردازید: پول شما گم نمی‌شود. این صفحه خودش تازه می‌شود، و اگر آن را ببندید هم ما پیگیری می‌کنیم.",
        ),
        english: (
            "We are still asking the gateway",
            "We do not know yet whether the payment was made. If you have paid, do not pay again: your money is not lost. This page looks again by itself, and we go on asking if you close it.",
        ),
        looks_again: true,
    };
    const WITHDRAWN: Self = Self {
        mark: (BACK, "quiet"),
        persian: (
            "سفارش پس گرفته شد",
            "فروشگاه این سفارش را پس گرفته است. اگر پرداخت کرده‌اید، پول خودبه‌خود به کیف پول شما برمی‌گردد.",
        ),
        english: (
            "The order was withdrawn",
            "The shop took this order back. If you paid, the money returns to your wallet by itself.",
        ),
        looks_again: false,
    };
    const UNKNOWN: Self = Self {
        mark: (QUESTION, "quiet"),
        persian: (
            "این پرداخت را نمی‌شناسیم",
            "نشانی این صفحه به هیچ پرداختی نزد ما نمی‌رسد؛ شاید کامل نیست. سفارش‌های خود را بدون این صفحه هم پیگیری می‌کنیم: اگر پرداخت کرده‌اید، با شماره سفارش از فروشگاه بپرسید.",
        ),
        english: (
            "We do not know this payment",
            "The address of this page leads to no payment of ours; perhaps it is not whole. We ask about every order of ours without this page, too: if you have paid, ask the shop, with the order's number.",
        ),
        looks_again: false,
    };

    const fn of(back: &Back) -> &'static Self {
        match back {
            Back::Known(order) => match order.standing {
                Standing::Paid => &Self::PAID,
                Standing::NotPaid => &Self::NOT_PAID,
                Standing::Withdrawn => &Self::WITHDRAWN,
                // Whatever else an order may come to some day is not known here.
                _ => &Self::ASKING,
            },
            Back::Unknown => &Self::UNKNOWN,
            Back::StillAsking => &Self::ASKING,
        }
    }

    fn section(&self, l: Language) -> Markup {
        let (drawing, kind) = self.mark;
        html! {
            section.said role="status" {
                div class={ "mark " (kind) } aria-hidden="true" {
                    svg viewBox="0 0 24 24" { path d=(drawing) {} }
                }
                h1 { (l.pick(self.persian.0, self.english.0)) }
                p { (l.pick(self.persian.1, self.english.1)) }
            }
        }
    }
}

fn facts(order: &Returned, l: Language) -> Markup {
    html! {
        section.price {
            p.quiet { (l.pick("مبلغ", "Amount")) }
            p.amount { (l.toman(order.amount)) }
            p.rial { (l.rial(order.amount)) }
        }
        section {
            dl {
                dt { (l.pick("شماره سفارش", "Order")) }
                dd { bdi { (order.number) } }
                @if let Some(reference) = &order.ref_id {
                    dt { (l.pick("شماره پیگیری", "Reference")) }
                    dd { bdi { (l.digits(reference.as_str())) } }
                }
            }
        }
    }
}

fn other_language(l: Language, query: &str) -> Markup {
    let other = l.other();
    let code = back::code(query).map(|code| format!("{CODE_PARAMETER}={code}&"));
    let href = format!(
        "?{}{}={}",
        code.unwrap_or_default(),
        language::PARAMETER,
        other.code()
    );
    html! { a href=(href) lang=(other.code()) dir=(other.direction()) hreflang=(other.code()) { (other.name()) } }
}

/// The routes of a return page at `path`, which is the path of the checkout's
/// callback URL: the page by GET and POST, and below it its style and typeface.
///
/// # Panics
///
/// If `path` is none that a [`Router`] takes, such as one without `/` at its start.
pub fn callback<S>(path: &str, page: ReturnPage) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Checkout: FromRef<S>,
{
    // Seen from the page, so that it also works below whatever it is nested in.
    let (folder, assets) = match path.rsplit_once('/') {
        Some((_, "")) => (path.to_owned(), String::new()),
        Some((_, last)) => (format!("{path}/"), format!("{last}/")),
        None => (path.to_owned(), String::new()),
    };
    let page = Arc::new(ReturnPage { assets, ..page });
    let show = move |uri: Uri, language: Language, back: Back| async move {
        page.response(&back, language, uri.query().unwrap_or_default())
    };
    let style = || async { asset("text/css; charset=utf-8", STYLE) };
    let typeface = || async { asset("font/woff2", TYPEFACE) };
    Router::new()
        .route(path, get(show.clone()).post(show))
        .route(&format!("{folder}page.css"), get(style))
        .route(&format!("{folder}vazirmatn.woff2"), get(typeface))
}

fn asset(kind: &'static str, content: impl axum::response::IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "max-age=3600"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}
