//! Orders, from their beginning to their fulfilment.

use http::{Method, header};
use jibit_sandbox::{Fault, Operation};
use serde_json::{Value, json};

use crate::shop::{Shop, order, until};

#[tokio::test]
async fn an_order_is_begun_paid_told_and_fulfilled() {
    let shop = Shop::new().await;
    let begun = shop.post("/orders", &order("order-17")).await;
    let begun_json = begun.json();
    assert_eq!(begun_json["number"], "order-17");
    assert_eq!(
        (&begun_json["amount"], &begun_json["attempt"]),
        (&json!(125_000), &json!(1))
    );
    let page = begun_json["redirectUrl"].as_str().unwrap();
    let id = page.rsplit('/').next().unwrap();
    assert!(shop.sandbox.state(id).is_some(), "{page}");

    let open = shop.get("/orders/order-17").await.json();
    assert_eq!(
        (&open["standing"], &open["fulfilled"]),
        (&json!("asking"), &json!(false))
    );
    let early = shop.post("/orders/order-17/fulfilled", &json!({})).await;
    assert_eq!(early.problem(), (409, "not-paid".to_owned(), Value::Null));

    let (id, query) = shop.begin("order-17").await;
    shop.sandbox.pay(&id).unwrap();
    let back = shop.get(&format!("/paid?{query}")).await;
    assert_eq!(back.status, 200);
    assert!(back.kind.starts_with("text/html") && back.text.contains("پرداخت شد"));

    let webhooks = shop.told(1).await;
    let event: Value = serde_json::from_slice(&webhooks[0].body).unwrap();
    assert_eq!(event["type"], "order.paid");
    assert_eq!(event["data"]["order"]["number"], "order-17");
    assert_eq!(event["data"]["order"]["amount"], 125_000);

    for newly in [true, false] {
        let marked = shop.post("/orders/order-17/fulfilled", &json!({})).await;
        assert_eq!(
            marked.json(),
            json!({ "number": "order-17", "newly": newly })
        );
    }
    let done = shop.get("/orders/order-17").await.json();
    assert_eq!(
        (&done["standing"], &done["fulfilled"]),
        (&json!("paid"), &json!(true))
    );
    assert!(done["refId"].is_string());
    let again = shop.post("/orders", &order("order-17")).await;
    assert_eq!(
        again.problem(),
        (409, "already-paid".to_owned(), Value::Null)
    );
}

