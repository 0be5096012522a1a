//! Every way in which a browser comes back.

use std::time::{Duration, Instant};

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use jibit_axum::{Back, ReturnPage, callback};
use jibit_checkout::{Standing, State};
use jibit_sandbox::Operation;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt as _;

use crate::shop::Shop;

#[tokio::test]
async fn a_form_is_answered_with_the_page_s_own_address() {
    let shop = Shop::new().await;
    let (id, query) = shop.start("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    let form = format!("orderId={id}&status=CANCEL_BY_USER");
    let sent_on = shop.post(&query, form).await;
    assert_eq!(sent_on.status, StatusCode::SEE_OTHER);
    assert_eq!(sent_on.header("location"), format!("?{query}"));
    assert_eq!(sent_on.header("cache-control"), "no-store");
    assert_eq!(shop.state("o-1").await, State::Paid);
    assert_eq!(shop.get(&query).await.heading(), "پرداخت شد");
}

#[tokio::test]
async fn nothing_that_a_form_brings_along_is_passed_on() {
    let shop = Shop::new().await;
    let (_, query) = shop.start("o-1").await;
    for (own, form, location) in [
        (
            format!("{query}&lang=fa&x=1"),
            "y=2&lang=en".to_owned(),
            format!("?{query}&lang=fa"),
        ),
        // The code in the body, as a gateway might have it.
        (String::new(), query.clone(), format!("?{query}")),
        (
            "attempt=%0d%0aSet-Cookie:a".to_owned(),
            String::new(),
            "?".to_owned(),
        ),
    ] {
        let sent_on = shop.post(&own, form).await;
        assert_eq!(sent_on.status, StatusCode::SEE_OTHER);
        assert_eq!(sent_on.header("location"), location);
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_text_is_let_be() {
    let shop = Shop::new().await;
    let (id, query) = shop.start("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    for body in [vec![b'a'; 9 * 1024], vec![0xff; 100]] {
        let sent_on = shop.post(&query, body).await;
        assert_eq!(sent_on.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(shop.state("o-1").await, State::Paid);
}

#[tokio::test]
async fn a_tab_that_is_closed_stops_nothing() {
    let shop = Shop::new().await;
    let (id, query) = shop.start("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    shop.sandbox
        .arm("inquiry before always delay=300ms".parse().unwrap());
    let request = Request::get(format!("/paid?{query}"));
    let answer = shop
        .router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap());
    let closed = tokio::time::timeout(Duration::from_millis(100), answer).await;
    assert!(closed.is_err(), "it came before the tab was closed");
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if shop.state("o-1").await == State::Paid {
            return;
        }
    }
    panic!("it was never captured");
}

#[tokio::test]
async fn who_waits_long_reads_that_we_are_still_asking() {
    let shop = Shop::new().await;
    let (id, query) = shop.start("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    shop.sandbox
        .arm("inquiry before always hang".parse().unwrap());
    let begun = Instant::now();
    let page = shop.get(&query).await;
    assert!(begun.elapsed() < Duration::from_secs(14));
    assert_eq!(page.heading(), "هنوز از درگاه می‌پرسیم");
    assert!(page.looks_again());
    // The order is known all the same.
    assert!(page.text.contains("o-1"));

    // All is well again: the page that looks again finds it paid.
    shop.sandbox.arm("".parse().unwrap());
    assert_eq!(shop.get(&query).await.heading(), "پرداخت شد");
    assert_eq!(shop.sandbox.arrived(Operation::Verify), 1);
}

#[tokio::test]
async fn a_store_that_does_not_work_is_no_failure_of_the_payment_s() {
    let shop = Shop::new().await;
    let (id, query) = shop.start("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    shop.store.fail();
    let page = shop.get(&query).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.heading(), "هنوز از درگاه می‌پرسیم");
    assert!(page.looks_again());
    shop.store.heal();
    assert_eq!(shop.get(&query).await.heading(), "پرداخت شد");
}

#[tokio::test]
async fn a_store_that_hangs_holds_nobody_up() {
    let shop = Shop::new().await;
    let (_, query) = shop.start("o-1").await;
    shop.store.hang();
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    assert!(shop.get(&query).await.looks_again());
    assert!(begun.elapsed() < Duration::from_secs(13));
}

#[tokio::test]
async fn a_shop_takes_it_out_as_it_likes() {
    let shop = Shop::new().await;
    let (_, query) = shop.start("o-1").await;
    let own = Router::new()
        .route(
            "/mine",
            get(|back: Back| async move {
                match back {
                    Back::Known(order) => {
                        assert_eq!(order.standing, Standing::Asking);
                        order.number.to_string()
                    }
                    other => format!("{other:?}"),
                }
            }),
        )
        .with_state(shop.checkout.clone());
    let shop = Shop {
        router: own,
        ..shop
    };
    for (query, text) in [(query.as_str(), "o-1"), ("attempt=1", "Unknown")] {
        let request = Request::get(format!("/mine?{query}"));
        let answer = shop.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.text, text);
    }
}

/// Served on a socket, below a path of the shop's, as in a shop.
#[tokio::test]
async fn it_works_below_another_path_and_over_a_socket() {
    let shop = Shop::new().await;
    let (id, query) = shop.start("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    let page = ReturnPage::new("Shop", "/");
    let inner = callback("/back/", page).with_state(shop.checkout.clone());
    let nested: Router = Router::new().nest("/shop", inner);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, nested).await });
    for (path, holds) in [
        (format!("/shop/back/?{query}&lang=en"), "<h1>Paid</h1>"),
        ("/shop/back/page.css".to_owned(), "@font-face"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(holds), "{answer}");
    }
}
