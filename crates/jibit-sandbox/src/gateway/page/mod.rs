//! The page at `redirectUrl`, where a person pays or cancels.

mod language;

use std::time::Duration;

use bytes::Bytes;
use fast_qr::{QRBuilder, convert::svg::SvgBuilder};
use http::{Method, Request, Response, StatusCode};
use jibit_proto::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(super) use language::Language;

use super::{Gateway, Order, Refusal, State, api, book::Wallet, guard, html};
use crate::{Returning, scenario::Scenario};

// Marks beside a state, drawn, since not every machine has such letters.
const CHECK: &str = "M4 13l5 5L20 6";
const CROSS: &str = "M6 6l12 12M18 6L6 18";
const BAR: &str = "M5 12h14";

/// Answers `/order/{orderId}`, `/order/{orderId}/pay` and `/order/{orderId}/cancel`.
pub(super) fn answer(
    gateway: &mut Gateway,
    path: &str,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Response<Bytes> {
    let language = Language::of(request.uri().query());
    let (id, action) = match path.split_once('/') {
        Some((id, action)) => (id, Some(action)),
        None => (path, None),
    };
    let done = match (action, request.method()) {
        (None, &Method::GET) => gateway.enter(id, now).map(|_| false),
        (Some("pay"), &Method::POST) => guard::own_page(request).and_then(|()| {
            let client_ip = super::client_ip(request);
            gateway.pay(id, client_ip, now).map(|_| true)
        }),
        (Some("cancel"), &Method::POST) => {
            guard::own_page(request).and_then(|()| gateway.cancel(id, now).map(|_| true))
        }
        (None, _) => Err(Refusal::Method("GET")),
        (Some("pay" | "cancel"), _) => Err(Refusal::Method("POST")),
        _ => Err(Refusal::NoSuchPath),
    };
    let (leaves, refused) = match done {
        Ok(leaves) => (leaves, None),
        Err(refusal) => (false, Some(refusal)),
    };
    let mut answer = match gateway.order(id).cloned() {
        Some(order) if refused != Some(Refusal::NoSuchPath) => {
            let visit = Visit::new(gateway, order, language, now);
            if leaves {
                visit.leave()
            } else {
                visit.show(refused)
            }
        }
        _ => nothing_here(language, refused.unwrap_or(Refusal::NoSuchOrder)),
    };
    if let Some(refusal) = refused {
        refusal.mark(answer.headers_mut());
    }
    answer
}

/// A customer before an order.
struct Visit {
    order: Order,
    shop: String,
    wallet: Wallet,
    /// Until the gateway cancels the order.
    left: Duration,
    page_url: String,
    returning: Returning,
    language: Language,
}

impl Visit {
    fn new(gateway: &Gateway, order: Order, language: Language, now: Timestamp) -> Self {
        let shop = gateway.settings.shop_names.get(order.merchant());
        Self {
            shop: shop.map_or(order.merchant(), String::as_str).to_owned(),
            wallet: gateway.book.wallet(order.asked.user_identity),
            left: order.expires.since(gateway.now(now)),
            page_url: format!("{}/order/{}", gateway.public_url, order.id()),
            returning: order
                .returning
                .unwrap_or(match Scenario::of(order.asked.user_identity) {
                    Some(Scenario::Returns(way)) => way,
                    _ => gateway.settings.returning,
                }),
            order,
            language,
        }
    }

    /// Sends the browser back to the shop, after a click that counted.
    fn leave(&self) -> Response<Bytes> {
        let order = &self.order;
        let url = order.return_url();
        let (then, before) = match self.returning {
            Returning::Get => return html::see_other(url),
            Returning::ForgedStatus => {
                let paid = matches!(order.state(), State::PurchaseByUser);
                let claimed = if paid {
                    State::CancelByUser
                } else {
                    State::PurchaseByUser
                };
                return html::see_other(order.return_url_claiming(order.id(), claimed));
            }
            Returning::ForgedOrder => {
                return html::see_other(order.return_url_claiming("0forged0", order.state()));
            }
            Returning::Post | Returning::Never => (Then::Stay, None),
            // What a second click does: the shop is asked before the browser leaves.
            Returning::Twice => (Then::Leave(Duration::from_secs(1), &url), Some(&url)),
            Returning::Late(time) => (Then::Leave(time, &url), None),
        };
        let body = html! {
            (self.heading(order))
            (self.facts(order))
            section {
                @match self.returning {
                    Returning::Post => (self.way_back(true)),
                    Returning::Never => p { (self.language.pick(
                        "می‌توانید این صفحه را ببندید.",
                        "You can close this page.",
                    )) },
                    _ => p { (self.language.pick(
                        "به‌زودی به فروشگاه برمی‌گردید.",
                        "You will be back at the shop soon.",
                    )) },
                }
                @if let Some(url) = before { img src=(url) alt="" width="1" height="1"; }
            }
        };
        page(StatusCode::OK, self.language, Some(order), then, &body)
    }

    /// The page for the order as it stands, and what a person did that cannot be done.
    fn show(&self, refused: Option<Refusal>) -> Response<Bytes> {
        let order = &self.order;
        let open = order.is_open();
        let body = html! {
            (self.heading(order))
            @if let Some(said) = refused.and_then(|refusal| self.refusal(refusal)) {
                section { p.note.bad role="alert" { (said) } }
            }
            (self.facts(order))
            @if open { (self.offer(order)) } @else { section { (self.way_back(false)) } }
        };
        let status = match refused {
            None => StatusCode::OK,
            // Inside the protocol these are said with 200; a browser is told plainly.
            Some(refusal) if refusal.status() == StatusCode::OK => StatusCode::CONFLICT,
            Some(refusal) => refusal.status(),
        };
        let then = if open {
            Then::LookAgain(self.left)
        } else {
            Then::Stay
        };
        page(status, self.language, Some(order), then, &body)
    }

    fn heading(&self, order: &Order) -> Markup {
        let l = self.language;
        let (mark, kind, said) = match order.state() {
            State::Initial | State::PgEntry => {
                let title = l.pick("پرداخت با کیف پول جیبیت", "Pay from your Jibit wallet");
                return html! { section { h1 { (title) } } };
            }
            State::PurchaseByUser => (CHECK, "good", l.pick(
                "پرداخت انجام شد و در انتظار تأیید فروشگاه است",
                "Paid; the shop has yet to confirm",
            )),
            State::PurchaseConfirmByMerchant => (CHECK, "good", l.pick(
                "پرداخت انجام و به فروشگاه تأیید شده است",
                "Paid and confirmed",
            )),
            State::CancelByUser => (CROSS, "bad", l.pick(
                "این سفارش لغو شده است",
                "This order was cancelled",
            )),
            State::CancelBySystem => (BAR, "quiet", l.pick(
                "مهلت این سفارش تمام شده است؛ اگر پرداخت کرده بودید، پول به کیف پول شما برگشت",
                "The time for this order is over; if you had paid, the money is back in your wallet",
            )),
        };
        html! {
            section role="status" {
                div class={ "mark " (kind) } aria-hidden="true" {
                    svg viewBox="0 0 24 24" { path d=(mark) {} }
                }
                h1 { (said) }
            }
        }
    }

    /// What to tell a person whose click came to nothing, if the page does not
    /// say so anyway.
    fn refusal(&self, refusal: Refusal) -> Option<&'static str> {
        let l = self.language;
        Some(match refusal {
            Refusal::AlreadyPaid => l.pick(
                "این سفارش پیش‌تر پرداخت شده است؛ چیزی دوباره برداشت نشد",
                "This order was paid before; nothing was charged again",
            ),
            Refusal::Cancelled => l.pick(
                "این سفارش دیگر پرداخت‌پذیر نیست؛ چیزی برداشت نشد",
                "This order can no longer be paid; nothing was charged",
            ),
            Refusal::InsufficientFunds => l.pick(
                "موجودی کیف پول کافی نبود؛ چیزی برداشت نشد",
                "The wallet did not hold enough; nothing was charged",
            ),
            Refusal::WalletBlocked => l.pick(
                "کیف پول مسدود است؛ چیزی برداشت نشد",
                "The wallet is blocked; nothing was charged",
            ),
            _ => return None,
        })
    }

    fn facts(&self, order: &Order) -> Markup {
        let l = self.language;
        let description = order.asked.description.as_deref().unwrap_or_default();
        html! {
            section.price {
                p.quiet { (l.pick("مبلغ", "Amount")) }
                p.amount { (l.toman(order.amount())) }
                p.rial { (l.rial(order.amount())) }
            }
            section {
                dl {
                    dt { (l.pick("فروشگاه", "Shop")) } dd { bdi { (self.shop) } }
                    @if !description.is_empty() {
                        dt { (l.pick("بابت", "For")) } dd { bdi { (description) } }
                    }
                    dt { (l.pick("شماره سفارش", "Order")) } dd { bdi { (order.merchant_order_id()) } }
                    @if let Some(reference) = order.ref_id() {
                        dt { (l.pick("شماره پیگیری", "Reference")) } dd { bdi { (l.digits(reference)) } }
                    }
                }
            }
        }
    }

    /// What can be done while the order is open.
    fn offer(&self, order: &Order) -> Markup {
        let l = self.language;
        let enough = self.wallet.balance >= i128::from(order.amount());
        let may_pay = enough && !self.wallet.blocked;
        let path = format!("/order/{}", order.id());
        let to = |action: &str| format!("{path}/{action}{}", l.query());
        html! {
            section.left {
                span id="left" { (l.pick("زمان باقی‌مانده", "Time left")) }
                strong role="timer" aria-labelledby="left" data-left=(self.left.as_secs()) { (l.clock(self.left)) }
            }
            section {
                (self.purse(order))
                @if self.wallet.blocked {
                    p.note.bad id="why" { (l.pick(
                        "این کیف پول مسدود است و نمی‌توان با آن پرداخت کرد.",
                        "This wallet is blocked and cannot pay.",
                    )) }
                } @else if !enough {
                    p.note id="why" { (l.pick(
                        "موجودی کیف پول برای این پرداخت کافی نیست.",
                        "The wallet does not hold enough for this payment.",
                    )) }
                }
            }
            section {
                form method="post" {
                    @if may_pay {
                        button formaction=(to("pay")) { (l.pick("پرداخت", "Pay")) }
                    } @else {
                        button disabled aria-describedby="why" { (l.pick("پرداخت", "Pay")) }
                    }
                    button.cancel formaction=(to("cancel")) { (l.pick("انصراف", "Cancel")) }
                }
            }
            (self.by_phone(order))
        }
    }

    fn purse(&self, order: &Order) -> Markup {
        let l = self.language;
        let mobile = order.asked.user_identity.to_string();
        let last = mobile
            .get(mobile.len().saturating_sub(4)..)
            .unwrap_or_default();
        let balance = u64::try_from(self.wallet.balance).unwrap_or_default();
        html! {
            dl {
                dt { (l.pick("کیف پول", "Wallet")) }
                dd { bdi dir="ltr" { (l.digits(&format!("•••• {last}"))) } }
                dt { (l.pick("موجودی", "Balance")) }
                dd { (l.toman(balance)) }
            }
        }
    }

    /// For a customer who sits before another screen than the wallet's.
    fn by_phone(&self, order: &Order) -> Markup {
        let l = self.language;
        let app = format!("jibit://pay_sdk?orderid={}", order.id());
        html! {
            section {
                details {
                    summary { (l.pick("پرداخت با گوشی", "Pay with a phone")) }
                    figure {
                        (code(&app))
                        figcaption {
                            a href=(app) { (l.pick("باز کردن در برنامهٔ جیبیت", "Open in the Jibit app")) }
                        }
                    }
                    figure {
                        (code(&self.page_url))
                        figcaption {
                            a href=(self.page_url) { (l.pick("همین صفحه در مرورگر گوشی", "This page in the phone's browser")) }
                        }
                    }
                }
            }
        }
    }

    /// The way back to the shop, which a form may take by itself.
    fn way_back(&self, by_itself: bool) -> Markup {
        let order = &self.order;
        let back = self.language.pick("بازگشت به فروشگاه", "Back to the shop");
        if self.returning != Returning::Post {
            return html! { a.back href=(order.return_url()) { (back) } };
        }
        html! {
            form method="post" action=(order.asked.callback_url) data-leaves[by_itself] {
                input type="hidden" name="orderId" value=(order.id());
                input type="hidden" name="status" value=(order.state());
                button { (back) }
            }
        }
    }
}

