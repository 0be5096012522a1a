//! The catalogue, the basket, and the way to the gateway.

use std::mem;

use axum::{
    Router,
    extract::State as Extract,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use jibit_checkout::{
    CheckoutError, CheckoutErrorKind as Kind, OrderNumber, Purchase, Standing, Started,
};
use jibit_client::{InvalidInput, Mobile};
use maud::{Markup, PreEscaped, html};

use crate::{
    State,
    basket::{Basket, MOST, line_total, products},
    catalogue::{self, PRODUCTS},
    page::{self, PERSIAN},
    sales,
};

pub(crate) fn routes() -> Router<State> {
    let style = || async {
        let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
        (kind, include_str!("shop.css"))
    };
    Router::new()
        .route("/", get(home))
        .route("/basket", get(show_basket).post(change_basket))
        .route("/pay", post(pay))
        .route("/shop.css", get(style))
}

impl State {
    /// The basket that a browser sent; an empty one if its order is paid.
    async fn basket(&self, headers: &HeaderMap) -> Basket {
        let basket = Basket::of(headers);
        let Some(number) = &basket.order else {
            return basket;
        };
        match self.checkout.order(number).await {
            Ok(order) if order.standing() == Standing::Paid => Basket::default(),
            _ => basket,
        }
    }
}

async fn home(Extract(state): Extract<State>, headers: HeaderMap) -> Response {
    let basket = state.basket(&headers).await;
    let body = html! {
        section.welcome {
            (pattern())
            h1 { "از دل ایران، تا درِ خانه" }
            p { "چای، زعفران، گلاب و کار دست؛ با پرداخت از کیف پول جیبیت." }
        }
        ul.products {
            @for product in &PRODUCTS {
                li id=(product.slug) class=(product.slug) {
                    div.picture { (PreEscaped(product.picture)) }
                    h2 { (product.name) }
                    p.about { (product.about) }
                    p.price { (PERSIAN.toman(product.price())) }
                    form method="post" action="/basket" {
                        button name="add" value=(product.slug) aria-label={ "افزودن " (product.name) " به سبد" } {
                            "افزودن به سبد"
                            @if let Some(quantity) = basket.lines.get(product.slug) {
                                span.count { (PERSIAN.digits(&quantity.to_string())) }
                            }
                        }
                    }
                }
            }
        }
    };
    page::shop("خانه", &basket, &body)
}

/// Tiles as on old walls, to look at.
fn pattern() -> Markup {
    html! {
        svg viewBox="0 0 180 90" aria-hidden="true" fill="none" stroke="#f2c14e" stroke-width="1.5" opacity="0.55" {
            @for (x, y) in (0..=4).flat_map(|x| (0..=2).map(move |y| (45 * x, 45 * y))) {
                path d={ "M" (x) " " (y - 22) "l7 15 15 7-15 7-7 15-7-15-15-7 15-7z" } {}
                path d={ "M" (x - 22) " " (y - 22) "m-5 0l5-5 5 5-5 5z" } fill="#f2c14e" {}
            }
        }
    }
}

async fn change_basket(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    form: String,
) -> Response {
    let mut basket = state.basket(&headers).await;
    let lines = basket.lines.clone();
    let mut back = "/basket".to_owned();
    for (what, slug) in form_urlencoded::parse(form.as_bytes()) {
        let Some(product) = catalogue::product(&slug) else {
            continue;
        };
        match what.as_ref() {
            "add" => {
                basket.add(product);
                back = format!("/#{}", product.slug);
            }
            "more" => basket.add(product),
            "less" => basket.take(product),
            _ => {}
        }
    }
    if basket.lines != lines {
        state.number(&mut basket);
    }
    go_on(&back, &basket)
}

async fn show_basket(Extract(state): Extract<State>, headers: HeaderMap) -> Response {
    let basket = state.basket(&headers).await;
    basket_page(&basket, &Entered::default())
}

/// What a customer typed, and what came of it.
#[derive(Default)]
struct Entered {
    mobile: String,
    /// What is wrong with it, and what to do about it.
    invalid: Option<(&'static str, &'static str)>,
    /// What the page has to say besides.
    notice: Option<&'static str>,
}

fn basket_page(basket: &Basket, entered: &Entered) -> Response {
    let body = html! {
        h1 { "سبد خرید" }
        @if let Some(notice) = entered.notice { p.note role="alert" { (notice) } }
        @if basket.lines.is_empty() {
            section.message {
                p { "سبد شما خالی است." }
                p { a.button href="/" { "رفتن به فروشگاه" } }
            }
        } @else {
            div.checkout { (lines(basket)) (till(basket, entered)) }
        }
    };
    page::shop("سبد خرید", basket, &body)
}

fn lines(basket: &Basket) -> Markup {
    html! {
        ul.lines {
            @for (product, quantity) in products(&basket.lines) {
                li class=(product.slug) {
                    div.picture { (PreEscaped(product.picture)) }
                    div {
                        h2 { (product.name) }
                        p.about { (PERSIAN.toman(product.price())) }
                    }
                    form.quantity method="post" action="/basket" {
                        button name="more" value=(product.slug) aria-label={ "یکی بیشتر از " (product.name) } disabled[quantity >= MOST] { "+" }
                        span { (PERSIAN.digits(&quantity.to_string())) }
                        button name="less" value=(product.slug) aria-label={ "یکی کمتر از " (product.name) } { "−" }
                    }
                    p.price { (PERSIAN.toman(line_total(product, quantity))) }
                }
            }
        }
    }
}

/// What it comes to, and where to pay.
fn till(basket: &Basket, entered: &Entered) -> Markup {
    let invalid = entered.invalid;
    html! {
        section.till {
            p.quiet { "جمع" }
            p.sum { (PERSIAN.toman(basket.total())) }
            p.quiet { (PERSIAN.rial(basket.total())) }
            form method="post" action="/pay" {
                label for="mobile" { "شماره موبایل" }
                input id="mobile" name="mobile" type="tel" inputmode="tel" autocomplete="tel" dir="ltr"
                    placeholder="۰۹۱۲ ۱۲۳ ۴۵۶۷" value=(entered.mobile)
                    aria-invalid=[invalid.map(|_| "true")] aria-describedby="mobile-said";
                p.said id="mobile-said" role=[invalid.map(|_| "alert")] {
                    @match invalid {
                        Some((problem, remedy)) => { "شماره موبایل " (problem) ". " (remedy) "." }
                        None => "کیف پول جیبیت شما با این شماره است."
                    }
                }
                button { "پرداخت" }
            }
        }
    }
}

async fn pay(Extract(state): Extract<State>, headers: HeaderMap, form: String) -> Response {
    let mut basket = state.basket(&headers).await;
    if basket.lines.is_empty() {
        return go_on("/basket", &basket);
    }
    let typed = form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "mobile");
    let mobile = typed
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let customer: Mobile = match mobile.parse() {
        Ok(customer) => customer,
        Err(error) => {
            let entered = Entered {
                mobile,
                invalid: Some(in_persian(&error)),
                notice: None,
            };
            let page = basket_page(&basket, &entered);
            return (StatusCode::UNPROCESSABLE_ENTITY, page).into_response();
        }
    };
    match state.start(&mut basket, customer).await {
        Ok(started) => go_on(&started.redirect_url, &basket),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "no customer could be sent to pay"
            );
            let (status, notice) = refused(error.kind());
            let entered = Entered {
                mobile,
                invalid: None,
                notice: Some(notice),
            };
            (status, keep(&basket), basket_page(&basket, &entered)).into_response()
        }
    }
}

