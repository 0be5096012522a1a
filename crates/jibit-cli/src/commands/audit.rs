use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt as _, stream};
use indicatif::ProgressBar;
use jibit_checkout::{AccountKey, Attempt, Audited, Checkout, Filter, Order, Store};
use jibit_hyper::{ErrorKind, Timestamp};
use serde::Serialize;

use crate::{
    account::{self, Moves},
    args::{Audit, Settings},
    interrupt, progress,
    report::{Exit, Failure, Report, whole_message},
    show::{alarm, table, text},
    store,
};

/// How many orders are read at a time.
const PAGE: usize = 100;

/// How many inquiries are under way at a time.
const TOGETHER: usize = 8;

/// What was found, counted; and what a person should look at.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    orders: u64,
    agree: u64,
    /// Attempts without an orderId.
    not_asked: u64,
    unanswered: u64,
    disagreements: Vec<Disagreement>,
    /// Whether every order was looked at.
    complete: bool,
    /// Why the gateway did not answer, once.
    #[serde(skip)]
    cause: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Disagreement {
    order: String,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    stored: &'static str,
    gateway: &'static str,
    meaning: &'static str,
}

pub(crate) async fn run(settings: &Settings, args: &Audit) -> Result<Report, Failure> {
    let account = account::open(settings, Moves::Nothing)?;
    let store = store::open(&args.store).await?;
    let checkout = store::checkout(account.client, store.clone()).await?;
    let mut pages = Pages::new(&*store, checkout.account(), args);
    let bar = progress::bar(pages.count().await?);
    let mut found = Found::default();
    let whole = audit(&checkout, pages, &mut found, &bar);
    let ended = tokio::select! {
        ended = whole => Some(ended),
        () = interrupt::pressed() => None,
    };
    bar.finish_and_clear();
    if let Some(ended) = ended {
        ended?;
        found.complete = true;
    }
    Ok(report(&found))
}

/// Asks about every attempt of every page.
async fn audit(
    checkout: &Checkout,
    mut pages: Pages<'_>,
    found: &mut Found,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    loop {
        let orders = pages.next().await?;
        if orders.is_empty() {
            return Ok(());
        }
        let attempts = orders.iter().flat_map(|order| {
            let attempts = order.attempts.iter();
            attempts.map(move |attempt| (order, attempt))
        });
        let mut audited = stream::iter(attempts)
            .map(|(order, attempt)| async move {
                (order, attempt, checkout.audit(order, attempt).await)
            })
            .buffer_unordered(TOGETHER);
        while let Some((order, attempt, audited)) = audited.next().await {
            found.take(order, attempt, audited?)?;
        }
        drop(audited);
        found.orders += orders.len() as u64;
        bar.inc(orders.len() as u64);
        bar.set_message(format!("orders, {} disagree", found.disagreements.len()));
    }
}

impl Found {
    fn take(&mut self, order: &Order, attempt: &Attempt, audited: Audited) -> Result<(), Failure> {
        match audited {
            Audited::Agrees => self.agree += 1,
            Audited::NothingToAsk => self.not_asked += 1,
            Audited::Disagrees { gateway, meaning } => self.disagreements.push(Disagreement {
                order: order.number.to_string(),
                attempt: attempt.number,
                order_id: attempt.order_id.as_ref().map(ToString::to_string),
                stored: attempt.state.as_str(),
                gateway,
                meaning,
            }),
            // The next answer would be no other.
            Audited::Unanswered(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Credentials | ErrorKind::Configuration
                ) =>
            {
                return Err(error.into());
            }
            Audited::Unanswered(error) => {
                self.unanswered += 1;
                self.cause.get_or_insert_with(|| whole_message(&error));
            }
            // Whatever it is, it is no agreement.
            _ => self.unanswered += 1,
        }
        Ok(())
    }
}

/// The orders of an account, the latest first, a page at a time. Those that are
/// made meanwhile are not among them.
struct Pages<'a> {
    store: &'a dyn Store,
    account: &'a AccountKey,
    oldest: Timestamp,
    filter: Filter,
    is_over: bool,
}

impl<'a> Pages<'a> {
    fn new(store: &'a dyn Store, account: &'a AccountKey, args: &Audit) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let oldest = (args.since).map(|since| now.unwrap_or_default().saturating_sub(since));
        Self {
            store,
            account,
            oldest: Timestamp::default() + oldest.unwrap_or_default(),
            filter: Filter::default(),
            is_over: false,
        }
    }

    /// The next page; an empty one is the end.
    async fn next(&mut self) -> Result<Vec<Order>, Failure> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let page = self.store.orders(self.account, &self.filter, PAGE).await;
        let mut page = page.map_err(|error| Failure::store(&error))?;
        page.retain(|order| order.created_at >= self.oldest);
        self.is_over = page.len() < PAGE;
        let last = page.last();
        self.filter.before = last.map(|last| (last.created_at, last.number.clone()));
        Ok(page)
    }

    /// How many orders there are, for a bar that somebody sees.
    async fn count(&mut self) -> Result<Option<u64>, Failure> {
        if !progress::is_seen() {
            return Ok(None);
        }
        let mut count = 0;
        loop {
            let page = self.next().await?.len();
            if page == 0 {
                break;
            }
            count += page as u64;
        }
        self.filter = Filter::default();
        self.is_over = false;
        Ok(Some(count))
    }
}

fn report(found: &Found) -> Report {
    let mut said = format!(
        "{} orders: {} attempts agree with the gateway, {} disagree, {} gave no answer, {} have no orderId \
         to ask about.",
        found.orders,
        found.agree,
        found.disagreements.len(),
        found.unanswered,
        found.not_asked
    );
    if !found.disagreements.is_empty() {
        let mut table = table([
            "ORDER", "ATTEMPT", "ORDER ID", "STORED", "GATEWAY", "MEANING",
        ]);
        for it in &found.disagreements {
            table.add_row([
                text(&it.order),
                text(it.attempt.to_string()),
                text(it.order_id.as_deref().unwrap_or_default()),
                text(it.stored),
                alarm(it.gateway),
                text(it.meaning),
            ]);
        }
        said = format!("{table}\n\n{said}");
    }
    let mut report = Report::new(found, said);
    report.remark = if found.complete {
        found.cause.clone()
    } else {
        Some("It was stopped before the end: the rest is not looked at.".to_owned())
    };
    report.exit = if !found.disagreements.is_empty() {
        Exit::Found
    } else if found.unanswered > 0 || !found.complete {
        Exit::Undetermined
    } else {
        Exit::Done
    };
    report
}
