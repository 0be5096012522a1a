use jibit_hyper::{Inquired, OrderId};
use jibit_proto::{Private, RefId};
use serde::Serialize;

use crate::{
    account::{self, Moves},
    args::{Inquiry, Settings},
    interrupt,
    report::{Failure, Report},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    order_id: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<&'a str>,
}

pub(crate) async fn run(settings: &Settings, args: &Inquiry) -> Result<Report, Failure> {
    let order: OrderId = args.order_id.parse()?;
    let account = account::open(settings, Moves::Nothing)?;
    let inquired = tokio::select! {
        inquired = account.client.inquiry(order.clone()) => inquired?,
        () = interrupt::pressed() => return Err(Failure::interrupted(account.certainty())),
    };
    Ok(report(&order, &inquired))
}

pub(crate) fn report(order: &OrderId, inquired: &Inquired) -> Report {
    let payment = &inquired.payment;
    let ref_id = payment.ref_id();
    let private = [
        payment.additional_data(),
        payment.user_identity(),
        payment.client_ip(),
    ];
    let [additional_data, user_identity, client_ip] = private
        .each_ref()
        .map(|text| text.as_ref().map(Private::as_str));
    let json = Shown {
        order_id: order.as_str(),
        status: inquired.status.as_str(),
        merchant_order_id: payment.merchant_order_id().map(str::trim),
        amount: payment.amount().map(|amount| amount.get()),
        ref_id: ref_id.as_ref().map(RefId::as_str),
        additional_data,
        user_identity,
        client_ip,
    };
    let lines = [
        (
            "status",
            Some(format!(
                "{} ({})",
                inquired.status.as_str(),
                inquired.status.english()
            )),
        ),
        ("merchantOrderId", json.merchant_order_id.map(str::to_owned)),
        ("amount", payment.amount().map(|amount| amount.to_string())),
        ("refId", json.ref_id.map(str::to_owned)),
        ("additionalData", json.additional_data.map(str::to_owned)),
        ("userIdentity", json.user_identity.map(str::to_owned)),
        ("clientIp", json.client_ip.map(str::to_owned)),
    ];
    let mut text = format!("{:<16} {}", "orderId", order);
    for (name, value) in lines {
        if let Some(value) = value {
            // What comes from outside must not move the cursor of a terminal.
            let value: String = value
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect();
            text.push_str(&format!("\n{name:<16} {value}"));
        }
    }
    Report::new(&json, text)
}
