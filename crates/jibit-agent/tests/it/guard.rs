//! Who may ask.

use http::{Method, header};
use jibit_hyper::Secret;

use crate::shop::Shop;

#[tokio::test]
async fn with_a_token_nobody_else_is_heard() {
    let shop = Shop::with(|settings| settings.token(Secret::new("open sesame"))).await;
    for (given, status) in [
        (None, 401),
        (Some("Bearer open sesam"), 401),
        (Some("Basic open sesame"), 401),
        (Some("Bearer"), 401),
        (Some("Bearer open sesame"), 200),
        (Some("bearer open sesame"), 200),
    ] {
        let mut request = shop.request(Method::GET, "/orders");
        if let Some(given) = given {
            request = request.header(header::AUTHORIZATION, given);
        }
        let answer = shop.send(request, "").await;
        assert_eq!(answer.status, status, "{given:?}");
        if status == 401 {
            assert_eq!(answer.problem().1, "unauthorized");
            assert!(!answer.text.contains("sesam"));
        }
    }
    // What a browser and a supervisor ask needs none.
    for path in ["/health", "/ready"] {
        assert_eq!(shop.get(path).await.status, 200, "{path}");
    }
    assert!(shop.get("/paid").await.kind.starts_with("text/html"));
    for path in ["/metrics", "/openapi.json", "/orders/o-1"] {
        assert_eq!(shop.get(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn without_a_token_no_page_of_a_browser_is_heard() {
    let shop = Shop::new().await;
    for (name, value, status) in [
        (header::ORIGIN, "https://evil.example", 403),
        (header::HOST, "evil.example", 403),
        (header::HOST, "localhost:8092", 200),
        (header::HOST, "[::1]:8092", 200),
    ] {
        let request = shop.request(Method::GET, "/orders").header(name, value);
        let answer = shop.send(request, "").await;
        assert_eq!(answer.status, status, "{value}");
    }
    // Customers come from the gateway's page, by the proxy's name.
    let customer = shop
        .request(Method::GET, "/paid")
        .header(header::HOST, "shop.example");
    assert_eq!(shop.send(customer, "").await.status, 404);
}
