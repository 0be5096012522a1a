use jibit_hyper::{CallbackUrl, NewOrder};
use jibit_proto::Private;
use serde::Serialize;

use crate::{
    account::{self, Moves},
    args::{Initiate, Settings},
    interrupt,
    report::{Failure, Report},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    order_id: &'a str,
    merchant_order_id: &'a str,
    redirect_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_data: Option<&'a str>,
}

pub(crate) async fn run(settings: &Settings, args: &Initiate) -> Result<Report, Failure> {
    let mut order = NewOrder::new(
        args.amount.parse()?,
        CallbackUrl::new(&args.callback_url)?,
        args.mobile.parse()?,
        args.merchant_order_id.parse()?,
    )?;
    if let Some(text) = &args.additional_data {
        order = order.additional_data(text);
    }
    if let Some(text) = &args.description {
        order = order.description(text);
    }
    let account = account::open(settings, Moves::Money)?;
    let initiated = tokio::select! {
        initiated = account.client.initiate(order) => initiated?,
        () = interrupt::pressed() => return Err(Failure::interrupted(account.certainty())),
    };
    let json = Shown {
        order_id: initiated.order_id.as_str(),
        merchant_order_id: initiated.merchant_order_id.as_str(),
        redirect_url: initiated.redirect_url.as_str(),
        additional_data: initiated.additional_data.as_ref().map(Private::as_str),
    };
    Ok(Report::new(
        &json,
        format!(
            "Order {} is registered. Store its id, then send the customer to\n{}",
            json.order_id, json.redirect_url
        ),
    ))
}
