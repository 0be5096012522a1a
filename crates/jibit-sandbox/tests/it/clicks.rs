//! The customer's page in a real browser.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use jibit_sandbox::{Account, Returning, Sandbox, State};
use jibit_testkit::peer::{Arrived, Peer, Reply, answer_with};
use serde_json::{Value, json};

use crate::browser::Browser;

const MOBILE: &str = "09121234567";
const AMOUNT: u64 = 1_250_000;

/// A shop that shows a page, or sends the browser on to one.
fn shop(elsewhere: Option<String>) -> Peer {
    Peer::plain(move |_| {
        Reply::Keep(match &elsewhere {
            Some(url) => answer_with(302, &format!("Location: {url}\r\n"), ""),
            None => answer_with(200, "Content-Type: text/html\r\n", "<h1 id=shop>shop</h1>"),
        })
    })
    .unwrap()
}

/// A sandbox, a shop that waits for its customer, and an order.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    shop: Peer,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self {
            sandbox: Sandbox::start().await.unwrap(),
            shop: shop(None),
        }
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::post(format!("{}{path}", self.sandbox.url()))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Full::<Bytes>::from(body.to_string()))
            .unwrap();
        let answer = client.request(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&body).unwrap()["result"].clone()
    }

    /// The order's id and where its page is.
    pub(crate) async fn order(&self) -> (String, String) {
        let login = json!({"username": "7746", "password": "123456"});
        let tokens = self.post("/authenticate", "none", login).await;
        let order = json!({
            "amount": AMOUNT,
            "callBackUrl": self.shop.url("/return?attempt=1#done"),
            "userIdentity": MOBILE,
            "merchantOrderId": "book-17-1",
            "description": "کتاب «شازده کوچولو» <b>چاپ ۳</b>",
        });
        let order = self
            .post("/order/initiate", tokens["token"].as_str().unwrap(), order)
            .await;
        let text = |key: &str| order[key].as_str().unwrap().to_owned();
        (text("orderId"), text("redirectUrl"))
    }

    /// What the browser brought to the shop.
    fn callbacks(&self) -> Vec<String> {
        let requests = self.shop.requests().into_iter();
        let targets = requests.map(|arrived| arrived.target());
        targets
            .filter(|target| target.starts_with("/return"))
            .collect()
    }

    fn escrow(&self) -> i128 {
        self.sandbox.balance(&Account::Escrow)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_and_is_back_at_the_shop() {
    let Some(browser) = Browser::start("pays").await else {
        return;
    };
    let stage = Stage::new().await;
    let (id, page) = stage.order().await;
    browser.open(&page).await;
    assert_eq!(stage.sandbox.state(&id), Some(State::PgEntry));
    assert_eq!(browser.text("h1").await, "پرداخت با کیف پول جیبیت");
    assert_eq!(browser.text(".amount").await, "۱۲۵٬۰۰۰ تومان");
    assert_eq!(browser.text(".rial").await, "۱٬۲۵۰٬۰۰۰ ریال");
    let whole = browser.text("main").await;
    for part in [
        "فروشگاه نمونه",
        "کتاب «شازده کوچولو» <b>چاپ ۳</b>",
        "•••• ۴۵۶۷",
    ] {
        assert!(whole.contains(part), "{part} is not in {whole}");
    }
    // The bundled typeface is used, and time goes on.
    let script = "return (async () => { await document.fonts.ready;
        return document.fonts.check('1rem Vazirmatn', 'پ') })()";
    let loaded = browser.client.execute(script, vec![]).await.unwrap();
    assert_eq!(loaded, true);
    let left = browser.text("[role=timer]").await;
    assert!(left.starts_with("۲۹:"), "{left}");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_ne!(browser.text("[role=timer]").await, left);
    browser.picture("page-fa").await;

    browser.click("button[formaction$=pay]").await;
    assert_eq!(browser.text("#shop").await, "shop");
    let back = format!("/return?attempt=1&orderId={id}&status=PURCHASE_BY_USER");
    assert_eq!(stage.callbacks(), [back]);
    let url = browser.client.current_url().await.unwrap();
    assert_eq!(url.fragment(), Some("done"));
    assert_eq!(stage.escrow(), i128::from(AMOUNT));

    // Once more by the page: a page that says so, and no second charge.
    browser.open(&page).await;
    assert!(browser.text("h1").await.starts_with("پرداخت انجام شد"));
    assert!(!browser.has("form").await);
    browser.picture("paid-fa").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_pay_once() {
    let Some(browser) = Browser::start("tabs").await else {
        return;
    };
    let stage = Stage::new().await;
    let (id, page) = stage.order().await;
    browser.open(&page).await;
    // The other tab.
    stage.sandbox.pay(&id).unwrap();
    browser.click("button[formaction$=pay]").await;
    let said = browser.text("[role=alert]").await;
    assert_eq!(
        said,
        "این سفارش پیش‌تر پرداخت شده است؛ چیزی دوباره برداشت نشد"
    );
    assert_eq!(stage.escrow(), i128::from(AMOUNT));
    browser.picture("paid-twice-fa").await;
    browser.click("a.back").await;
    browser.find("#shop").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_in_english_by_keyboard() {
    let Some(browser) = Browser::start("cancels").await else {
        return;
    };
    let stage = Stage::new().await;
    let (id, page) = stage.order().await;
    browser.open(&page).await;
    browser.click("a[hreflang=en]").await;
    assert_eq!(
        browser.text("html[lang=en] h1").await,
        "Pay from your Jibit wallet"
    );
    assert_eq!(browser.text(".amount").await, "125,000 Toman");
    browser.picture("page-en").await;
    // Language, pay, cancel: in this order by the tabulator.
    let keys = "\u{e004}\u{e004}\u{e004}\u{e007}";
    browser.find("body").await.send_keys(keys).await.unwrap();
    browser.find("#shop").await;
    assert_eq!(stage.sandbox.state(&id), Some(State::CancelByUser));
    assert!(stage.callbacks()[0].ends_with("&status=CANCEL_BY_USER"));
    browser.open(&format!("{page}?lang=en")).await;
    assert_eq!(browser.text("h1").await, "This order was cancelled");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_runs_out_before_the_customer_s_eyes() {
    let Some(browser) = Browser::start("expires").await else {
        return;
    };
    let stage = Stage::new().await;
    let (id, page) = stage.order().await;
    stage.sandbox.advance(Duration::from_secs(30 * 60 - 3));
    browser.open(&page).await;
    // Nobody clicks: the page looks again by itself.
    browser.find(".mark.quiet").await;
    assert!(
        browser
            .text("h1")
            .await
            .starts_with("مهلت این سفارش تمام شده است")
    );
    assert_eq!(stage.sandbox.state(&id), Some(State::CancelBySystem));
    browser.picture("expired-fa").await;
    browser.click("a.back").await;
    browser.find("#shop").await;
    assert!(stage.callbacks()[0].ends_with("&status=CANCEL_BY_SYSTEM"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_cannot_pay_says_why() {
    let Some(browser) = Browser::start("wallet").await else {
        return;
    };
    let stage = Stage::new().await;
    let (_, page) = stage.order().await;
    browser.open(&page).await;
    // Spent elsewhere while the page was open.
    stage.sandbox.set_wallet(MOBILE, AMOUNT - 1, false).unwrap();
    browser.click("button[formaction$=pay]").await;
    let said = browser.text("[role=alert]").await;
    assert_eq!(said, "موجودی کیف پول کافی نبود؛ چیزی برداشت نشد");
    assert!(browser.has("button[disabled][aria-describedby=why]").await);
    assert!(browser.text("#why").await.contains("کافی نیست"));
    browser.picture("not-enough-fa").await;

    stage.sandbox.set_wallet(MOBILE, AMOUNT, true).unwrap();
    browser.open(&page).await;
    assert!(browser.text("#why").await.contains("مسدود"));
    browser.picture("blocked-fa").await;

    stage.sandbox.set_wallet(MOBILE, AMOUNT, false).unwrap();
    browser.open(&page).await;
    browser.click("button[formaction$=pay]").await;
    browser.find("#shop").await;
    assert_eq!(stage.escrow(), i128::from(AMOUNT));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_works_without_scripts() {
    let Some(browser) = Browser::without_scripts("scripts").await else {
        return;
    };
    let stage = Stage::new().await;
    let (id, page) = stage.order().await;
    browser.open(&page).await;
    let left = browser.text("[role=timer]").await;
    assert!(left.starts_with("۲۹:"), "{left}");
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(browser.text("[role=timer]").await, left, "a script runs");
    browser.click("summary").await;
    let app = browser
        .find("a[href^=jibit]")
        .await
        .attr("href")
        .await
        .unwrap();
    assert_eq!(app, Some(format!("jibit://pay_sdk?orderid={id}")));
    assert!(browser.has("figure svg").await);
    browser.picture("phone-fa").await;
    browser.click("button[formaction$=pay]").await;
    browser.find("#shop").await;
    assert_eq!(stage.sandbox.state(&id), Some(State::PurchaseByUser));

    // And it looks again by itself when time is over.
    let (_, page) = stage.order().await;
    stage.sandbox.advance(Duration::from_secs(30 * 60 - 2));
    browser.open(&page).await;
    browser.find(".mark.quiet").await;
    browser.close().await;
}

/// A customer leaves the page of a new order by this button, to come back in
/// this way; gives the order's id.
async fn leave(stage: &Stage, browser: &Browser, way: Returning, button: &str) -> String {
    let (id, page) = stage.order().await;
    stage.sandbox.set_returning(&id, way).unwrap();
    browser.open(&page).await;
    browser
        .click(&format!("button[formaction$={button}]"))
        .await;
    id
}

/// The callbacks that a shop gets, with the body of those by POST.
async fn returns(browser: &Browser, way: Returning, button: &str) -> Vec<String> {
    let stage = Stage::new().await;
    let id = leave(&stage, browser, way, button).await;
    if way == Returning::Never {
        browser.find(".mark.good").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
    } else {
        browser.find("#shop").await;
    }
    let arrived = stage.shop.requests().into_iter();
    let arrived = arrived.filter(|arrived| arrived.target().starts_with("/return"));
    let line = |arrived: &Arrived| {
        let line = format!("{} {}", arrived.method(), arrived.target());
        let body = String::from_utf8_lossy(&arrived.body).into_owned();
        format!("{line} {body}").trim_end().replace(&id, "ID")
    };
    arrived.map(|arrived| line(&arrived)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_back_to_the_shop() {
    let Some(browser) = Browser::start("returns").await else {
        return;
    };
    let paid = "GET /return?attempt=1&orderId=ID&status=PURCHASE_BY_USER";
    for (way, button, expected) in [
        (Returning::Get, "pay", &[paid][..]),
        (
            Returning::Post,
            "pay",
            &["POST /return?attempt=1 orderId=ID&status=PURCHASE_BY_USER"],
        ),
        (Returning::Twice, "pay", &[paid, paid]),
        (Returning::Late(Duration::from_secs(1)), "pay", &[paid]),
        (Returning::Never, "pay", &[]),
        (
            Returning::ForgedStatus,
            "pay",
            &["GET /return?attempt=1&orderId=ID&status=CANCEL_BY_USER"],
        ),
        (Returning::ForgedStatus, "cancel", &[paid]),
        (
            Returning::ForgedOrder,
            "pay",
            &["GET /return?attempt=1&orderId=0forged0&status=PURCHASE_BY_USER"],
        ),
    ] {
        let callbacks = returns(&browser, way, button).await;
        assert_eq!(callbacks, expected, "{way}");
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_may_send_its_customer_on() {
    let Some(browser) = Browser::start("onward").await else {
        return;
    };
    let front = shop(None);
    let mut stage = Stage::new().await;
    // Another port is another origin.
    stage.shop = shop(Some(front.url("/done")));
    for (way, button) in [
        (Returning::Get, "pay"),
        (Returning::Get, "cancel"),
        (Returning::Post, "pay"),
    ] {
        leave(&stage, &browser, way, button).await;
        browser.find("#shop").await;
        let url = browser.client.current_url().await.unwrap();
        assert!(url.as_str().starts_with(&front.url("/done")), "{url}");
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_form_has_a_button() {
    let Some(browser) = Browser::without_scripts("form").await else {
        return;
    };
    let stage = Stage::new().await;
    let (id, page) = stage.order().await;
    stage.sandbox.set_returning(&id, Returning::Post).unwrap();
    browser.open(&page).await;
    browser.click("button[formaction$=pay]").await;
    browser.click("form[data-leaves] button").await;
    browser.find("#shop").await;
    assert_eq!(stage.callbacks(), ["/return?attempt=1"]);
    browser.close().await;
}
