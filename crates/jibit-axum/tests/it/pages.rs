//! What the return page shows.

use axum::body::Body;
use http::{Request, StatusCode};

use crate::shop::{Answer, Shop};

/// A page without what is random in it, an element a line.
fn readable(page: &Answer, code: &str) -> String {
    let text = page.text.replace("><", ">\n<");
    let code = code.trim_start_matches("attempt=");
    text.replace(code, "[code]")
}

/// The same, with the gateway's reference masked.
fn without_reference(text: &str, label: &str) -> String {
    let Some((before, rest)) = text.split_once(&format!("<dt>{label}</dt>\n<dd>\n<bdi>")) else {
        return text.to_owned();
    };
    let (_, after) = rest.split_once('<').unwrap();
    format!("{before}<dt>{label}</dt>\n<dd>\n<bdi>[ref]<{after}")
}

#[tokio::test]
async fn a_customer_who_paid_reads_so() {
    let shop = Shop::new().await;
    let (id, query) = shop.start("o-17").await;
    shop.sandbox.pay(&id).unwrap();
    let page = shop
        .get(&format!("{query}&orderId={id}&status=PURCHASE_BY_USER"))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    let text = without_reference(&readable(&page, &query), "شماره پیگیری");
    insta::assert_snapshot!("paid-fa", text);
    let page = shop.get(&format!("{query}&lang=en")).await;
    let text = without_reference(&readable(&page, &query), "Reference");
    insta::assert_snapshot!("paid-en", text);
}

#[tokio::test]
async fn every_other_page_says_what_is_known() {
    let shop = Shop::new().await;
    let (id, cancelled) = shop.start("o-1").await;
    shop.sandbox.cancel(&id).unwrap();
    let (_, asking) = shop.start("o-2").await;
    let (_, withdrawn) = shop.start("o-3").await;
    shop.checkout
        .withdraw(&"o-3".parse().unwrap())
        .await
        .unwrap();
    for (name, query, heading, looks_again) in [
        ("not-paid", cancelled.as_str(), "پرداخت نشد", false),
        ("asking", &asking, "هنوز از درگاه می‌پرسیم", true),
        ("withdrawn", &withdrawn, "سفارش پس گرفته شد", false),
        ("unknown", "attempt=0", "این پرداخت را نمی‌شناسیم", false),
    ] {
        let page = shop.get(query).await;
        assert_eq!((page.heading(), page.looks_again()), (heading, looks_again));
        let found = if name == "unknown" { 404 } else { 200 };
        assert_eq!(page.status, found);
        insta::assert_snapshot!(name, readable(&page, query));
        let english = shop.get(&format!("{query}&lang=en")).await;
        assert!(english.text.contains("<html lang=\"en\" dir=\"ltr\">"));
        assert_eq!(english.looks_again(), looks_again);
    }
}

#[tokio::test]
async fn every_page_keeps_to_itself() {
    let shop = Shop::new().await;
    let (_, query) = shop.start("o-1").await;
    for query in [query.as_str(), "attempt=%3Cscript%3E&lang=%22%3E", ""] {
        let page = shop.get(query).await;
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"));
        assert!(!policy.contains("script") && !policy.contains("unsafe"));
        assert!(!page.text.contains("<script") && !page.text.contains("style="));
        // A shop's name is text, whatever it is.
        assert!(page.text.contains("&lt;فروشگاه&gt; &amp; نمونه"));
    }
}

#[tokio::test]
async fn a_browser_is_answered_in_its_language() {
    let shop = Shop::new().await;
    let request = Request::get("/paid").header("accept-language", "en-US,en;q=0.9");
    let page = shop.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(page.heading(), "We do not know this payment");
}

#[tokio::test]
async fn style_and_typeface_are_the_shop_s_own() {
    let shop = Shop::new().await;
    let page = shop.get("").await;
    // Relative to /paid.
    assert!(page.text.contains("href=\"paid/page.css\""));
    for (path, kind, at_least) in [
        ("/paid/page.css", "text/css; charset=utf-8", 1000),
        ("/paid/vazirmatn.woff2", "font/woff2", 10_000),
    ] {
        let asset = shop
            .send(Request::get(path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(asset.header("content-type"), kind);
        assert!(asset.text.len() > at_least);
        assert!(!asset.text.contains("http:") && !asset.text.contains("https:"));
    }
}
