//! A shop in one file: it stores an order before the customer leaves, takes a
//! callback for a hint, and believes the gateway alone.
//!
//! It keeps its orders in memory, so a crash forgets them: a real shop keeps
//! them in a database.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt::Write as _,
    hash::{BuildHasher as _, RandomState},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jibit_hyper::{
    CallbackUrl, Client, Expected, InvalidInput, MerchantOrderId, Mobile, NewOrder, OrderId, Rial,
    Toman, Verdict,
};
use jibit_proto::Callback;
use maud::{DOCTYPE, Markup, html};
use tokio::{net::TcpListener, task::JoinHandle};

use super::Teller;
use crate::{commands::verify, report::Failure};

const PRICE: u64 = 12_500;

pub(super) struct Shop {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

struct State {
    client: Client,
    teller: Teller,
    url: String,
    /// The orders, by the code that only their callback URL carries.
    orders: Mutex<Orders>,
}

#[derive(Default)]
struct Orders {
    by_code: HashMap<String, Stored>,
    opened: u32,
    last: Option<Told>,
}

#[derive(Clone)]
struct Stored {
    order_id: Option<OrderId>,
    expected: Expected,
}

/// What the shop knows of an order that came back.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) order_id: OrderId,
    pub(super) amount: Rial,
    pub(super) merchant_order_id: MerchantOrderId,
    pub(super) ref_id: Option<String>,
    pub(super) paid: bool,
}

impl Shop {
    pub(super) async fn open(client: Client, teller: Teller) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            client,
            teller,
            url: format!("http://{address}"),
            orders: Mutex::default(),
        });
        let serving = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self {
            address,
            state,
            serving,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The order that came back last.
    pub(super) fn last(&self) -> Option<Told> {
        self.state.orders().last.clone()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&state, request));
            // A browser that goes away is no failure of the shop's.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    state: &State,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let query = request.uri().query().unwrap_or_default();
    let answered = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => Ok(page(StatusCode::OK, &front())),
        (&Method::POST, "/buy") => state.buy().await,
        (&Method::GET, "/return") => state.come_back(query).await,
        _ => Ok(page(
            StatusCode::NOT_FOUND,
            &html! { h1 { "چنین صفحه‌ای نیست" } },
        )),
    };
    Ok(answered.unwrap_or_else(|failure| {
        tracing::warn!("{}", failure.text());
        page(
            StatusCode::BAD_GATEWAY,
            &html! { h1 { "درگاه اکنون در دسترس نیست؛ دوباره تلاش کنید" } },
        )
    }))
}

impl State {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers an order and sends the customer to the gateway's page.
    async fn buy(&self) -> Result<Response<Full<Bytes>>, Failure> {
        let amount = Toman::new(PRICE)?.to_rial()?;
        let mobile: Mobile = "09121234567".parse()?;
        let code = random_code();
        let merchant_order_id = self.store(&code, amount)?;
        let callback = CallbackUrl::new(&format!("{}/return?code={code}", self.url))?;
        let order = NewOrder::new(amount, callback, mobile, merchant_order_id.clone())?
            .description("یک جلد کتاب");
        let initiated = self.client.initiate(order).await?;
        if let Some(stored) = self.orders().by_code.get_mut(&code) {
            stored.order_id = Some(initiated.order_id.clone());
        }
        self.teller.step(
            "initiate",
            &format!(
                "{PRICE} Toman, which is {amount}, as {merchant_order_id}: the gateway calls it {}",
                initiated.order_id
            ),
        );
        Ok(sent_on(initiated.redirect_url.as_str()))
    }

    /// The row before the network: what is not stored cannot be settled.
    fn store(&self, code: &str, amount: Rial) -> Result<MerchantOrderId, InvalidInput> {
        let mut orders = self.orders();
        orders.opened += 1;
        let merchant_order_id: MerchantOrderId = format!("book-{}-1", orders.opened).parse()?;
        let stored = Stored {
            order_id: None,
            expected: Expected {
                amount,
                merchant_order_id: merchant_order_id.clone(),
            },
        };
        orders.by_code.insert(code.to_owned(), stored);
        Ok(merchant_order_id)
    }