#[tokio::test]
async fn the_same_body_is_the_same_order_and_another_is_refused() {
    let shop = Shop::new().await;
    let first = shop.post("/orders", &order("o-1")).await.json();
    let mut spelt = order("o-1");
    spelt["mobile"] = json!("+98 912 123 4567");
    for same in [order("o-1"), spelt] {
        assert_eq!(shop.post("/orders", &same).await.json(), first);
    }
    for (field, value, kind) in [
        ("amount", json!(125_001), "other-amount"),
        ("mobile", json!("09121234568"), "other-terms"),
        ("description", json!("دو کتاب"), "other-terms"),
        ("description", Value::Null, "other-terms"),
    ] {
        let mut other = order("o-1");
        other[field] = value;
        let refused = shop.post("/orders", &other).await;
        assert_eq!(
            refused.problem(),
            (409, kind.to_owned(), Value::Null),
            "{field}"
        );
    }
    assert_eq!(shop.sandbox.arrived(Operation::Initiate), 1);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_a_remedy() {
    let shop = Shop::new().await;
    for (field, value) in [
        ("number", json!("order 17")),
        ("number", json!("")),
        ("number", json!(17)),
        ("number", Value::Null),
        ("amount", json!("125000")),
        ("amount", json!(-1)),
        ("amount", json!(0)),
        ("amount", json!(1.5)),
        ("amount", json!(1_u64 << 60)),
        ("mobile", json!("0212345678")),
        ("mobile", json!(null)),
        ("description", json!(5)),
        ("description", json!("x".repeat(257))),
        ("mobille", json!("09121234567")),
    ] {
        let mut wrong = order("o-1");
        wrong[field] = value.clone();
        let refused = shop.post("/orders", &wrong).await;
        let (status, kind, named) = refused.problem();
        assert_eq!(
            (status, kind.as_str()),
            (400, "invalid-input"),
            "{field} {value}"
        );
        assert_eq!(named, field, "{}", refused.text);
        assert!(refused.json()["remedy"].is_string());
        assert!(!refused.text.contains("0212345678"), "{}", refused.text);
    }
    for (path, named) in [
        ("/orders?state=payed", "state"),
        ("/orders?alarm=x", "alarm"),
        ("/orders?limit=0", "limit"),
        ("/orders?limit=201", "limit"),
        ("/orders?cursor=x", "cursor"),
        ("/orders?sort=up", "sort"),
        ("/orders/order%2017", "number"),
        ("/orders/%ff", "number"),
    ] {
        let (status, _, field) = shop.get(path).await.problem();
        assert_eq!((status, field), (400, json!(named)), "{path}");
    }
    for body in ["", "{", "[]", "\u{0}", "\"order\""] {
        let request = shop.request(Method::POST, "/orders");
        let request = request.header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        let (status, _, field) = shop.send(request, body).await.problem();
        assert_eq!((status, field), (400, json!("body")), "{body:?}");
    }
    let no_kind = shop.send(shop.request(Method::POST, "/orders"), "{}").await;
    assert_eq!(no_kind.problem().1, "not-json");
    let mut long = order("o-1");
    long["description"] = json!("x".repeat(20_000));
    assert_eq!(shop.post("/orders", &long).await.problem().1, "too-large");
    assert_eq!(shop.get("/nowhere").await.problem().1, "no-such-path");
    assert_eq!(shop.get("/callbacks").await.problem().1, "no-such-method");
    assert_eq!(
        shop.get("/orders/order-1").await.problem().1,
        "no-such-order"
    );
    assert_eq!(shop.sandbox.arrived(Operation::Initiate), 0);
}

#[tokio::test]
async fn a_shop_passes_on_what_its_customer_came_back_with() {
    let shop = Shop::new().await;
    let (id, query) = shop.begin("o-1").await;
    let lies = json!({ "query": format!("?{query}&status=PURCHASE_BY_USER&orderId={id}") });
    let asked = shop.post("/callbacks", &lies).await.json();
    assert_eq!(asked["standing"], "asking");
    shop.sandbox.pay(&id).unwrap();
    // Whoever comes back right after another has the gateway not asked again.
    let query = json!({ "query": query });
    until(async || shop.post("/callbacks", &query).await.json()["standing"] == "paid").await;
    let strange = json!({ "query": "attempt=00000000000000000000000000000000" });
    let strange = shop.post("/callbacks", &strange).await;
    assert_eq!(strange.problem().1, "unknown-callback");
}

#[tokio::test]
async fn orders_are_listed_page_by_page() {
    let shop = Shop::new().await;
    for number in 0..5 {
        shop.begin(&format!("o-{number}")).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = shop
            .get(&format!("/orders?limit=2&state=open{cursor}"))
            .await;
        let page = page.json();
        let orders = page["orders"].as_array().unwrap();
        seen.extend(
            orders
                .iter()
                .map(|it| it["number"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["o-4", "o-3", "o-2", "o-1", "o-0"]);
    let none = shop.get("/orders?state=paid").await.json();
    assert_eq!(none, json!({ "orders": [], "next": null }));
}

#[tokio::test]
async fn a_withdrawn_order_takes_no_money() {
    let shop = Shop::new().await;
    let (id, query) = shop.begin("o-1").await;
    let withdrawn = shop.post("/orders/o-1/withdrawn", &json!({})).await.json();
    assert_eq!(withdrawn["standing"], "withdrawn");
    shop.sandbox.pay(&id).unwrap();
    let back = shop
        .post("/callbacks", &json!({ "query": query }))
        .await
        .json();
    assert_eq!(back["standing"], "withdrawn");
    assert_eq!(shop.sandbox.arrived(Operation::Verify), 0);
    let again = shop.post("/orders", &order("o-1")).await;
    assert_eq!(again.problem().1, "withdrawn");
}

#[tokio::test]
async fn a_gateway_that_gives_nowhere_to_pay_is_said_so_and_asked_again() {
    let shop = Shop::new().await;
    shop.sandbox
        .inject(Fault::status_before(Operation::Initiate, 500));
    let refused = shop.post("/orders", &order("o-1")).await;
    assert_eq!(refused.problem(), (502, "gateway".to_owned(), Value::Null));
    let begun = shop.post("/orders", &order("o-1")).await;
    assert_eq!(begun.json()["attempt"], 2);
}

#[tokio::test]
async fn it_says_that_it_is_well_and_what_it_did() {
    let shop = Shop::new().await;
    shop.begin("o-1").await;
    assert_eq!(shop.get("/health").await.json(), json!({ "healthy": true }));
    assert_eq!(shop.get("/ready").await.json(), json!({ "ready": true }));
    let metrics = shop.get("/metrics").await.text;
    assert!(
        metrics.contains("jibit_checkout_events_total{event=\"started\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("jibit_agent_webhooks_waiting 0\n"),
        "{metrics}"
    );
}

/// Each path of the document is there, takes the methods that it says, and no others.
#[tokio::test]
async fn the_document_has_every_path() {
    let shop = Shop::new().await;
    let document = shop.get("/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 9);
    for (path, operations) in paths {
        let path = path.replace("{number}", "o-1");
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = shop.send(shop.request(method.clone(), &path), "").await;
            let is_there = operations.get(method.as_str().to_lowercase()).is_some();
            assert_eq!(
                answer.status != 405,
                is_there,
                "{method} {path}: {}",
                answer.text
            );
        }
    }
}
