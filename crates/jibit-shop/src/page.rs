//! What the shop's pages share.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, StatusCode, header};
use jibit_axum::Language;
use maud::{DOCTYPE, Markup, html};

use crate::{NAME, basket::Basket};

/// What the shop speaks.
pub(crate) const PERSIAN: Language = Language::Persian;

/// Nothing foreign, no script, nothing inside the page. No form-action: Chromium
/// holds it against the redirect that takes a customer to the gateway.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// A page as an answer.
pub(crate) fn answer(page: Markup) -> Response {
    (headers(), page.into_string()).into_response()
}

fn headers() -> [(HeaderName, &'static str); 5] {
    [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        // A form of ours says where it comes from; nobody else is told.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}

/// A page of the shop.
pub(crate) fn shop(title: &str, basket: &Basket, body: &Markup) -> Response {
    let count = basket.count();
    answer(html! {
        (DOCTYPE)
        html lang="fa" dir="rtl" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (NAME) }
                link rel="stylesheet" href="/shop.css";
            }
            body {
                header { div.wide {
                    a.name href="/" { (logo()) (NAME) }
                    nav aria-label="سبد خرید" {
                        a.basket href="/basket" {
                            (bag())
                            "سبد خرید"
                            @if count > 0 { span.count { (PERSIAN.digits(&count.to_string())) } }
                        }
                    }
                } }
                main.wide { (body) }
                footer { div.wide { p {
                    "این فروشگاه برای نمایش است: چیزی فروخته نمی‌شود و پولی جابه‌جا نمی‌شود."
                } } }
            }
        }
    })
}

/// A page with one thing to say.
pub(crate) fn message(heading: &str, more: &str) -> Response {
    let body = html! {
        section.message role="status" {
            h1 { (heading) }
            p { (more) }
            p { a.button href="/" { "بازگشت به فروشگاه" } }
        }
    };
    shop(heading, &Basket::default(), &body)
}

pub(crate) async fn nothing_here() -> Response {
    let said = message("چنین صفحه‌ای نیست", "شاید نشانی کامل نیست.");
    (StatusCode::NOT_FOUND, said).into_response()
}

fn logo() -> Markup {
    html! {
        svg viewBox="0 0 32 32" aria-hidden="true" {
            rect width="32" height="32" rx="9" fill="#0f5f5c" {}
            path d="M16 5l5.5 5.5L27 16l-5.5 5.5L16 27l-5.5-5.5L5 16l5.5-5.5z" fill="#f2c14e" {}
            path d="M16 10.5l5.5 5.5-5.5 5.5-5.5-5.5z" fill="#0f5f5c" {}
        }
    }
}

fn bag() -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" stroke-linecap="round" {
            path d="M5 8h14l-1 12H6zM9 8a3 3 0 0 1 6 0" {}
        }
    }
}
