//! The part that settles what is due.

use std::time::Duration;

use jibit_checkout::Checkout;
use tokio::{sync::watch, time::timeout};

use crate::line;

/// How long it rests when nothing is due.
const REST: Duration = Duration::from_secs(2);

/// How long it rests at most while the store does not work.
const MAX_REST: Duration = Duration::from_secs(30);

/// Settles until the agent ends. Questions that are under way then come to an end:
/// others would have to wait until what was taken for them is free again.
pub(crate) async fn run(checkout: Checkout, mut ended: watch::Receiver<bool>) {
    let mut rest = REST;
    while !*ended.borrow() {
        rest = match checkout.reconcile_some().await {
            Ok(batch) if batch.asked > 0 => continue,
            Ok(_) => REST,
            Err(error) => {
                tracing::error!("nothing can be reconciled for now: {}", line(&error));
                (rest * 2).min(MAX_REST)
            }
        };
        let _ = timeout(rest, ended.wait_for(|ended| *ended)).await;
    }
}
