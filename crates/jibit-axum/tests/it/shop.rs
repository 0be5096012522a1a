//! A shop, its gateway and what a browser does.

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jibit_axum::{ReturnPage, callback};
use jibit_checkout::{CallbackUrl, Checkout, OrderNumber, Purchase, State};
use jibit_hyper::{Config, HyperTransport, Roots, Secret};
use jibit_sandbox::Sandbox;
use tower::ServiceExt as _;

use crate::store::Fragile;

pub(crate) struct Shop {
    pub(crate) sandbox: Sandbox,
    pub(crate) store: Fragile,
    pub(crate) checkout: Checkout,
    pub(crate) router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The heading, which is what a customer reads first.
    pub(crate) fn heading(&self) -> &str {
        let (_, rest) = self.text.split_once("<h1>").unwrap();
        rest.split_once("</h1>").unwrap().0
    }

    pub(crate) fn looks_again(&self) -> bool {
        self.text
            .contains("<meta http-equiv=\"refresh\" content=\"5\">")
    }
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let config = Config::new(sandbox.url(), "7746", Secret::new("123456"));
        let transport = HyperTransport::builder().roots(Roots::none());
        let client = jibit_hyper::client_with(config, transport.build().unwrap()).unwrap();
        let back = CallbackUrl::new("https://shop.example/paid").unwrap();
        let store = Fragile::default();
        let checkout = Checkout::open(client, store.clone(), back).await.unwrap();
        let page = ReturnPage::new("<فروشگاه> & نمونه", "https://shop.example/?a=1&b=2");
        let router = Router::new()
            .merge(callback("/paid", page))
            .with_state(checkout.clone());
        Self {
            sandbox,
            store,
            checkout,
            router,
        }
    }

    /// Starts an order; gives the gateway's id and the query that its browser
    /// comes back with, without what the gateway adds.
    pub(crate) async fn start(&self, number: &str) -> (String, String) {
        let number: OrderNumber = number.parse().unwrap();
        let (amount, mobile) = ("1250000".parse().unwrap(), "09121234567".parse().unwrap());
        let purchase = Purchase::new(number.clone(), amount, mobile).unwrap();
        self.checkout.start(purchase).await.unwrap();
        let order = self.checkout.order(&number).await.unwrap();
        let attempt = order.attempts.last().unwrap();
        let id = attempt.order_id.as_ref().unwrap().to_string();
        (id, format!("attempt={}", attempt.code))
    }

    pub(crate) async fn state(&self, number: &str) -> State {
        let order = self.checkout.order(&number.parse().unwrap()).await.unwrap();
        order.attempts.last().unwrap().state
    }

    pub(crate) async fn get(&self, query: &str) -> Answer {
        let request = Request::get(format!("/paid?{query}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, query: &str, form: impl Into<Body>) -> Answer {
        let request = Request::post(format!("/paid?{query}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(form.into()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}
