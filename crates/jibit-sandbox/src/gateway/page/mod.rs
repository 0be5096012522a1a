//! The page at `redirectUrl`, where a person pays or cancels.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use jibit_proto::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::{Gateway, Order, Refusal, State, api};

/// Where the style sheet is: the page's policy allows none inside the page.
pub(super) const STYLE_PATH: &str = "/_sandbox/page.css";

const STYLE: &str = "\
:root { color-scheme: light; --ink: #1d2733; --quiet: #52606d; --line: #d5dbe1; --pay: #0b6b4f; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #eef1f4; color: var(--ink);
  font: 1rem/1.9 Vazirmatn, 'Noto Sans Arabic', Tahoma, sans-serif; }
main { width: min(26rem, 100vw - 2rem); background: #fff; border: 1px solid var(--line); border-radius: 1rem; padding: 1.5rem; }
h1 { font-size: 1.1rem; margin: 0 0 1rem; }
.amount { font-size: 1.9rem; font-weight: 700; line-height: 1.4; }
.rial, dt, footer { color: var(--quiet); font-size: .9rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 1rem 0 1.5rem; }
dd { margin: 0; overflow-wrap: anywhere; }
form { display: flex; gap: .75rem; }
button { flex: 1; font: inherit; padding: .6rem; border-radius: .6rem; border: 1px solid var(--pay); background: var(--pay); color: #fff; cursor: pointer; }
button.cancel { background: #fff; color: var(--ink); border-color: var(--quiet); }
button:focus-visible, a:focus-visible { outline: 3px solid #f2b544; outline-offset: 2px; }
footer { margin-top: 1.5rem; border-top: 1px solid var(--line); padding-top: .75rem; }
";

/// Answers `/order/{orderId}`, `/order/{orderId}/pay` and `/order/{orderId}/cancel`.
pub(super) fn answer(
    gateway: &mut Gateway,
    path: &str,
    request: &Request<Bytes>,
    now: Timestamp,
) -> Response<Bytes> {
    let (id, action) = match path.split_once('/') {
        Some((id, action)) => (id, Some(action)),
        None => (path, None),
    };
    let answered = match (action, request.method()) {
        (None, &Method::GET) => {
            return match gateway.enter(id, now) {
                Ok(order) => show(order),
                Err(refusal) => problem(refusal, None),
            };
        }
        (Some("pay"), &Method::POST) => {
            let client_ip = super::client_ip(request);
            gateway.pay(id, client_ip, now).map(back_to_the_shop)
        }
        (Some("cancel"), &Method::POST) => gateway.cancel(id, now).map(back_to_the_shop),
        (None | Some("pay" | "cancel"), _) => Err(Refusal::Method),
        _ => Err(Refusal::NoSuchPath),
    };
    answered.unwrap_or_else(|refusal| problem(refusal, gateway.order(id)))
}

pub(super) fn style() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(STYLE.as_bytes()));
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// 303, so that the browser goes there by GET.
fn back_to_the_shop(order: &Order) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    // The URL was checked when the order was made; a header takes it.
    if let Ok(location) = HeaderValue::try_from(order.return_url()) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

fn show(order: &Order) -> Response<Bytes> {
    let body = match order.state() {
        State::Initial | State::PgEntry => html! {
            h1 { "پرداخت با کیف پول جیبیت" }
            (facts(order))
            form method="post" {
                button formaction={ "/order/" (order.id()) "/pay" } { "پرداخت" }
                button.cancel formaction={ "/order/" (order.id()) "/cancel" } { "انصراف" }
            }
        },
        state => html! {
            h1 { (standing(state)) }
            (facts(order))
            (way_back(order))
        },
    };
    page(StatusCode::OK, Some(order), &body)
}

/// What a person did that cannot be done.
fn problem(refusal: Refusal, order: Option<&Order>) -> Response<Bytes> {
    let said = match (refusal, order) {
        (Refusal::InsufficientFunds, _) => "موجودی کیف پول کافی نیست",
        (_, Some(order)) => standing(order.state()),
        (_, None) => "چنین سفارشی یافت نشد",
    };
    let status = match refusal {
        // Inside the protocol these are said with 200; a browser is told plainly.
        _ if refusal.status() == StatusCode::OK => StatusCode::CONFLICT,
        _ => refusal.status(),
    };
    let body = html! {
        h1 { (said) }
        @if let Some(order) = order { (facts(order)) (way_back(order)) }
    };
    page(status, order, &body)
}

const fn standing(state: State) -> &'static str {
    match state {
        State::Initial | State::PgEntry => "این سفارش هنوز پرداخت نشده است",
        State::CancelBySystem => {
            "مهلت این سفارش تمام شده است؛ اگر پرداخت کرده بودید، پول به کیف پول شما برگشت"
        }
        State::CancelByUser => "این سفارش لغو شده است",
        State::PurchaseByUser => "پرداخت انجام شد و در انتظار تأیید فروشگاه است",
        State::PurchaseConfirmByMerchant => "پرداخت انجام و به فروشگاه تأیید شده است",
    }
}

fn facts(order: &Order) -> Markup {
    let description = order.asked.description.as_deref().unwrap_or_default();
    html! {
        div.amount { (toman(order.amount())) }
        div.rial { (persian(&grouped(order.amount()))) " ریال" }
        dl {
            dt { "پذیرنده" } dd { bdi { (order.merchant()) } }
            dt { "شماره سفارش" } dd { bdi { (order.merchant_order_id()) } }
            @if !description.is_empty() { dt { "بابت" } dd { bdi { (description) } } }
        }
    }
}

fn way_back(order: &Order) -> Markup {
    html! { p { a href=(order.return_url()) { "بازگشت به فروشگاه" } } }
}

fn page(status: StatusCode, order: Option<&Order>, body: &Markup) -> Response<Bytes> {
    let whole = html! {
        (DOCTYPE)
        html lang="fa" dir="rtl" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "درگاه پرداخت (آزمایشی)" }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body { main {
                (body)
                footer { "درگاه آزمایشی: پولی جابه‌جا نمی‌شود." }
            } }
        }
    };
    let mut answer = Response::new(Bytes::from(whole.into_string()));
    *answer.status_mut() = status;
    // Chromium applies form-action to the redirect that answers the form, too.
    let shop = order
        .and_then(|order| api::origin(&order.asked.callback_url))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {shop}; base-uri 'none'; frame-ancestors 'none'"
    );
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let headers = answer.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// An amount in Toman, with the single Rials that do not make one.
fn toman(rial: u64) -> String {
    let whole = format!("{} تومان", persian(&grouped(rial / 10)));
    match rial % 10 {
        0 => whole,
        rest => format!("{whole} و {} ریال", persian(&rest.to_string())),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            text.push('٬');
        }
        text.push(digit);
    }
    text
}

fn persian(text: &str) -> String {
    let digit = |c: char| {
        c.to_digit(10)
            .and_then(|digit| char::from_u32(u32::from('۰') + digit))
            .unwrap_or(c)
    };
    text.chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_read_them() {
        assert_eq!(toman(1_250_000), "۱۲۵٬۰۰۰ تومان");
        assert_eq!(toman(107), "۱۰ تومان و ۷ ریال");
        assert_eq!(grouped(12), "12");
        assert_eq!(grouped(123), "123");
        assert_eq!(grouped(9_007_199_254_740_991), "9٬007٬199٬254٬740٬991");
    }
}
