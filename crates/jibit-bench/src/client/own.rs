//! `jibit-hyper`: initiate and settle.

use jibit_hyper::{
    CallbackUrl, Client, Config, Expected, HyperTransport, MerchantOrderId, NewOrder, Rial, Roots,
    Secret, Verdict,
};

use super::payer::{Payer, Paying};
use crate::{Outcome, requests, said};

pub(super) fn payers(flows: &Paying) -> Outcome<Vec<Own>> {
    let roots = match flows.certificate()? {
        Some(pem) => Roots::from_pem(&pem).map_err(said)?,
        None => Roots::none(),
    };
    let transport = HyperTransport::builder()
        .roots(roots)
        .build()
        .map_err(said)?;
    let config = Config::new(flows.gateway(), "7746", Secret::new("123456"))
        .max_in_flight(flows.in_flight.unwrap_or(flows.flows));
    let client = jibit_hyper::client_with(config, transport).map_err(said)?;
    Ok((0..flows.flows).map(|_| Own(client.clone())).collect())
}

pub(super) struct Own(Client);

/// A customer's order, with what it has to come to.
pub(super) fn order(number: usize) -> Outcome<(NewOrder, Expected)> {
    let amount = Rial::new(requests::AMOUNT).map_err(said)?;
    let id = MerchantOrderId::new(requests::merchant_order_id(number)).map_err(said)?;
    let back = CallbackUrl::new(&requests::callback_url(number)).map_err(said)?;
    let mobile = requests::mobile(number).parse().map_err(said)?;
    let order = NewOrder::new(amount, back, mobile, id.clone()).map_err(said)?;
    let expected = Expected {
        amount,
        merchant_order_id: id,
    };
    Ok((order.description(requests::description(number)), expected))
}

impl Payer for Own {
    async fn pay(&mut self, number: usize) -> Outcome<()> {
        let (order, expected) = order(number)?;
        let initiated = self.0.initiate(order).await.map_err(said)?;
        match self.0.settle(initiated.order_id, expected).await {
            Ok(Verdict::Paid(_)) => Ok(()),
            other => Err(format!("settle says {other:?}")),
        }
    }
}
