//! Ships what is paid: from the outbox, and only from there.

use std::{sync::Arc, time::Duration};

use jibit_checkout::{Checkout, CheckoutError};

use crate::sales::Sales;

/// How many parcels are packed at a time.
const TOGETHER: usize = 10;

/// How long nobody else takes an order that is being packed.
const LEASE: Duration = Duration::from_secs(5 * 60);

const REST: Duration = Duration::from_secs(1);

pub(crate) async fn run(checkout: Checkout, sales: Arc<Sales>) {
    loop {
        if let Err(error) = ship(&checkout, &sales).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "nothing can be shipped for now"
            );
        }
        tokio::time::sleep(REST).await;
    }
}

async fn ship(checkout: &Checkout, sales: &Sales) -> Result<(), CheckoutError> {
    for paid in checkout.fulfilments(TOGETHER, LEASE).await? {
        // It may be handed out again if what follows fails: the number tells.
        sales.ship(&paid.number);
        checkout.fulfilled(&paid.number).await?;
        tracing::info!(order = paid.number.as_str(), "shipped");
    }
    Ok(())
}