impl State {
    /// Gives a changed basket a number, unless it has one that nothing was begun by.
    fn number(&self, basket: &mut Basket) {
        match &basket.order {
            Some(number) if self.sales.get(number).is_none() => {}
            // Without a number for now, it gets one when it is paid.
            Some(_) => basket.before = mem::replace(&mut basket.order, sales::new_number().ok()),
            None => basket.order = sales::new_number().ok(),
        }
    }

    /// Has the basket's order begun, or takes it up again.
    async fn start(&self, basket: &mut Basket, customer: Mobile) -> Result<Started, CheckoutError> {
        self.retire(basket).await?;
        let number = match basket.order.clone() {
            Some(number) if self.fits(&number, basket).await? => number,
            other => {
                // The same number with other lines: from another tab.
                basket.before = other;
                let number = sales::new_number()?;
                basket.order = Some(number.clone());
                self.retire(basket).await?;
                self.sales.enter(&number, &basket.lines);
                number
            }
        };
        let purchase = Purchase::new(number, basket.total(), customer)?;
        let purchase = purchase.description(in_words(basket));
        self.checkout.start(purchase).await
    }

    /// Withdraws what the basket was before: it must not be paid as well.
    async fn retire(&self, basket: &mut Basket) -> Result<(), CheckoutError> {
        let Some(before) = basket.before.take() else {
            return Ok(());
        };
        match self.checkout.withdraw(&before).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == Kind::NoSuchOrder => Ok(()),
            // The customer is told, and the next click is about this basket alone.
            Err(error) if error.kind() == Kind::AlreadyPaid => Err(error),
            Err(error) => {
                basket.before = Some(before);
                Err(error)
            }
        }
    }

    /// Whether the order of this number is this basket's, or nobody's yet.
    async fn fits(&self, number: &OrderNumber, basket: &Basket) -> Result<bool, CheckoutError> {
        if !self.sales.enter(number, &basket.lines) {
            return Ok(false);
        }
        match self.checkout.order(number).await {
            Ok(order) => Ok(order.withdrawn_at.is_none() && order.amount == basket.total()),
            Err(error) if error.kind() == Kind::NoSuchOrder => Ok(true),
            Err(error) => Err(error),
        }
    }
}

