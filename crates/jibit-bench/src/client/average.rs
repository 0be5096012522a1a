//! A client as an average user writes it on reqwest: a struct an answer, a time limit,
//! and the amount compared.

use std::time::Duration;

use reqwest::{Certificate, Client, blocking};
use serde::{Deserialize, Serialize};

use super::payer::{BlockingPayer, Payer, Paying};
use crate::{
    Outcome,
    requests::{self, TOKEN},
    said,
};

pub(super) fn payers(flows: &Paying) -> Outcome<Vec<Average>> {
    // Said once a process; it was said before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder().timeout(Duration::from_secs(10));
    if let Some(pem) = flows.certificate()? {
        let certificate = Certificate::from_pem(&pem).map_err(said)?;
        client = client.tls_certs_only([certificate]);
    }
    let client = client.build().map_err(said)?;
    let payer = |_| Average {
        client: client.clone(),
        gateway: flows.gateway(),
        token: TOKEN.to_owned(),
    };
    Ok((0..flows.flows).map(payer).collect())
}

pub(super) struct Average {
    client: Client,
    gateway: String,
    token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewOrder {
    amount: u64,
    call_back_url: String,
    user_identity: String,
    merchant_order_id: String,
    description: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<T> {
    error_code: i64,
    result: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are read, as a shop would")]
struct Initiated {
    order_id: String,
    merchant_order_id: String,
    redirect_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "they are read, as a shop would")]
struct Payment {
    status_v: Option<String>,
    merchant_order_id: String,
    amount: u64,
    ref_id: Option<String>,
    user_identity: Option<String>,
    #[serde(alias = "clientIP")]
    client_ip: Option<String>,
}

impl NewOrder {
    fn new(number: usize) -> Self {
        Self {
            amount: requests::AMOUNT,
            call_back_url: requests::callback_url(number),
            user_identity: requests::mobile(number),
            merchant_order_id: requests::merchant_order_id(number),
            description: requests::description(number),
        }
    }
}

impl Payer for Average {
    async fn pay(&mut self, number: usize) -> Outcome<()> {
        let order = NewOrder::new(number);
        let request = (self.client.post(format!("{}/order/initiate", self.gateway)))
            .bearer_auth(&self.token)
            .json(&order);
        let answer = request.send().await.map_err(said)?;
        let initiated: Envelope<Initiated> = answer.json().await.map_err(said)?;
        let order = initiated.result.order_id;
        let request = (self
            .client
            .get(format!("{}/order/inquiry/{order}", self.gateway)))
        .bearer_auth(&self.token);
        let answer = request.send().await.map_err(said)?;
        let found: Payment = answer.json().await.map_err(said)?;
        if found.amount != requests::AMOUNT {
            return Err("another amount".to_owned());
        }
        let request = (self
            .client
            .post(format!("{}/order/verify/{order}", self.gateway)))
        .bearer_auth(&self.token);
        let answer = request.send().await.map_err(said)?;
        let verified: Envelope<Payment> = answer.json().await.map_err(said)?;
        if verified.error_code != 0 || verified.result.amount != requests::AMOUNT {
            return Err("another amount".to_owned());
        }
        Ok(())
    }
}

pub(super) fn blocking_payers(flows: &Paying) -> Outcome<Vec<BlockingAverage>> {
    // Said once a process; it was said before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = blocking::Client::builder().timeout(Duration::from_secs(10));
    if let Some(pem) = flows.certificate()? {
        let certificate = Certificate::from_pem(&pem).map_err(said)?;
        client = client.tls_certs_only([certificate]);
    }
    let client = client.build().map_err(said)?;
    let payer = |_| BlockingAverage {
        client: client.clone(),
        gateway: flows.gateway(),
        token: TOKEN.to_owned(),
    };
    Ok((0..flows.flows).map(payer).collect())
}

pub(super) struct BlockingAverage {
    client: blocking::Client,
    gateway: String,
    token: String,
}

impl BlockingPayer for BlockingAverage {
    fn pay(&mut self, number: usize) -> Outcome<()> {
        let order = NewOrder::new(number);
        let request = (self.client.post(format!("{}/order/initiate", self.gateway)))
            .bearer_auth(&self.token)
            .json(&order);
        let answer = request.send().map_err(said)?;
        let initiated: Envelope<Initiated> = answer.json().map_err(said)?;
        let order = initiated.result.order_id;
        let request = (self
            .client
            .get(format!("{}/order/inquiry/{order}", self.gateway)))
        .bearer_auth(&self.token);
        let found: Payment = request.send().map_err(said)?.json().map_err(said)?;
        let request = (self
            .client
            .post(format!("{}/order/verify/{order}", self.gateway)))
        .bearer_auth(&self.token);
        let answer = request.send().map_err(said)?;
        let verified: Envelope<Payment> = answer.json().map_err(said)?;
        let amounts = [found.amount, verified.result.amount];
        if verified.error_code != 0 || amounts != [requests::AMOUNT; 2] {
            return Err("another amount".to_owned());
        }
        Ok(())
    }
}
