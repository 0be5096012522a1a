//! A sandbox, a shop, and a customer who sends requests.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use jibit_checkout::{Filter, MemoryStore, Order};
use jibit_hyper::{Config, HyperTransport, Roots, Secret, Transport as _};
use jibit_sandbox::{Sandbox, Settings};
use jibit_shop::Shop;
use tokio::net::TcpListener;

pub(crate) const MOBILE: &str = "09121234567";

pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) shop: Shop,
    transport: HyperTransport,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    /// The basket to send from here on.
    pub(crate) cookie: String,
    pub(crate) text: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::at("127.0.0.1:0").await
    }

    pub(crate) async fn at(address: &str) -> Self {
        let settings = Settings::default().shop_name("7746", jibit_shop::NAME);
        let loopback = "127.0.0.1:0".parse().unwrap();
        let sandbox = Sandbox::bind(loopback, settings).await.unwrap();
        let transport = HyperTransport::builder().roots(Roots::none()).build();
        let transport = transport.unwrap();
        let config = Config::new(sandbox.url(), "7746", Secret::new("123456"));
        let client = jibit_hyper::client_with(config, transport.clone()).unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        let shop = jibit_shop::serve(listener, client, MemoryStore::new()).await;
        Self {
            sandbox,
            shop: shop.unwrap(),
            transport,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        let url = self.shop.url().replace("0.0.0.0", "127.0.0.1");
        format!("{url}{path}")
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        Answer::of(&self.transport.send(request).await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(self.url(path)).header(header::COOKIE, cookie);
        self.send(request.body(Bytes::new()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let request = Request::post(self.url(path))
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = Bytes::from(form.to_owned());
        self.send(request.body(body).unwrap()).await
    }

    /// A basket with these in it; its cookie.
    pub(crate) async fn basket(&self, slugs: &[&str]) -> String {
        let mut cookie = String::new();
        for slug in slugs {
            let added = self.post("/basket", &cookie, &format!("add={slug}")).await;
            assert_eq!(added.location, format!("/#{slug}"));
            cookie = added.cookie;
        }
        cookie
    }

    pub(crate) async fn pay(&self, cookie: &str) -> Answer {
        self.post("/pay", cookie, &format!("mobile={MOBILE}")).await
    }

    /// Every order, the latest first.
    pub(crate) async fn orders(&self) -> Vec<Order> {
        let all = self.shop.checkout().orders(&Filter::default(), 100).await;
        all.unwrap()
    }
}

impl Answer {
    fn of(answer: &Response<Bytes>) -> Self {
        let header = |name| {
            let value = answer.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap())
        };
        let cookie = header(header::SET_COOKIE).split(';').next().unwrap();
        Self {
            status: answer.status(),
            location: header(header::LOCATION).to_owned(),
            cookie: cookie.to_owned(),
            text: String::from_utf8_lossy(answer.body()).into_owned(),
        }
    }
}