/// What is bought, for the gateway's page.
fn in_words(basket: &Basket) -> String {
    let words: Vec<_> = products(&basket.lines)
        .map(|(product, quantity)| match quantity {
            1 => product.name.to_owned(),
            _ => format!("{} {}", PERSIAN.digits(&quantity.to_string()), product.name),
        })
        .collect();
    words.join("، ")
}

/// The problem with a mobile number, and its remedy.
fn in_persian(error: &InvalidInput) -> (&'static str, &'static str) {
    let problem = match error.problem() {
        "begins or ends with a hyphen" => "با خط تیره آغاز یا تمام می‌شود",
        "has too many digits" => "رقم‌های زیادی دارد",
        "holds something that is not a digit" => "چیزی جز رقم دارد",
        _ => "از ایران نیست یا کامل نیست (۰۹ و نه رقم پس از آن)",
    };
    (problem, "شماره‌ای مانند ۰۹۱۲۱۲۳۴۵۶۷ بنویسید")
}

/// Why nobody could be sent to pay, in the customer's words.
const fn refused(kind: Kind) -> (StatusCode, &'static str) {
    match kind {
        Kind::AlreadyPaid => (
            StatusCode::CONFLICT,
            "سفارش پیشین شما پرداخت شده است. اگر آنچه اکنون در سبد است سفارش دیگری است، دوباره «پرداخت» را بزنید.",
        ),
        Kind::Settling => (
            StatusCode::CONFLICT,
            "پرداخت پیشین این سبد هنوز در حال تسویه است. دوباره نپردازید؛ کمی بعد این صفحه را تازه کنید.",
        ),
        Kind::Gateway => (
            StatusCode::BAD_GATEWAY,
            "درگاه اکنون پاسخ نمی‌دهد. چیزی برداشت نشده است؛ کمی بعد دوباره تلاش کنید.",
        ),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            "اکنون نشد. چیزی برداشت نشده است؛ کمی بعد دوباره تلاش کنید.",
        ),
    }
}

fn keep(basket: &Basket) -> [(header::HeaderName, String); 1] {
    [(header::SET_COOKIE, basket.cookie())]
}

/// 303, so that the browser goes there by GET.
fn go_on(to: &str, basket: &Basket) -> Response {
    let headers = [
        (header::LOCATION, to.to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::SEE_OTHER, keep(basket), headers).into_response()
}
