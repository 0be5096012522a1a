//! What must hold at the end of a history.

use std::time::Duration;

use jibit_checkout::{Attempt, Order, Reason, State};
use jibit_client::Timestamp;
use jibit_sandbox::{Gateway, State as GatewayState};

use crate::{
    plan::Plan,
    witness::{Payment, Witness},
    world::{BEGIN, END, World},
};

/// How long without trouble a payment may take: S4's 180 s, and a lease of whoever
/// died before.
const CATCH_UP: Duration = Duration::from_secs(180 + 60);

/// In so long without trouble every intent comes to an end.
const CALM: Duration = Duration::from_secs(3600);

/// Judges a history that came to its end.
pub(crate) async fn judge(world: &World, plan: &Plan) {
    let orders = world.orders().await;
    let mut state = world.state();
    let mut witness = std::mem::take(&mut state.witness);
    let gateway = &state.gateway;
    for violation in gateway.violations() {
        witness.expect(false, "S9", || violation);
    }
    for order in &orders {
        // For who listens for secrets.
        tracing::trace!(?order, "is stored");
        judge_order(&mut witness, gateway, plan, order);
    }
    for order in &orders {
        judge_payments(&mut witness, plan, order, &state.troubles);
    }
    let captured = |id: &String| {
        gateway.order(id).map(|it| it.state()) == Some(GatewayState::PurchaseConfirmByMerchant)
    };
    let captured = witness.payments.keys().filter(|id| captured(id)).count() as u64;
    state.counts.paid = witness.payments.len() as u64;
    state.counts.handed = witness.handed.len() as u64;
    state.counts.captured = captured;
    state.witness = witness;
}

fn judge_order(witness: &mut Witness, gateway: &Gateway, plan: &Plan, order: &Order) {
    let number = order.number.as_str();
    let (mut captured, mut quarantined) = (0, false);
    for attempt in &order.attempts {
        let id = attempt.order_id.as_ref().map(|id| id.as_str());
        let at_gateway = id.and_then(|id| gateway.order(id)).map(|it| it.state());
        let is_captured = at_gateway == Some(GatewayState::PurchaseConfirmByMerchant);
        captured += u32::from(is_captured);
        quarantined |= matches!(attempt.state, State::Quarantined(_));
        let is_so = attempt.state != State::Paid || is_captured;
        witness.expect(is_so, "S2", || {
            format!("{number}: {attempt:?} is {at_gateway:?}")
        });
        let ended = matches!(attempt.state, State::Cancelled | State::Lapsed);
        let cancelled = [GatewayState::CancelByUser, GatewayState::CancelBySystem];
        let is_so = !ended || at_gateway.is_some_and(|it| cancelled.contains(&it));
        witness.expect(is_so, "S3", || {
            format!("{number}: {attempt:?} is {at_gateway:?}")
        });
    }
    let paid = order
        .attempts
        .iter()
        .filter(|it| it.state == State::Paid)
        .count();
    witness.expect(paid <= 1, "S8", || format!("{number} is paid {paid} times"));
    let handed = witness.handed.contains(number);
    let marked = witness.marked.get(number).copied().unwrap_or_default();
    let restored = plan.restored.is_some();
    witness.expect(marked <= 1 || restored, "S1", || {
        format!("{number} was fulfilled as new {marked} times")
    });
    witness.expect(captured <= 1, "S8", || {
        format!("{number} was captured {captured} times")
    });
    // A backup may know nothing of the attempt that was captured.
    witness.expect(!handed || captured > 0 || restored, "S2", || {
        format!("{number} was handed out, and nothing is captured")
    });
    witness.expect(captured == 0 || handed || quarantined, "S4", || {
        format!("{number} was captured, and neither handed out nor shown to a person")
    });
    let told = witness.withdrawn.contains(number) && !restored;
    witness.expect(!told || captured == 0, "withdrawal", || {
        format!("{number} was withdrawn, and captured after it")
    });
}

/// S4: no payment is lost that there was time to capture.
fn judge_payments(witness: &mut Witness, plan: &Plan, order: &Order, troubles: &[Timestamp]) {
    let last = troubles.last().copied().unwrap_or(BEGIN);
    let is_calm = (BEGIN + END).since(last) >= CALM;
    let mut attempts = order.attempts.iter();
    let is_stuck = attempts.any(|it| it.state == State::VerifyIntent);
    witness.expect(!is_stuck || !is_calm, "S4", || {
        format!("{} is neither captured nor not, for an hour", order.number)
    });
    // A backup knows nothing of some payments, and a clock that is put back asks late.
    if order.withdrawn_at.is_some() || plan.restored.is_some() || !plan.jumps.is_empty() {
        return;
    }
    // Who holds the slot keeps the others out; a person decides about it.
    if order.slot_holder().is_some() {
        return;
    }
    // What the gateway gave a wrong name or price once is for a person, too.
    let is_put_aside = |it: &Attempt, id: &str| {
        it.state == State::Quarantined(Reason::Mismatch) && witness.slandered.contains(id)
    };
    let attempts = order.attempts.iter();
    let lost: Vec<_> = attempts
        .filter_map(|it| Some((it, it.order_id.as_ref()?.as_str())))
        .filter(|(it, id)| !is_put_aside(it, id))
        .filter(|(_, id)| {
            let payment = witness.payments.get(*id);
            payment.is_some_and(|payment| calm(payment, troubles) >= CATCH_UP)
        })
        .collect();
    for (_, id) in lost {
        witness.expect(false, "S4", || {
            format!(
                "{}: {id} was paid, there was time, and it was not captured",
                order.number
            )
        });
    }
}

/// The longest time without trouble in which a payment could be captured.
fn calm(payment: &Payment, troubles: &[Timestamp]) -> Duration {
    let inside = |at: &&Timestamp| payment.at < **at && **at < payment.until;
    let mut longest = Duration::ZERO;
    let mut since = payment.at;
    for at in troubles.iter().filter(inside).chain([&payment.until]) {
        longest = longest.max(at.since(since));
        since = *at;
    }
    longest
}