    /// The customer is back: a hint that it is time to ask, and no more.
    async fn come_back(&self, query: &str) -> Result<Response<Full<Bytes>>, Failure> {
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code="));
        let stored = code.and_then(|code| self.orders().by_code.get(code).cloned());
        let callback = Callback::from_query(query).ok();
        let (
            Some(Stored {
                order_id: Some(order_id),
                expected,
            }),
            Some(callback),
        ) = (stored, callback)
        else {
            return Ok(page(
                StatusCode::NOT_FOUND,
                &html! { h1 { "این سفارش نزد ما نیست" } },
            ));
        };
        if *callback.order_id() != order_id {
            return Ok(page(
                StatusCode::NOT_FOUND,
                &html! { h1 { "این سفارش نزد ما نیست" } },
            ));
        }
        let claimed = callback
            .claimed_status()
            .map_or("nothing", |status| status.as_str());
        self.teller.step(
            "callback",
            &format!("the browser is back and claims {claimed}: a hint, never proof"),
        );
        let verdict = self
            .client
            .settle(order_id.clone(), expected.clone())
            .await?;
        let told = verify::report(&order_id, &verdict);
        self.teller.step(
            "settle",
            &format!("the shop asked and compared. {}", told.text),
        );
        let (paid, ref_id) = match &verdict {
            Verdict::Paid(receipt) => (true, receipt.payment.ref_id().map(|id| id.to_string())),
            _ => (false, None),
        };
        self.orders().last = Some(Told {
            order_id,
            amount: expected.amount,
            merchant_order_id: expected.merchant_order_id,
            ref_id,
            paid,
        });
        Ok(page(StatusCode::OK, &thanks(&verdict)))
    }
}

/// 128 bits from the system, through the hasher's keys.
fn random_code() -> String {
    let mut code = String::new();
    for half in 0..2_u8 {
        let _ = write!(code, "{:016x}", RandomState::new().hash_one(half));
    }
    code
}

fn front() -> Markup {
    html! {
        h1 { "فروشگاه نمونه" }
        p { "یک جلد کتاب، ۱۲٬۵۰۰ تومان" }
        form method="post" action="/buy" { button { "خرید" } }
    }
}

fn thanks(verdict: &Verdict) -> Markup {
    let (head, more) = match verdict {
        Verdict::Paid(_) => ("پرداخت شد؛ سپاس از خرید شما", "کتاب به‌زودی فرستاده می‌شود."),
        Verdict::Pending(_) => (
            "هنوز پرداخت نشده است",
            "اگر پرداخت کرده‌اید، این صفحه را تازه کنید.",
        ),
        Verdict::NotPaid { .. } => (
            "پرداخت انجام نشد",
            "اگر پولی کم شده باشد، درگاه آن را برمی‌گرداند.",
        ),
        _ => (
            "در حال پرسیدن از درگاه هستیم",
            "پول شما گم نمی‌شود؛ این صفحه را تازه کنید.",
        ),
    };
    html! { h1 { (head) } p { (more) } p { a href="/" { "بازگشت به فروشگاه" } } }
}

fn sent_on(url: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(url) = HeaderValue::from_str(url) {
        answer.headers_mut().insert(header::LOCATION, url);
    }
    answer
}

fn page(status: StatusCode, body: &Markup) -> Response<Full<Bytes>> {
    let whole = html! {
        (DOCTYPE)
        html lang="fa" dir="rtl" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "فروشگاه نمونه" }
            }
            body style="font: 1.1rem/2 Vazirmatn, 'Noto Sans Arabic', Tahoma, sans-serif; max-width: 30rem; margin: 3rem auto; padding: 0 1rem" {
                (body)
            }
        }
    };
    let mut answer = Response::new(Full::from(whole.into_string()));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}
