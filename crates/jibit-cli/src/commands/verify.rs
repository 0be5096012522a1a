use jibit_hyper::{Expected, OrderId, OrderStatus, Payment, RefId, Rial, Verdict};
use serde::Serialize;

use crate::{
    account::{self, Moves},
    args::{Settings, Verify},
    interrupt,
    report::{Exit, Failure, Report, whole_message},
};

/// What is known of the order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    outcome: &'static str,
    order_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'a str>,
}

pub(crate) async fn run(settings: &Settings, args: &Verify) -> Result<Report, Failure> {
    let order: OrderId = args.order_id.parse()?;
    let expected = Expected {
        amount: args.amount.parse()?,
        merchant_order_id: args.merchant_order_id.parse()?,
    };
    if expected.amount.get() == 0 {
        return Err(Failure::usage(
            "amount is 0; give the amount that was initiated",
        ));
    }
    let account = account::open(settings, Moves::Money)?;
    let verdict = tokio::select! {
        verdict = account.client.settle(order.clone(), expected) => verdict?,
        // A verify may have left: that is an outcome, not an error.
        () = interrupt::pressed() => Verdict::Undetermined { last: None, cause: None },
    };
    Ok(report(&order, &verdict))
}

/// What a verdict is for machines and people.
pub(crate) fn report(order: &OrderId, verdict: &Verdict) -> Report {
    let (status, payment) = known(verdict);
    let ref_id = payment.and_then(Payment::ref_id);
    let json = Shown {
        outcome: verdict.as_str(),
        order_id: order.as_str(),
        status: status.map(OrderStatus::as_str),
        amount: payment.and_then(Payment::amount).map(Rial::get),
        merchant_order_id: (payment.and_then(Payment::merchant_order_id)).map(str::trim),
        ref_id: ref_id.as_ref().map(RefId::as_str),
    };
    let (exit, text) = match verdict {
        Verdict::Paid(receipt) => {
            let reference = json
                .ref_id
                .map(|id| format!(", refId {id}"))
                .unwrap_or_default();
            (
                Exit::Done,
                format!("Paid: {}{reference}.", receipt.expected.amount),
            )
        }
        Verdict::Pending(seen) => (
            Exit::Pending,
            format!("Not paid yet ({}): ask again.", seen.status.as_str()),
        ),
        Verdict::NotPaid { seen, refunded } => {
            let refund = if *refunded {
                " The customer had paid; the gateway returns the money."
            } else {
                ""
            };
            (
                Exit::NotPaid,
                format!("Not paid, and final ({}).{refund}", seen.status.as_str()),
            )
        }
        Verdict::Mismatch(_) => (
            Exit::Mismatch,
            "The gateway speaks of another amount or another order: a person must look.".to_owned(),
        ),
        _ => (
            Exit::Undetermined,
            "Nobody knows yet: it is neither paid nor unpaid. Run this again.".to_owned(),
        ),
    };
    let remark = match verdict {
        Verdict::Undetermined { cause, .. } => cause.as_ref().map(whole_message),
        _ => None,
    };
    Report {
        exit,
        remark,
        ..Report::new(&json, text)
    }
}

fn known(verdict: &Verdict) -> (Option<&OrderStatus>, Option<&Payment>) {
    const CONFIRMED: OrderStatus = OrderStatus::PurchaseConfirmByMerchant;
    match verdict {
        Verdict::Paid(receipt) => (Some(&CONFIRMED), Some(&receipt.payment)),
        Verdict::Pending(seen)
        | Verdict::NotPaid { seen, .. }
        | Verdict::Undetermined {
            last: Some(seen), ..
        } => (Some(&seen.status), Some(&seen.payment)),
        Verdict::Mismatch(mismatch) => (mismatch.status.as_ref(), Some(&mismatch.payment)),
        _ => (None, None),
    }
}
