//! Blocking clients, each payer on a thread of its own: ours, and the core's requests and
//! answers by hand over our transport, over ureq and over minreq.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use jibit_blocking::{Client, Config, Roots, Secret, Transport as _, UreqTransport, Verdict};
use jibit_proto::{
    BaseUrl, Bearer, HttpHosts,
    wire::{initiate, inquiry, verify},
};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};

use super::{
    own::order,
    payer::{BlockingPayer, Paying, paid},
};
use crate::{Outcome, requests::TOKEN, said};

const LIMIT: Duration = Duration::from_secs(10);

fn transport(flows: &Paying) -> Outcome<UreqTransport> {
    let roots = match flows.certificate()? {
        Some(pem) => Roots::from_pem(&pem).map_err(said)?,
        None => Roots::none(),
    };
    UreqTransport::builder().roots(roots).build().map_err(said)
}

pub(super) fn own(flows: &Paying) -> Outcome<Vec<Own>> {
    let transport = transport(flows)?;
    let config =
        Config::new(flows.gateway(), "7746", Secret::new("123456")).max_in_flight(flows.flows);
    let client = jibit_blocking::client_with(config, transport).map_err(said)?;
    Ok((0..flows.flows).map(|_| Own(client.clone())).collect())
}

pub(super) struct Own(Client);

impl BlockingPayer for Own {
    fn pay(&mut self, number: usize) -> Outcome<()> {
        let (order, expected) = order(number)?;
        let initiated = self.0.initiate(order).map_err(said)?;
        match self.0.settle(initiated.order_id, expected) {
            Ok(Verdict::Paid(_)) => Ok(()),
            other => Err(format!("settle says {other:?}")),
        }
    }
}

/// Sends one request.
type Send = dyn Fn(Request<Bytes>) -> Outcome<Response<Bytes>> + std::marker::Send + Sync;

/// What pays by the core's requests and answers alone.
pub(super) struct ByHand {
    send: Arc<Send>,
    base: BaseUrl,
    token: Bearer,
}

fn by_hand(flows: &Paying, send: Arc<Send>) -> Outcome<Vec<ByHand>> {
    let base = BaseUrl::new(&flows.gateway(), &HttpHosts::loopback()).map_err(said)?;
    let token = Secret::new(TOKEN).bearer().map_err(said)?;
    let payer = |_| ByHand {
        send: Arc::clone(&send),
        base: base.clone(),
        token: token.clone(),
    };
    Ok((0..flows.flows).map(payer).collect())
}

impl BlockingPayer for ByHand {
    fn pay(&mut self, number: usize) -> Outcome<()> {
        let (order, expected) = order(number)?;
        let request = initiate::request(&self.base, &self.token, &order).map_err(said)?;
        let answer = (self.send)(request)?;
        let initiated = initiate::parse(&answer, &order, &HttpHosts::loopback()).map_err(said)?;
        let order = initiated.order_id;
        let request = inquiry::request(&self.base, &self.token, &order).map_err(said)?;
        let found = inquiry::parse(&(self.send)(request)?).map_err(said)?;
        let request = verify::request(&self.base, &self.token, &order).map_err(said)?;
        let verified = verify::parse(&(self.send)(request)?).map_err(said)?;
        paid(&found.payment, &verified, &expected)
    }
}

pub(super) fn bare(flows: &Paying) -> Outcome<Vec<ByHand>> {
    let transport = transport(flows)?;
    by_hand(
        flows,
        Arc::new(move |request| transport.send(request, LIMIT).map_err(said)),
    )
}

pub(super) fn ureq(flows: &Paying) -> Outcome<Vec<ByHand>> {
    let mut roots = Vec::new();
    if let Some(pem) = flows.certificate()? {
        let certificate = CertificateDer::from_pem_slice(&pem).map_err(|it| it.to_string())?;
        roots.push(Certificate::from_der(&certificate).to_owned());
    }
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .build();
    let config = ureq::config::Config::builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent("")
        .accept("")
        .accept_encoding("")
        .timeout_resolve(Some(Duration::from_secs(3)))
        .timeout_connect(Some(Duration::from_secs(3)))
        .timeout_global(Some(LIMIT))
        .max_response_header_size(16 * 1024)
        .input_buffer_size(16 * 1024)
        .output_buffer_size(16 * 1024)
        .max_idle_connections(64)
        .max_idle_connections_per_host(64)
        .max_idle_age(Duration::from_secs(30))
        .build();
    let agent = Agent::new_with_config(config);
    let send = move |request: Request<Bytes>| {
        let (head, body) = request.into_parts();
        let answer = if body.is_empty() && head.method == http::Method::GET {
            agent.run(Request::from_parts(head, ()))
        } else {
            agent.run(Request::from_parts(head, &*body))
        };
        let (head, mut body) = answer.map_err(said)?.into_parts();
        let body = body.with_config().limit(64 * 1024).read_to_vec();
        Ok(Response::from_parts(head, body.map_err(said)?.into()))
    };
    by_hand(flows, Arc::new(send))
}

pub(super) fn minreq(flows: &Paying) -> Outcome<Vec<ByHand>> {
    let send = |request: Request<Bytes>| {
        let url = request.uri().to_string();
        let mut built = match *request.method() {
            http::Method::GET => minreq::get(url),
            _ => minreq::post(url),
        };
        for (name, value) in request.headers() {
            built = built.with_header(name.as_str(), value.to_str().map_err(said)?);
        }
        if !request.body().is_empty() {
            built = built.with_body(request.body().to_vec());
        }
        let answer = built.with_timeout(LIMIT.as_secs()).send().map_err(said)?;
        let body = Bytes::copy_from_slice(answer.as_bytes());
        Ok(Response::new(body))
    };
    by_hand(flows, Arc::new(send))
}
