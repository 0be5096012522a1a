//! The part that tells the shop what becomes of orders.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use jibit_checkout::{
    Alarm, CheckoutError, CheckoutErrorKind, Notice, NoticeKind, Order, Standing,
};
use jibit_hyper::Transport;
use serde::Serialize;
use tokio::{sync::watch, time::timeout};

use crate::{Shared, Webhook, api::view, line};

/// How long the shop may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a notice is held by whoever tells it: longer than telling takes, and short
/// enough that another agent is in time if this one dies.
const LEASE: Duration = Duration::from_secs(60);

/// How many shops' answers are waited for at once.
const AT_ONCE: usize = 16;

/// How long it rests when there is nothing to tell. What this agent brings about
/// wakes it at once; the others' news come by this.
const REST: Duration = Duration::from_secs(1);

/// How long it rests while the store does not work.
const LONG_REST: Duration = Duration::from_secs(10);

/// The longest wait between two tries. None is the last: it may be about money.
const MAX_WAIT: Duration = Duration::from_secs(3600);

pub(crate) async fn run(
    shared: Arc<Shared>,
    webhook: Webhook,
    transport: Arc<dyn Transport>,
    mut ended: watch::Receiver<bool>,
) {
    while !*ended.borrow() {
        let now = view::now();
        let account = shared.checkout.account();
        let taken = shared
            .store
            .take_notices(account, now, now + LEASE, AT_ONCE);
        let rest = match taken.await {
            Ok(notices) if notices.is_empty() => REST,
            Ok(notices) => {
                let mut telling = Vec::new();
                for notice in &notices {
                    telling.push(tell(&shared, &webhook, &*transport, notice));
                }
                join_all(telling).await;
                continue;
            }
            Err(error) => {
                tracing::error!("nobody can be told for now: {}", line(&error));
                LONG_REST
            }
        };
        tokio::select! {
            () = shared.news.notified() => {}
            _ = timeout(rest, ended.wait_for(|ended| *ended)) => {}
        }
    }
}

/// Tells one notice, and writes down whether the shop took it.
async fn tell(shared: &Shared, webhook: &Webhook, transport: &dyn Transport, notice: &Notice) {
    let order = shared.checkout.order(&notice.number).await;
    let is_over = match &order {
        Ok(order) => is_over(notice, order),
        // An order that is not there any more was restored away.
        Err(error) => error.kind() == CheckoutErrorKind::NoSuchOrder,
    };
    let written = match order {
        _ if is_over => shared.store.told(&notice.id).await.map(drop),
        Ok(order) => match send(webhook, transport, notice, &order).await {
            Ok(()) => shared.store.told(&notice.id).await.map(drop),
            Err(problem) => {
                let wait = wait(notice.tries);
                tracing::warn!(
                    order = notice.number.as_str(),
                    id = notice.id.as_str(),
                    tries = notice.tries,
                    next = wait.as_secs(),
                    "the shop did not take a webhook: {problem}"
                );
                shared.store.put_off(&notice.id, view::now() + wait).await
            }
        },
        Err(error) => return not_read(&error),
    };
    if let Err(error) = written {
        // It is told again when its time is over.
        tracing::error!(
            "what the shop was told is not written down: {}",
            line(&error)
        );
    }
}

fn not_read(error: &CheckoutError) {
    tracing::error!(
        "an order that is to be told cannot be read: {}",
        line(error)
    );
}

/// Whether what was to be told is not so any more, or never was of the order.
fn is_over(notice: &Notice, order: &Order) -> bool {
    match notice.kind {
        // Another attempt may pay it yet, or has; its own end is told then.
        NoticeKind::NotPaid => order.standing() != Standing::NotPaid,
        _ => false,
    }
}

/// 5 s after the first try, then twice as long each time, up to an hour.
fn wait(tries: u32) -> Duration {
    let doubled = 1_u32
        .checked_shl(tries.saturating_sub(1))
        .unwrap_or(u32::MAX);
    Duration::from_secs(5).saturating_mul(doubled).min(MAX_WAIT)
}

/// Sends it once. What went wrong is said in words, without what the shop answered.
async fn send(
    webhook: &Webhook,
    transport: &dyn Transport,
    notice: &Notice,
    order: &Order,
) -> Result<(), String> {
    let body = Event {
        kind: match notice.kind {
            NoticeKind::Paid => "order.paid",
            NoticeKind::NotPaid => "order.not_paid",
            _ => "order.needs_person",
        },
        timestamp: view::utc(notice.at),
        data: Data {
            attempt: notice.attempt,
            alarms: order
                .attempt(notice.attempt)
                .map(|attempt| attempt.alarms.iter().map(|it| Alarm::as_str(*it)).collect())
                .unwrap_or_default(),
            order: order.into(),
        },
    };
    let body = serde_json::to_string(&body).map_err(|error| error.to_string())?;
    let request = webhook.request(&notice.id, view::now(), body);
    let request = request.map_err(|error| error.to_string())?;
    match timeout(PATIENCE, transport.send(request)).await {
        Ok(Ok(answer)) if answer.status().is_success() => Ok(()),
        Ok(Ok(answer)) => Err(format!("it answered {}", answer.status())),
        Ok(Err(error)) => Err(line(&error)),
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// What a webhook's body says.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    attempt: u32,
    alarms: Vec<&'static str>,
    order: view::Order<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour() {
        let waits = [1, 2, 3, 10, 11, 40, u32::MAX].map(|tries| wait(tries).as_secs());
        assert_eq!(waits, [5, 10, 20, 2560, 3600, 3600, 3600]);
    }
}
