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
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(
        policy.ends_with("; img-src https://shop.example"),
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

fn control(bench: &mut Bench, path: &str, body: serde_json::Value) -> Response<Bytes> {
    bench.post(&format!("/_sandbox/{path}"), &body)
}

#[test]
fn scripts_set_the_way_back_and_the_wallet() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    let way = |way: &str| json!({ "way": way });
    let set = control(
        &mut bench,
        &format!("orders/{id}/return"),
        way("forged-status"),
    );
    assert_eq!(read(&set)["orderId"], json!(id));
    for (path, body) in [
        (format!("orders/{id}/return"), way("by-train")),
        (format!("orders/{id}/return"), json!({})),
        ("wallets/0912".to_owned(), json!({"balance": 1})),
        ("wallets/09121234567".to_owned(), json!({"balance": -1})),
    ] {
        assert_eq!(control(&mut bench, &path, body).status(), 400, "{path}");
    }
    let unknown = control(&mut bench, "orders/none/return", way("get"));
    assert_eq!(unknown.status(), 404);

    let empty = json!({"balance": 0});
    control(&mut bench, "wallets/09121234567", empty);
    let refused = click(&mut bench, &id, "pay");
    assert_eq!(refused.status(), 409);
    assert!(text(&refused).contains("کافی نبود"));
    let blocked = control(
        &mut bench,
        "wallets/09121234567",
        json!({"balance": 5_000, "blocked": true}),
    );
    assert_eq!(read(&blocked), json!({"balance": 5_000, "blocked": true}));
    assert!(text(&click(&mut bench, &id, "pay")).contains("مسدود است"));
    control(&mut bench, "wallets/09121234567", json!({"balance": 5_000}));
    let left = click(&mut bench, &id, "pay");
    assert!(
        location(&left).ends_with("&status=CANCEL_BY_USER"),
        "forged"
    );
    assert_eq!(bench.state(&id), "PURCHASE_BY_USER");
    assert_eq!(bench.gateway.book().sum(), 0);
}

#[test]
fn the_page_speaks_english_too_and_keeps_it_on_the_way() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    let page = bench.get(&format!("/order/{id}?lang=en"));
    assert!(text(&page).contains("<html lang=\"en\" dir=\"ltr\">"));
    assert!(text(&page).contains(&format!("/order/{id}/pay?lang=en")));
    assert!(text(&page).contains("10 Toman"));
    let none = bench.get("/order/none?lang=en");
    assert!(text(&none).contains("There is no such order"));
}

#[test]
fn what_the_page_is_made_of_is_the_sandbox_s_own() {
    let mut bench = Bench::new();
    let id = bench.initiate();
    let page = bench.get(&format!("/order/{id}"));
    for foreign in ["src=\"http", "url(", "style=\"", "onclick", "<style"] {
        assert!(!text(&page).contains(foreign), "{foreign}");
    }
    for (path, kind) in [
        ("/_sandbox/page.js", "text/javascript; charset=utf-8"),
        ("/_sandbox/vazirmatn.woff2", "font/woff2"),
    ] {
        assert_eq!(bench.get(path).headers()["content-type"], kind);
    }
    assert_eq!(bench.post("/_sandbox/page.js", &json!({})).status(), 405);
}
