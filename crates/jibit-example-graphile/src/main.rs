//! An example: a shop that has a job engine has it ask about payments, in place of
//! [`Checkout::run_reconciler`]. The engine is `graphile_worker`; its jobs are in the
//! same Postgres as the orders. Any number of these workers may run.
//!
//! Two kinds of job are all that it takes:
//!
//! * [`Reconcile`] asks about one order, and adds itself again for when the checkout
//!   says ([`NextCheck`]). A shop adds one when it has started an order.
//! * [`Sweep`] runs each minute. It claims what is due and adds a [`Reconcile`] for each:
//!   whatever job was lost, the order's own row still says when to ask.
//!
//! What makes that safe is in the checkout, not in the engine:
//!
//! * A job that is lost costs time, never money: its attempt stays due, and a sweep
//!   finds it when its lease is over.
//! * A job that runs twice, or on two workers at once, asks twice and captures once.
//! * The lease has to outlast a run, or a sweep adds what somebody is just doing. That is
//!   harmless, but asks for nothing.
//! * An engine may keep a dead worker's job locked for hours, as this one does unless its
//!   recovery is on. A job with the same key takes its place, so a sweep does not have to
//!   wait for that.
//!
//! It is told everything by its environment: `DATABASE_URL`, `JIBIT_BASE_URL`,
//! `JIBIT_USERNAME`, `JIBIT_PASSWORD`.

use std::{env, error::Error, time::Duration};

use chrono::DateTime;
use graphile_worker::{
    IntoTaskHandlerResult, JobKeyMode, JobSpec, JobSpecBuilder, TaskHandler, WorkerContext,
    WorkerContextExt as _, WorkerOptions,
};
use jibit_checkout::{CallbackUrl, Checkout, NextCheck, OrderNumber, PostgresStore};
use jibit_hyper::{Config, Secret};
use serde::{Deserialize, Serialize};

/// How long nobody else takes what a sweep has claimed. A call to the gateway ends
/// within 30 seconds.
const LEASE: Duration = Duration::from_secs(60);

/// How many orders a sweep takes.
const TOGETHER: usize = 100;

/// Asks about one order.
#[derive(Deserialize, Serialize)]
struct Reconcile {
    number: String,
}

/// Finds what is due and has no job.
#[derive(Deserialize, Serialize)]
struct Sweep {}

impl Reconcile {
    /// One job for an order, whoever adds it: the later one takes the place of the
    /// earlier.
    fn spec(number: &OrderNumber) -> JobSpecBuilder {
        JobSpecBuilder::new()
            .job_key(format!("reconcile:{number}"))
            .job_key_mode(JobKeyMode::Replace)
    }
}

impl TaskHandler for Reconcile {
    const IDENTIFIER: &'static str = "reconcile";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let checkout = checkout_of(&context)?;
        let number: OrderNumber = self.number.parse().map_err(in_words)?;
        let next = checkout.reconcile_one(&number).await.map_err(in_words)?;
        if let NextCheck::At(at) = next {
            let millis = i64::try_from(at.as_unix_millis()).unwrap_or(i64::MAX);
            let at = DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH);
            let spec = Self::spec(&number).run_at(at).build();
            context.add_job(self, spec).await.map_err(in_words)?;
        }
        Ok::<_, String>(())
    }
}

impl TaskHandler for Sweep {
    const IDENTIFIER: &'static str = "sweep";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let checkout = checkout_of(&context)?;
        let due = checkout.claim(TOGETHER, LEASE).await.map_err(in_words)?;
        for due in due {
            let spec = Reconcile::spec(&due.number).build();
            let number = due.number.to_string();
            let added = context.add_job(Reconcile { number }, spec).await;
            added.map_err(in_words)?;
        }
        Ok::<_, String>(())
    }
}

fn checkout_of(context: &WorkerContext) -> Result<&Checkout, String> {
    let checkout = context.get_ext::<Checkout>();
    checkout.ok_or_else(|| "the worker has no checkout".to_owned())
}

/// What a failed job shows in the engine's table: an error with what is behind it.
fn in_words(error: impl Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = env::var("DATABASE_URL")?;
    let password = Secret::new(env::var("JIBIT_PASSWORD")?);
    let config = Config::new(
        env::var("JIBIT_BASE_URL")?,
        env::var("JIBIT_USERNAME")?,
        password,
    );
    let client = jibit_hyper::client(config)?;
    let store = PostgresStore::connect(&database).await?;
    // A worker starts no payment, so no customer comes back to it.
    let back = CallbackUrl::new("https://shop.example/paid")?;
    let checkout = Checkout::open(client, store, back).await?;

    let worker = WorkerOptions::default()
        .database_url(&database)
        .concurrency(8)
        .poll_interval(Duration::from_secs(1))
        .define_job::<Reconcile>()
        .define_job::<Sweep>()
        // Once a minute, however many workers there are.
        .with_cron("* * * * * sweep")?
        .add_extension(checkout)
        .init()
        .await?;
    // And one now: nobody knows how long no worker was there.
    let now = JobSpec::default();
    worker.create_utils().add_job(Sweep {}, now).await?;
    worker.run().await?;
    Ok(())
}
