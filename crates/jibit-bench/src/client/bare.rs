//! hyper-util's client, set up as our transport is, with the core's requests and answers
//! and nothing between: no session, no limit on time, no spans.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use jibit_proto::{
    BaseUrl, Bearer, HttpHosts, Secret,
    wire::{initiate, inquiry, verify},
};

use tokio::sync::Semaphore;

use super::{
    own::order,
    payer::{Payer, Paying, paid},
    trusting,
};
use crate::{Outcome, requests::TOKEN, said};

type Https = HttpsConnector<HttpConnector>;

pub(super) fn payers(flows: &Paying) -> Outcome<Vec<Bare>> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(Duration::from_secs(3)));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(trusting(flows.certificate()?.as_deref())?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    let client = Client::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .http1_max_headers(64)
        .http1_max_buf_size(16 * 1024)
        .build(https);
    let base = BaseUrl::new(&flows.gateway(), &HttpHosts::loopback()).map_err(said)?;
    let token = Secret::new(TOKEN).bearer().map_err(said)?;
    let permits = flows.in_flight.map(|many| Arc::new(Semaphore::new(many)));
    let payer = |_| Bare {
        client: client.clone(),
        permits: permits.clone(),
        base: base.clone(),
        token: token.clone(),
    };
    Ok((0..flows.flows).map(payer).collect())
}

pub(super) struct Bare {
    permits: Option<Arc<Semaphore>>,
    client: Client<Https, Full<Bytes>>,
    base: BaseUrl,
    token: Bearer,
}

impl Bare {
    async fn send(&self, mut request: Request<Bytes>) -> Outcome<Response<Bytes>> {
        if request.body().is_empty() && request.method() == Method::POST {
            let none = HeaderValue::from_static("0");
            request.headers_mut().insert(header::CONTENT_LENGTH, none);
        }
        let _permit = match &self.permits {
            Some(permits) => Some(permits.acquire().await.map_err(said)?),
            None => None,
        };
        let answer = self.client.request(request.map(Full::new)).await;
        let (head, mut body) = answer.map_err(said)?.into_parts();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(said)?.into_data() {
                bytes.extend_from_slice(&data);
            }
        }
        Ok(Response::from_parts(head, bytes.freeze()))
    }
}

impl Payer for Bare {
    async fn pay(&mut self, number: usize) -> Outcome<()> {
        let (order, expected) = order(number)?;
        let request = initiate::request(&self.base, &self.token, &order).map_err(said)?;
        let answer = self.send(request).await?;
        let initiated = initiate::parse(&answer, &order, &HttpHosts::loopback()).map_err(said)?;
        let order = initiated.order_id;
        let request = inquiry::request(&self.base, &self.token, &order).map_err(said)?;
        let found = inquiry::parse(&self.send(request).await?).map_err(said)?;
        let request = verify::request(&self.base, &self.token, &order).map_err(said)?;
        let verified = verify::parse(&self.send(request).await?).map_err(said)?;
        paid(&found.payment, &verified, &expected)
    }
}
