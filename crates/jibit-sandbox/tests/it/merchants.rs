//! Requests as other people's shops write them, byte by byte: a plug-in in PHP
//! with curl, a shop in C#, a script in Node. They must work unchanged.

use jibit_sandbox::{Sandbox, State};
use serde_json::{Value, json};

use crate::server::exchange;

/// Sends a request whose lines end in plain line feeds here.
async fn ask(sandbox: &Sandbox, head: &str, body: &str) -> Value {
    let head = head.trim().replace('\n', "\r\n");
    let request = format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n{body}");
    let answer = exchange(sandbox, request).await;
    // curl waits for this before it sends a body; here it is simply passed over.
    let answer = answer.trim_start_matches("HTTP/1.1 100 Continue\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

async fn token(sandbox: &Sandbox, username: &Value) -> String {
    let body = json!({"username": username, "password": "123456"}).to_string();
    let head = format!(
        "POST /authenticate HTTP/1.1\nContent-Type: application/json;charset=UTF-8\n\
         Accept: */*\nUser-Agent: WordPress/6.4; https://shop.example\nContent-Length: {}",
        body.len()
    );
    let answer = ask(sandbox, &head, &body).await;
    answer["result"]["token"].as_str().unwrap().to_owned()
}

/// Opens an order and pays it; gives its id, and where the browser is sent.
async fn paid(sandbox: &Sandbox, token: &str, order: &Value) -> (String, String) {
    let body = order.to_string();
    let head = format!(
        "POST /order/initiate HTTP/1.1\nAuthorization: Bearer {token}\n\
         Content-Type: application/json; charset=utf-8\nContent-Length: {}",
        body.len()
    );
    let answer = ask(sandbox, &head, &body).await;
    assert_eq!(answer["errorCode"], 0, "{answer}");
    let id = answer["result"]["orderId"].as_str().unwrap().to_owned();
    let pay = format!("POST /_sandbox/orders/{id}/pay HTTP/1.1\nContent-Length: 0");
    let back = ask(sandbox, &pay, "").await;
    (id, back["returnUrl"].as_str().unwrap().to_owned())
}

/// The order of a plug-in that keeps its orders under numbers, and works out
/// amounts in fractions.
fn order() -> Value {
    json!({
        "amount": 125_000.0,
        "callBackUrl": "https://shop.example/?wc-api=WC_Jibit&wc_order=17",
        "userIdentity": "09121234567",
        "merchantOrderId": 17,
        "additionalData": null,
        "description": null,
    })
}

#[tokio::test]
async fn a_shop_whose_ids_are_numbers_is_paid() {
    let sandbox = Sandbox::start().await.unwrap();
    for username in [json!("7746"), json!(7746)] {
        let token = token(&sandbox, &username).await;
        let (id, back) = paid(&sandbox, &token, &order()).await;
        let query = format!("&orderId={id}&status=PURCHASE_BY_USER");
        assert_eq!(
            back,
            format!("https://shop.example/?wc-api=WC_Jibit&wc_order=17{query}")
        );

        let inquiry = format!(
            "GET /order/inquiry/{id} HTTP/1.1\nAuthorization: Bearer {token}\n\
             Content-Type: application/json"
        );
        let answer = ask(&sandbox, &inquiry, "").await;
        assert_eq!(answer["merchantOrderId"].as_str().unwrap().trim(), "17");
        assert_eq!(sandbox.state(&id), Some(State::PurchaseByUser));
    }
}

#[tokio::test]
async fn verify_takes_every_way_to_write_no_body() {
    let sandbox = Sandbox::start().await.unwrap();
    let token = token(&sandbox, &json!("7746")).await;
    // PHP's json_encode(array()) is a list; others send the word for nothing.
    for body in ["", "[]", "{}", "null", " \r\n"] {
        for chunked in [false, true] {
            let (id, _) = paid(&sandbox, &token, &order()).await;
            let (framing, body) = match (chunked, body) {
                (false, body) => (format!("Content-Length: {}", body.len()), body.to_owned()),
                (true, "") => ("Transfer-Encoding: chunked".into(), "0\r\n\r\n".to_owned()),
                (true, body) => (
                    "Transfer-Encoding: chunked\nExpect: 100-continue".into(),
                    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
                ),
            };
            let verify = format!(
                "POST /order/verify/{id} HTTP/1.1\nAuthorization: Bearer {token}\n\
                 Content-Type: application/json\n{framing}"
            );
            let answer = ask(&sandbox, &verify, &body).await;
            assert_eq!(answer["errorCode"], 0, "{body:?}: {answer}");
            assert_eq!(sandbox.state(&id), Some(State::PurchaseConfirmByMerchant));
        }
    }
}
