use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;

use crate::bench::{Bench, order, read, text};

fn click(bench: &mut Bench, id: &str, button: &str) -> Response<Bytes> {
    let request = Request::post(format!("/order/{id}/{button}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::new());
    bench.send(request.unwrap())
}

fn location(answer: &Response<Bytes>) -> &str {
    answer.headers()["location"].to_str().unwrap()
}

fn initiate_with(bench: &mut Bench, field: &str, value: &str) -> String {
    let mut asked = order();
    asked[field] = json!(value);
    let answer = bench.post("/order/initiate", &asked);
    read(&answer)["result"]["orderId"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_person_pays_and_is_sent_back_to_the_shop() {
    let mut bench = Bench::new();
    let id = initiate_with(
        &mut bench,
        "callBackUrl",
        "https://shop.example/r?a=1&b#done",
    );
    let page = bench.get(&format!("/order/{id}"));
    assert!(text(&page).contains("dir=\"rtl\""));
    assert!(text(&page).contains("۱۰ تومان"));
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("form-action 'self' https://shop.example;"),
        "{policy}"
    );
    let answer = click(&mut bench, &id, "pay");
    assert_eq!(answer.status(), 303);
    assert_eq!(
        location(&answer),
        format!("https://shop.example/r?a=1&b&orderId={id}&status=PURCHASE_BY_USER#done")
    );
    assert_eq!(bench.state(&id), "PURCHASE_BY_USER");
}

#[test]
fn the_return_merges_into_any_query() {
    for (url, expected) in [
        ("http://s/", "http://s/?orderId="),
        ("http://s", "http://s?orderId="),
        ("http://s/r?", "http://s/r?orderId="),
        ("http://s/r?x&", "http://s/r?x&orderId="),
        ("http://s/r#f?g", "http://s/r?orderId="),
    ] {
        let mut bench = Bench::new();
        let id = initiate_with(&mut bench, "callBackUrl", url);
        let answer = click(&mut bench, &id, "cancel");
        assert!(location(&answer).starts_with(expected), "{url}");
        assert!(location(&answer).contains("&status=CANCEL_BY_USER"));
        assert_eq!(location(&answer).ends_with("#f?g"), url.contains('#'));
    }
}

#[test]
fn a_button_pressed_twice_moves_no_money_and_says_so() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    click(&mut bench, &id, "pay");
    let wallet = bench.wallet();
    let again = click(&mut bench, &id, "pay");
    assert_eq!(again.status(), 409);
    assert!(text(&again).contains("پرداخت انجام شد"));
    assert!(text(&again).contains("چیزی دوباره برداشت نشد"));
    assert_eq!(bench.wallet(), wallet);
    let visit = bench.get(&format!("/order/{id}"));
    assert!(!text(&visit).contains("<form"));
    assert_eq!(bench.state(&id), "PURCHASE_BY_USER");
}

#[test]
fn what_the_shop_wrote_is_text_and_nothing_else() {
    let mut bench = Bench::new();
    let id = initiate_with(&mut bench, "description", "<script>alert(1)</script>\"'>");
    let page = bench.get(&format!("/order/{id}"));
    assert!(!text(&page).contains("<script>"));
    assert!(text(&page).contains("<bdi>&lt;script&gt;"));
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"));
}

#[test]
fn an_order_that_is_none_has_a_page_that_says_so() {
    let mut bench = Bench::new();
    for path in ["/order/none", "/order/none/pay"] {
        let answer = if path.ends_with("pay") {
            click(&mut bench, "none", "pay")
        } else {
            bench.get(path)
        };
        assert_eq!(answer.status(), 404);
        assert!(text(&answer).contains("یافت نشد"));
    }
    assert_eq!(bench.get("/order/none/pay").status(), 405);
    assert_eq!(
        bench.get("/_sandbox/page.css").headers()["content-type"],
        "text/css; charset=utf-8"
    );
}
