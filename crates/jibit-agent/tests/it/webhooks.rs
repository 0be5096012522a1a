//! What the shop is told, and how it knows who tells it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jibit_testkit::peer::Arrived;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::shop::{Shop, until};

fn header(webhook: &Arrived, name: &str) -> String {
    String::from_utf8(webhook.values(name).pop().unwrap()).unwrap()
}

fn event(webhook: &Arrived) -> Value {
    serde_json::from_slice(&webhook.body).unwrap()
}

#[tokio::test]
async fn a_webhook_is_signed_and_comes_again_until_it_is_taken() {
    let shop = Shop::new().await;
    shop.answers().push(500);
    let (id, query) = shop.begin("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    shop.post("/callbacks", &json!({ "query": query })).await;
    let webhooks = shop.told(2).await;
    let ids: Vec<_> = webhooks.iter().map(|it| header(it, "webhook-id")).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(event(&webhooks[0])["data"], event(&webhooks[1])["data"]);
    for webhook in &webhooks {
        assert_eq!(webhook.target(), "/jibit");
        let signed = [
            header(webhook, "webhook-id").as_bytes(),
            header(webhook, "webhook-timestamp").as_bytes(),
            &webhook.body,
        ]
        .join(&b'.');
        let key = shop.secret.expose().strip_prefix("whsec_").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(key).unwrap()).unwrap();
        mac.update(&signed);
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(header(webhook, "webhook-signature"), signature);
    }
    // It was taken: nothing waits.
    let waiting = async || {
        let metrics = shop.get("/metrics").await.text;
        metrics.contains("jibit_agent_webhooks_waiting 0\n")
    };
    until(waiting).await;
}

#[tokio::test]
async fn an_order_that_is_not_paid_is_told_once_nothing_can_pay_it() {
    let shop = Shop::new().await;
    let (first, came_back) = shop.begin("o-1").await;
    shop.sandbox.cancel(&first).unwrap();
    shop.post("/callbacks", &json!({ "query": came_back }))
        .await;
    let told = shop.told(1).await;
    let told = event(&told[0]);
    assert_eq!(told["type"], "order.not_paid");
    assert_eq!(told["data"]["order"]["standing"], "not-paid");
    assert_eq!(told["data"]["attempt"], 1);

    // The customer tries again, and pays.
    let (second, came_back) = shop.begin("o-1").await;
    assert_ne!(first, second);
    shop.sandbox.pay(&second).unwrap();
    shop.post("/callbacks", &json!({ "query": came_back }))
        .await;
    let told = shop.told(2).await;
    assert_eq!(event(&told[1])["type"], "order.paid");
    assert_eq!(event(&told[1])["data"]["attempt"], 2);
}

#[tokio::test]
async fn what_needs_a_person_is_told() {
    let shop = Shop::new().await;
    let (_, query) = shop.begin("o-1").await;
    let query = format!("{query}&orderId=anotherone&status=PURCHASE_BY_USER");
    shop.post("/callbacks", &json!({ "query": query })).await;
    let told = event(&shop.told(1).await[0]);
    assert_eq!(told["type"], "order.needs_person");
    assert_eq!(told["data"]["alarms"], json!(["unknown-order"]));
    assert!(!told.to_string().contains("09121234567"));
}

/// A customer who never comes back, and a shop whose agent starts anew.
#[tokio::test]
async fn an_agent_that_starts_anew_tells_what_the_last_one_did_not() {
    let mut shop = Shop::new().await;
    shop.answers().push(500);
    let (id, query) = shop.begin("o-1").await;
    shop.sandbox.pay(&id).unwrap();
    shop.post("/callbacks", &json!({ "query": query })).await;
    let first = shop.told(1).await;
    shop.end().await.unwrap();
    shop.start_anew().await;
    let second = shop.told(2).await;
    assert_eq!(
        header(&first[0], "webhook-id"),
        header(&second[1], "webhook-id")
    );
}
