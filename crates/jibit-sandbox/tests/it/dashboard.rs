//! The dashboard, in a real browser and over a plain socket.

use std::{net::SocketAddr, time::Duration};

use jibit_proto::Secret;
use jibit_sandbox::{FaultPlan, Sandbox, Settings, State};
use jibit_testkit::peer::{Peer, Reply, answer_with};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{browser::Browser, clicks::Stage};

impl Browser {
    /// Waits until the element says so.
    async fn says(&self, selector: &str, text: &str) {
        let mut is = String::new();
        for _ in 0..600 {
            is = self.text(selector).await;
            if is.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{selector} says {is:?} and not {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_developer_watches_and_steers() {
    let Some(browser) = Browser::start("dashboard").await else {
        return;
    };
    let window = browser.client.set_window_rect(0, 0, 1280, 1000);
    window.await.unwrap();
    let stage = Stage::new().await;
    let sandbox = &stage.sandbox;
    browser.open(&format!("{}/_sandbox/", sandbox.url())).await;
    browser.says("#link.live", "live").await;
    browser.says("#orders", "None yet.").await;

    // What happens elsewhere is seen here, without a click.
    let (first, _) = stage.order().await;
    browser.says("#orders li:first-child", &first).await;
    browser.says("#orders figcaption", "INITIAL").await;
    browser.says("#orders li:first-child", "left)").await;
    browser.says("#journal", "/order/initiate").await;

    // What is open stays open while parts come anew.
    browser.click("#exchange-2 summary").await;
    browser.says("#exchange-2 pre", "[redacted]").await;
    browser.click(&format!("#pay-{first}")).await;
    browser.says("#orders figcaption", "PURCHASE_BY_USER").await;
    assert_eq!(sandbox.state(&first), Some(State::PurchaseByUser));
    browser
        .says("#book tr:nth-child(2)", "escrow 1,250,000")
        .await;
    let path = browser.find("#orders svg").await.attr("aria-label").await;
    assert_eq!(path.unwrap().unwrap(), "INITIAL, then PURCHASE_BY_USER");

    let (second, page) = stage.order().await;
    browser.says("#orders li:first-child", &second).await;
    assert!(browser.has("#exchange-2[open]").await);
    browser.click(&format!("#cancel-{second}")).await;
    browser.says("#orders figcaption", "CANCEL_BY_USER").await;
    let (third, _) = stage.order().await;
    browser.says("#orders li:first-child", &third).await;
    browser.click(&format!("#expire-{third}")).await;
    browser.says("#orders figcaption", "CANCEL_BY_SYSTEM").await;
    assert_eq!(sandbox.state(&third), Some(State::CancelBySystem));

    let plan = "authenticate after nth=1 delay=1s";
    let area = browser.find("#plan").await;
    area.send_keys("authenticate sometimes").await.unwrap();
    browser.click("form[data-post] button:not([type])").await;
    browser.says("#said", "not a plan").await;
    area.clear().await.unwrap();
    area.send_keys(plan).await.unwrap();
    browser.click("form[data-post] button:not([type])").await;
    let armed: FaultPlan = plan.parse().unwrap();
    browser.says("#faults pre", &armed.to_string()).await;
    let (fourth, _) = stage.order().await;
    browser
        .says("#journal details:nth-of-type(2)", "Delay(1s)")
        .await;
    browser.says("#faults", "by rule: 1").await;
    browser.picture("dashboard").await;
    browser.click("[data-method=DELETE]").await;
    browser.says("#faults", "No request is struck.").await;

    // The first was paid and nobody verified it; the fourth is still open.
    let quarter = r#"[data-body='{"seconds":900}']"#;
    browser.click(quarter).await;
    browser.says("#clock", "900 s ahead").await;
    browser
        .says("#orders li:last-child figcaption", "CANCEL_BY_SYSTEM")
        .await;
    assert_eq!(sandbox.state(&fourth), Some(State::Initial));
    browser.says("#book tr:nth-child(2)", "escrow 0").await;
    browser.says("#book", "where it should be").await;

    browser.click("[data-sure]").await;
    browser.client.accept_alert().await.unwrap();
    browser.says("#orders", "None yet.").await;
    browser.open(&page).await;
    browser.says("h1", "یافت نشد").await;
    browser.close().await;
}

/// What a client has read of the events once `until` is in it.
async fn events(stream: &mut TcpStream, until: &str) -> String {
    let mut read = Vec::new();
    let patience = Duration::from_secs(30);
    let reads = async {
        while !String::from_utf8_lossy(&read).contains(until) {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
        }
    };
    let in_time = tokio::time::timeout(patience, reads).await;
    let read = String::from_utf8_lossy(&read).into_owned();
    assert!(in_time.is_ok(), "{until} is not in {read}");
    read
}

#[tokio::test]
async fn events_tell_what_changed_and_nothing_else() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut stream = TcpStream::connect(sandbox.address()).await.unwrap();
    let request = "GET /_sandbox/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let first = events(&mut stream, r#""id":"journal""#).await;
    assert!(first.contains("\r\ncontent-type: text/event-stream\r\n"));
    assert_eq!(first.matches("data: {").count(), 5, "every part, once");
    sandbox.set_wallet("09121234567", 1_234_567, false).unwrap();
    let then = events(&mut stream, "1,234,567").await;
    assert!(then.contains(r#""id":"book""#));
    assert_eq!(then.matches("data: {").count(), 1, "{then}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_asks_its_user_for_the_token() {
    let Some(browser) = Browser::start("token").await else {
        return;
    };
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let settings = Settings::default().control_token(Secret::new("open-sesame"));
    let sandbox = Sandbox::bind(everywhere, settings).await.unwrap();
    let port = sandbox.address().port();
    // As who types the token into the browser's window.
    browser
        .open(&format!("http://me:open-sesame@127.0.0.1:{port}/_sandbox/"))
        .await;
    browser.says("#link.live", "live").await;
    browser.click(r#"[data-body='{"seconds":60}']"#).await;
    browser.says("#clock", "60 s ahead").await;
    assert_eq!(browser.text("#said").await, "");
    browser.close().await;

    // Without one it is closed to whoever is not this machine, and so to all.
    let sandbox = Sandbox::bind(everywhere, Settings::default())
        .await
        .unwrap();
    let port = sandbox.address().port();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = "GET /_sandbox/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = events(&mut stream, "9042").await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

/// A page of somebody else tries what a browser lets it try.
#[tokio::test(flavor = "multi_thread")]
async fn another_site_s_page_reaches_nothing() {
    let Some(browser) = Browser::start("evil").await else {
        return;
    };
    let stage = Stage::new().await;
    let (id, page) = stage.order().await;
    let url = stage.sandbox.url();
    let evil = format!(
        r#"<form method=post enctype="text/plain" action="{url}/_sandbox/reset" target=f>
           <input name='{{"a":"' value='"}}'></form>
           <form method=post action="{page}/pay" target=f></form><iframe name=f></iframe>
           <script>(async () => {{
             for (const form of document.forms) {{ form.submit(); await new Promise(r => setTimeout(r, 500)) }}
             let read = 0;
             const json = {{"Content-Type": "application/json"}};
             for (const options of [
               {{method: "POST", body: "{{}}", mode: "no-cors"}}, {{method: "POST", body: "{{}}", headers: json}},
             ])
               await fetch("{url}/_sandbox/reset", options).then(a => read += a.type !== "opaque", () => {{}});
             await fetch("{url}/_sandbox/book").then(() => read++, () => {{}});
             await new Promise(r => {{ const s = new EventSource("{url}/_sandbox/events"); s.onopen = () => {{ read++; r() }}; s.onerror = r }});
             document.title = "read " + read;
           }})()</script>"#
    );
    let site =
        Peer::plain(move |_| Reply::Keep(answer_with(200, "Content-Type: text/html\r\n", &evil)))
            .unwrap();
    browser.open(&site.url("/")).await;
    for _ in 0..600 {
        if browser.client.title().await.unwrap().starts_with("read") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(browser.client.title().await.unwrap(), "read 0");
    assert_eq!(stage.sandbox.state(&id), Some(State::Initial));
    browser.close().await;
}
