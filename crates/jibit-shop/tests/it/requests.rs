//! What the shop answers.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use jibit_checkout::Standing;

use crate::stage::{MOBILE, Stage};

#[tokio::test]
async fn a_basket_goes_the_whole_way() {
    let stage = Stage::new().await;
    let cookie = stage.basket(&["tea", "mug", "tea"]).await;
    let basket = stage.get("/basket", &cookie).await;
    for part in [
        "چای لاهیجان",
        "لیوان سفالی",
        "۶۱۵٬۰۰۰ تومان",
        "۶٬۱۵۰٬۰۰۰ ریال",
    ] {
        assert!(basket.text.contains(part), "{part}");
    }
    let sent_on = stage.pay(&cookie).await;
    assert_eq!(sent_on.status, StatusCode::SEE_OTHER);
    assert!(sent_on.location.starts_with(&stage.sandbox.url()));
    let order = &stage.orders().await[0];
    assert_eq!(order.amount.get(), 6_150_000);

    // Who pays again for the same basket pays the same order.
    let again = stage.pay(&sent_on.cookie).await;
    assert_eq!(again.location, sent_on.location);
    let id = order.attempts[0].order_id.as_ref().unwrap().as_str();
    stage.sandbox.pay(id).unwrap();
    let back = format!("/return?lang=fa&attempt={}", order.attempts[0].code);
    assert!(stage.get(&back, "").await.text.contains("<h1>پرداخت شد"));
    // What is paid for is in no basket.
    let basket = stage.get("/basket", &sent_on.cookie).await;
    assert!(basket.text.contains("سبد شما خالی است"));
}

#[tokio::test]
async fn a_changed_basket_is_another_order_and_the_old_one_is_withdrawn() {
    let stage = Stage::new().await;
    let cookie = stage.basket(&["tea"]).await;
    let first = stage.pay(&cookie).await;
    let more = stage.post("/basket", &first.cookie, "more=tea").await;
    assert_eq!(more.location, "/basket");
    let second = stage.pay(&more.cookie).await;
    assert_ne!(first.location, second.location);
    let orders = stage.orders().await;
    let old = orders.iter().find(|order| order.amount.get() == 2_450_000);
    assert_eq!(old.unwrap().standing(), Standing::Withdrawn);
    assert_eq!(orders.len(), 2);
}

#[tokio::test]
async fn two_tabs_pay_one_order() {
    let stage = Stage::new().await;
    let cookie = stage.basket(&["tea"]).await;
    let (one, other) = tokio::join!(stage.pay(&cookie), stage.pay(&cookie));
    assert_eq!(one.status, StatusCode::SEE_OTHER);
    assert_eq!(other.status, StatusCode::SEE_OTHER);
    assert_eq!(stage.orders().await.len(), 1);
}

#[tokio::test]
async fn a_basket_that_was_paid_and_changed_is_asked_about_once_more() {
    let stage = Stage::new().await;
    let first = stage.pay(&stage.basket(&["tea"]).await).await;
    let changed = stage.post("/basket", &first.cookie, "add=mug").await;
    // Meanwhile the first one is paid, in another tab.
    let order = stage.orders().await.remove(0);
    let id = order.attempts[0].order_id.as_ref().unwrap().as_str();
    stage.sandbox.pay(id).unwrap();
    let back = format!("/return?attempt={}", order.attempts[0].code);
    assert!(stage.get(&back, "").await.text.contains("<h1>پرداخت شد"));

    let told = stage.pay(&changed.cookie).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.text.contains("سفارش پیشین شما پرداخت شده است"));
    let sent_on = stage.pay(&told.cookie).await;
    assert_eq!(sent_on.status, StatusCode::SEE_OTHER);
    assert_eq!(stage.orders().await.len(), 2);
}

#[tokio::test]
async fn what_the_operator_withdrew_can_be_bought_anew() {
    let stage = Stage::new().await;
    let first = stage.pay(&stage.basket(&["tea"]).await).await;
    let number = stage.orders().await[0].number.clone();
    let withdraw = format!("/operator/orders/{number}/withdraw");
    let done = stage.post(&withdraw, "", "").await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let again = stage.pay(&first.cookie).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_ne!(again.location, first.location);
}