/// A QR code as a picture; its text stands beside it as a link.
fn code(text: &str) -> Markup {
    let picture = QRBuilder::new(text)
        .build()
        .map(|code| SvgBuilder::default().to_str(&code))
        .unwrap_or_default();
    // The library's own output: it draws the modules and repeats nothing of the text.
    html! { div aria-hidden="true" { (PreEscaped(picture)) } }
}

/// What a page does by itself.
enum Then<'a> {
    Stay,
    /// Loads itself again when time is over.
    LookAgain(Duration),
    /// Goes there after a while.
    Leave(Duration, &'a str),
}

/// Where no order is.
fn nothing_here(language: Language, refusal: Refusal) -> Response<Bytes> {
    let said = language.pick("چنین سفارشی یافت نشد", "There is no such order");
    let body = html! { section role="status" { h1 { (said) } } };
    page(refusal.status(), language, None, Then::Stay, &body)
}

fn page(
    status: StatusCode,
    language: Language,
    order: Option<&Order>,
    then: Then<'_>,
    body: &Markup,
) -> Response<Bytes> {
    let other = language.other();
    let here = order
        .map(|order| format!("/order/{}", order.id()))
        .unwrap_or_default();
    let whole = html! {
        (DOCTYPE)
        html lang=(language.code()) dir=(language.direction()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (language.pick("درگاه پرداخت (آزمایشی)", "Payment gateway (sandbox)")) }
                link rel="stylesheet" href="/_sandbox/page.css";
                script src="/_sandbox/page.js" defer {}
                @match then {
                    Then::Stay => {}
                    // Where scripts run, theirs is the finer eye.
                    Then::LookAgain(after) => {
                        noscript { meta http-equiv="refresh" content=(after.as_secs() + 1); }
                    }
                    Then::Leave(after, url) => {
                        meta http-equiv="refresh" content={ (after.as_secs()) ";url=" (url) };
                    }
                }
            }
            body { main {
                header {
                    p { (language.pick("درگاه آزمایشی جیبیت", "Jibit sandbox")) }
                    a href={ (here) "?lang=" (other.code()) } lang=(other.code()) hreflang=(other.code()) { (other.name()) }
                }
                (body)
                footer { p { (language.pick(
                    "این یک درگاه آزمایشی است: پولی جابه‌جا نمی‌شود.",
                    "This is a sandbox: no money moves.",
                )) } }
            } }
        }
    };
    // No form-action: Chromium holds it against every redirect that follows the
    // form, and the shop may send its customer on to anywhere, to an app as well.
    let shop = order
        .and_then(|order| api::origin(&order.asked.callback_url))
        .unwrap_or_default();
    html::page(status, &format!("img-src {shop}"), whole)
}
