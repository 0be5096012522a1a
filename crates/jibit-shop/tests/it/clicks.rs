//! The shop in a real browser, from the catalogue to the page that one comes back to.

use std::time::{Duration, Instant};

use jibit_checkout::State;

use crate::{
    browser::Browser,
    stage::{MOBILE, Stage},
};

/// Longer than the reconciler's first look is away, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Browser {
    /// Waits until the element says so.
    async fn says(&self, selector: &str, text: &str) {
        let begun = Instant::now();
        loop {
            let is = self.text(selector).await;
            if is.contains(text) {
                return;
            }
            let waits = begun.elapsed() < PATIENCE;
            assert!(waits, "{selector} says {is:?} and not {text:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Takes a picture as wide and as high.
    async fn pictured(&self, name: &str, width: u32, height: u32) {
        let window = self.client.set_window_rect(0, 0, width, height);
        window.await.unwrap();
        self.client
            .execute("return document.fonts.ready.then(() => true)", vec![])
            .await
            .ok();
        self.picture(name).await;
    }

    /// Buys a tea and a mug with this mobile number, up to the gateway's page.
    async fn buy(&self, stage: &Stage, mobile: &str) {
        self.open(&stage.url("/")).await;
        for slug in ["tea", "mug"] {
            self.click(&format!("button[value={slug}]")).await;
            self.find(&format!("button[value={slug}] .count")).await;
        }
        self.click("a.basket").await;
        let field = self.find("#mobile").await;
        field.send_keys(mobile).await.unwrap();
        self.click(".till button").await;
        self.find("button[formaction$=pay]").await;
    }
}

const PHONE: (u32, u32) = (390, 983);
const DESK: (u32, u32) = (1240, 1040);

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_buys_and_pays() {
    let Some(browser) = Browser::start("shop-pays").await else {
        return;
    };
    let stage = Stage::new().await;
    browser.open(&stage.url("/")).await;
    browser.pictured("shop-desk", DESK.0, DESK.1).await;
    browser.pictured("shop-phone", PHONE.0, PHONE.1).await;
    let script = "return (async () => { await document.fonts.ready;
        return document.fonts.check('1rem Vazirmatn', 'پ') })()";
    let loaded = browser.client.execute(script, vec![]).await.unwrap();
    assert_eq!(loaded, true);

    // A number with a mistake: it stays, with the reason.
    browser.click("button[value=tea]").await;
    browser.find("button[value=tea] .count").await;
    browser.click("a.basket").await;
    let field = browser.find("#mobile").await;
    field.send_keys("0912").await.unwrap();
    browser.click(".till button").await;
    browser.says("#mobile-said", "از ایران نیست").await;
    let field = browser.find("#mobile[aria-invalid]").await;
    assert_eq!(field.prop("value").await.unwrap().unwrap(), "0912");
    browser.pictured("basket-phone", PHONE.0, PHONE.1).await;
    browser.pictured("basket-desk", DESK.0, DESK.1).await;
    field.clear().await.unwrap();
    field.send_keys("۰۹۱۲ ۱۲۳ ۴۵۶۷").await.unwrap();
    browser.click(".till button").await;

    browser.says(".amount", "۲۴۵٬۰۰۰ تومان").await;
    browser.says("main", "چای لاهیجان").await;
    browser.click("button[formaction$=pay]").await;
    browser.says("h1", "پرداخت شد").await;
    browser
        .pictured("return-paid-phone", PHONE.0, PHONE.1)
        .await;
    let order = stage.orders().await.remove(0);
    let shown = browser.text("dl").await;
    assert!(shown.contains(order.number.as_str()), "{shown}");
    browser.click("a.back").await;
    browser.find(".products").await;
    assert!(!browser.has(".basket .count").await);

    // The worker ships it, and the operator sees so.
    browser.open(&stage.url("/operator")).await;
    browser.find("tbody td:last-child time").await;
    browser.pictured("operator-list", DESK.0, 700).await;
    browser.click("td a").await;
    browser
        .says(".timeline", "the shop fulfilled the order")
        .await;
    browser.pictured("operator-order", DESK.0, 900).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_and_pays_after_all() {
    let Some(browser) = Browser::start("shop-cancels").await else {
        return;
    };
    let stage = Stage::new().await;
    browser.buy(&stage, MOBILE).await;
    browser.click("button[formaction$=cancel]").await;
    browser.says("h1", "پرداخت نشد").await;
    browser
        .pictured("return-not-paid-phone", PHONE.0, PHONE.1)
        .await;
    // The basket is as it was, and its order is the same.
    browser.click("a.back").await;
    browser.says(".basket .count", "۲").await;
    browser.click("a.basket").await;
    browser
        .find("#mobile")
        .await
        .send_keys(MOBILE)
        .await
        .unwrap();
    browser.click(".till button").await;
    browser.click("button[formaction$=pay]").await;
    browser.says("h1", "پرداخت شد").await;
    let orders = stage.orders().await;
    let states: Vec<_> = orders[0].attempts.iter().map(|it| it.state).collect();
    assert_eq!(
        (orders.len(), states),
        (1, vec![State::Cancelled, State::Paid])
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_is_closed_loses_nothing() {
    let Some(browser) = Browser::start("shop-closes").await else {
        return;
    };
    let stage = Stage::new().await;
    // Whoever pays with this number never comes back.
    browser.buy(&stage, "09990000009").await;
    browser.click("button[formaction$=pay]").await;
    browser.find(".mark.good").await;
    browser.open(&stage.url("/operator")).await;
    browser.says("tbody", "open").await;
    // Nobody clicks: the reconciler asks, and the page looks again by itself.
    browser.says("tbody td:nth-child(4)", "paid").await;
    browser.find("tbody td:last-child time").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_while_the_gateway_is_silent_is_told_so_and_then_more() {
    let Some(browser) = Browser::without_scripts("shop-silent").await else {
        return;
    };
    let stage = Stage::new().await;
    browser.buy(&stage, MOBILE).await;
    stage
        .sandbox
        .arm("inquiry before always hang".parse().unwrap());
    browser.click("button[formaction$=pay]").await;
    browser.says("h1", "هنوز از درگاه می‌پرسیم").await;
    browser
        .pictured("return-asking-phone", PHONE.0, PHONE.1)
        .await;
    stage.sandbox.arm("".parse().unwrap());
    browser.says("h1", "پرداخت شد").await;
    assert!(!browser.has("meta[http-equiv=refresh]").await);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_what_nobody_else_can() {
    let Some(browser) = Browser::start("shop-decides").await else {
        return;
    };
    let stage = Stage::new().await;
    // With this number the gateway speaks of ten times the amount.
    browser.buy(&stage, "09990000008").await;
    browser.click("button[formaction$=pay]").await;
    browser.says("h1", "هنوز از درگاه می‌پرسیم").await;
    browser.open(&stage.url("/operator")).await;
    browser.says(".tiles .grave", "quarantined").await;
    browser.pictured("operator-alarm", DESK.0, 700).await;
    browser.click("td a").await;
    browser
        .says("main", "another amount or another order")
        .await;
    browser.pictured("operator-decides", DESK.0, 900).await;
    browser.click("form[action$=release] button").await;
    browser.says("main", "a person gave the order free").await;
    assert_eq!(stage.orders().await[0].attempts[0].state, State::Released);
    browser.close().await;
}