#[tokio::test]
async fn a_number_that_is_none_is_kept_with_the_reason() {
    let stage = Stage::new().await;
    let cookie = stage.basket(&["tea"]).await;
    for (typed, shown, said) in [
        ("0912", "0912", "نیست (۰۹ و نه رقم پس از آن)"),
        ("%DB%B0%DB%B9x", "۰۹x", "چیزی جز رقم دارد"),
        ("%22%3E%3Cb%3E", "&quot;&gt;&lt;b&gt;", "چیزی جز رقم دارد"),
        ("-09121234567", "-09121234567", "با خط تیره"),
        ("091212345671234", "091212345671234", "رقم‌های زیادی دارد"),
    ] {
        let page = stage
            .post("/pay", &cookie, &format!("mobile={typed}"))
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains(&format!("value=\"{shown}\"")), "{shown}");
        assert!(page.text.contains(said), "{said}");
        assert!(page.text.contains("شماره‌ای مانند ۰۹۱۲۱۲۳۴۵۶۷ بنویسید"));
        assert!(page.text.contains("aria-invalid=\"true\""));
    }
    assert!(stage.orders().await.is_empty());
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_said_so_and_nothing_is_lost() {
    let stage = Stage::new().await;
    stage
        .sandbox
        .arm("initiate before always status=503".parse().unwrap());
    let cookie = stage.basket(&["hafez"]).await;
    let page = stage.pay(&cookie).await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    assert!(page.text.contains("چیزی برداشت نشده است"));
    assert!(page.text.contains(MOBILE), "what was typed is gone");
    stage.sandbox.arm("".parse().unwrap());
    assert_eq!(stage.pay(&page.cookie).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        stage.orders().await.len(),
        1,
        "the same basket, the same order"
    );
}

#[tokio::test]
async fn foreign_pages_and_names_get_nowhere() {
    let stage = Stage::new().await;
    let cookie = stage.basket(&["tea"]).await;
    stage.pay(&cookie).await;
    let number = stage.orders().await[0].number.clone();
    let withdraw = format!("/operator/orders/{number}/withdraw");
    for (path, origin, status) in [
        (
            withdraw.as_str(),
            "https://evil.example",
            StatusCode::FORBIDDEN,
        ),
        (&withdraw, "null", StatusCode::FORBIDDEN),
        ("/pay", "https://evil.example", StatusCode::FORBIDDEN),
        // The gateway may send its customer by a form.
        ("/return", "https://gateway.example", StatusCode::SEE_OTHER),
    ] {
        let request = Request::post(stage.url(path)).header(header::ORIGIN, origin);
        let answer = stage.send(request.body(Bytes::new()).unwrap()).await;
        assert_eq!(answer.status, status, "{path} {origin}");
    }
    for (path, host, status) in [
        ("/operator", "evil.example", StatusCode::FORBIDDEN),
        ("/metrics", "evil.example", StatusCode::FORBIDDEN),
        ("/operator", "localhost:1", StatusCode::OK),
        ("/operator", "[::1]", StatusCode::OK),
    ] {
        let request = Request::get(stage.url(path)).header(header::HOST, host);
        let answer = stage.send(request.body(Bytes::new()).unwrap()).await;
        assert_eq!(answer.status, status, "{path} {host}");
    }
    let order = stage.shop.checkout().order(&number).await.unwrap();
    assert_eq!(order.withdrawn_at, None);
    let own = Request::post(stage.url(&withdraw)).header(header::ORIGIN, stage.url(""));
    let done = stage.send(own.body(Bytes::new()).unwrap()).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let order = stage.shop.checkout().order(&number).await.unwrap();
    assert_eq!(order.standing(), Standing::Withdrawn);
}

#[tokio::test]
async fn a_shop_that_others_reach_has_no_operator_s_page() {
    let stage = Stage::at("0.0.0.0:0").await;
    assert_eq!(stage.get("/", "").await.status, StatusCode::OK);
    for path in ["/operator", "/operator/orders/1", "/metrics"] {
        assert_eq!(stage.get(path, "").await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_operator_sees_and_prometheus_too() {
    let stage = Stage::new().await;
    let empty = stage.get("/operator", "").await;
    assert!(empty.text.contains("No orders."));
    stage.pay(&stage.basket(&["tea"]).await).await;
    let number = stage.orders().await[0].number.to_string();
    let list = stage.get("/operator?state=open", "").await;
    assert!(list.text.contains(&number));
    let none = stage.get("/operator?alarm=stuck", "").await;
    assert!(!none.text.contains(&number));
    let detail = stage.get(&format!("/operator/orders/{number}"), "").await;
    for part in ["the order was opened", "چای لاهیجان", "•••• 4567"] {
        assert!(detail.text.contains(part), "{part}");
    }
    assert!(!detail.text.contains("0912"), "a whole mobile number");
    for nothing in ["/operator/orders/1", "/operator/orders/%20"] {
        assert_eq!(stage.get(nothing, "").await.status, StatusCode::NOT_FOUND);
    }
    let metrics = stage.get("/metrics", "").await.text;
    assert!(metrics.contains("jibit_checkout_events_total{event=\"started\"} 1\n"));
    assert!(metrics.contains("jibit_checkout_unfulfilled 0\n"));
}

#[tokio::test]
async fn what_is_no_page_says_so() {
    let stage = Stage::new().await;
    assert_eq!(stage.get("/x", "").await.status, StatusCode::NOT_FOUND);
    let typeface = stage.get("/return/vazirmatn.woff2", "").await;
    assert_eq!(typeface.status, StatusCode::OK);
    let css = stage.get("/shop.css", "").await;
    assert!(!css.text.contains("http"));
}
