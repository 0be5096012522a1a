//! What a call of a store costs by how many orders are there.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jibit_checkout::{
    AccountKey, Code, Filter, NewOrder, Notices, OrderNumber, PostgresStore, SqliteStore, Store,
    StoreError,
};
use jibit_hyper::Rial;
use jibit_test_postgres::Server;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{ROUNDS, settle};
use crate::{Outcome, figures::Figure, said};

/// How many orders are there, all fulfilled long ago, and as many notices that nobody has
/// told the shop.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// How many of them are made by the store; the others are copies of these.
const PATTERN: usize = 1_000;

/// How many payments are made in a round, and twice as many orders looked at.
const PAYMENTS: usize = 100;

/// Where the numbers of those payments begin.
const NEW: usize = 1_000_000_000;

/// What a payment may cost at the most, of what it costs with the fewest orders.
const PAYMENT: f64 = 1.25;

/// The same for a call that looks: a million has twice the digits of a thousand, and a
/// tree twice the height. What looks at each order would cost a thousand times as much.
const LOOK: f64 = 2.0;

pub(super) async fn measure() -> Outcome<Vec<Figure>> {
    let mut figures = sqlite().await?;
    match Server::start() {
        Some(server) => figures.extend(postgres(&server).await?),
        None => figures.extend(CALLS.map(|call| {
            let remedy = "apt-get install postgresql";
            Figure::unmeasured(&name("Postgres", call), &bound(call), remedy)
        })),
    }
    Ok(figures)
}

async fn sqlite() -> Outcome<Vec<Figure>> {
    let folder = TempDir::with_prefix("jibit-bench-").map_err(said)?;
    let mut stores = Vec::new();
    for size in SIZES {
        let path = folder.path().join(format!("{size}.sqlite"));
        fulfilled(&SqliteStore::open(&path).await.map_err(said)?, 0, PATTERN).await?;
        copy_in_sqlite(&path, size / PATTERN).map_err(said)?;
        let store = SqliteStore::open(&path).await.map_err(said)?;
        neighbour(&store).await?;
        stores.push(store);
    }
    figures("SQLite", &stores).await
}

fn copy_in_sqlite(path: &Path, times: usize) -> rusqlite::Result<()> {
    let file = Connection::open(path)?;
    file.execute_batch(&format!(
        "PRAGMA synchronous = OFF;
         BEGIN;
         CREATE TEMP TABLE copies AS WITH RECURSIVE c (k) AS
           (SELECT 1 UNION ALL SELECT k + 1 FROM c WHERE k < {times} - 1) SELECT k FROM c
           WHERE k < {times};
         INSERT INTO jibit_orders (id, account, number, amount, created_at, withdrawn_at, slot)
           SELECT id + {PATTERN} * k, account, number || 'x' || k, amount, created_at, withdrawn_at,
             slot
           FROM copies CROSS JOIN jibit_orders WHERE id <= {PATTERN};
         INSERT INTO jibit_attempts
           SELECT of_order + {PATTERN} * k, attempt, account,
             printf('%08x', (k * {SPREAD}) & 4294967295) || substr(code, 9), state,
             order_id || 'x' || k, redirect_url, mobile_end, created_at, paid_at, seen_at, seen,
             asked_at, next_ask, ref_id, alarms, version
           FROM copies CROSS JOIN jibit_attempts WHERE of_order <= {PATTERN};
         INSERT INTO jibit_timeline
           SELECT of_order + {PATTERN} * k, line, at, attempt, state, text
           FROM copies CROSS JOIN jibit_timeline WHERE of_order <= {PATTERN};
         INSERT INTO jibit_outbox
           SELECT of_order + {PATTERN} * k, account, attempt, ref_id, paid_at, held_until,
             fulfilled_at
           FROM copies CROSS JOIN jibit_outbox WHERE of_order <= {PATTERN};
         INSERT INTO jibit_notices (account, of_order, attempt, kind, at)
           SELECT account, of_order, attempt, 'paid', paid_at FROM jibit_outbox;
         COMMIT;"
    ))?;
    // The next to open it finds no log of this.
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

async fn postgres(server: &Server) -> Outcome<Vec<Figure>> {
    let mut stores = Vec::new();
    for size in SIZES {
        let url = server.database().await;
        let store = PostgresStore::builder(&url).connections(1);
        let store = store.connect().await.map_err(said)?;
        fulfilled(&store, 0, PATTERN).await?;
        let client = jibit_test_postgres::client(&url).await;
        let copy = copy_in_postgres(size / PATTERN);
        client.batch_execute(&copy).await.map_err(said)?;
        neighbour(&store).await?;
        // What the server does by itself, sooner or later.
        client.batch_execute("VACUUM ANALYZE").await.map_err(said)?;
        client.batch_execute("CHECKPOINT").await.map_err(said)?;
        stores.push(store);
    }
    figures("Postgres", &stores).await
}

fn copy_in_postgres(times: usize) -> String {
    let copies = format!("generate_series(1, {times} - 1) k");
    format!(
        "BEGIN;
         CREATE TEMP TABLE orders ON COMMIT DROP AS TABLE jibit.orders;
         CREATE TEMP TABLE attempts ON COMMIT DROP AS TABLE jibit.attempts;
         CREATE TEMP TABLE timeline ON COMMIT DROP AS TABLE jibit.timeline;
         CREATE TEMP TABLE outbox ON COMMIT DROP AS TABLE jibit.outbox;
         INSERT INTO jibit.orders (account, number, amount, created_at, withdrawn_at, slot)
           SELECT account, number || 'x' || k, amount, created_at, withdrawn_at, slot
           FROM {copies}, orders;
         INSERT INTO jibit.attempts
           SELECT account, number || 'x' || k, attempt,
             lpad(to_hex((k * {SPREAD}) & 4294967295), 8, '0') || substr(code, 9), state,
             order_id || 'x' || k, redirect_url, mobile_end, created_at, paid_at, seen_at, seen,
             asked_at, next_ask, ref_id, alarms, version
           FROM {copies}, attempts;
         INSERT INTO jibit.timeline (account, number, at, attempt, state, text)
           SELECT account, number || 'x' || k, at, attempt, state, text
           FROM {copies}, (TABLE timeline ORDER BY line) t;
         INSERT INTO jibit.outbox
           SELECT account, number || 'x' || k, attempt, amount, ref_id, paid_at, held_until,
             fulfilled_at
           FROM {copies}, outbox;
         INSERT INTO jibit.notices (account, number, attempt, kind, at)
           SELECT account, number, attempt, 'paid', paid_at FROM jibit.outbox;
         COMMIT;"
    )
}

/// Has codes lie far from each other, as those of shops do: 2^32 by the golden ratio.
const SPREAD: u64 = 2_654_435_761;

/// The number and the code of one of the orders in a store, by its place.
fn copied(place: usize) -> Outcome<(OrderNumber, Code)> {
    let (pattern, copy) = (place % PATTERN, place / PATTERN);
    let number = match copy {
        0 => format!("order-{pattern}"),
        copy => format!("order-{pattern}x{copy}"),
    };
    let spread = (copy as u64).wrapping_mul(SPREAD) & u64::from(u32::MAX);
    let code = Code::new(u128::from(spread) << 96 | pattern as u128);
    Ok((number.parse().map_err(said)?, code))
}

/// What is measured: a payment's eight calls that write, and those that look.
const CALLS: [&str; 10] = [
    "a payment",
    "order",
    "by_code",
    "timeline",
    "claim",
    "take_fulfilments",
    "take_notices",
    "orders",
    "backlog",
    "accounts",
];

/// Takes all sizes in turn, round by round.
async fn figures(store: &str, stores: &[impl Notices]) -> Outcome<Vec<Figure>> {
    // What each call took in each round, by how many orders there are.
    let mut rounds = vec![[const { Vec::new() }; CALLS.len()]; stores.len()];
    for round in 0..ROUNDS {
        for ((store, size), calls) in stores.iter().zip(SIZES).zip(&mut rounds) {
            let first = NEW + round * PAYMENTS;
            let begun = Instant::now();
            fulfilled(store, first, PAYMENTS).await?;
            let mut took = vec![begun.elapsed()];
            took.extend(look(store, size).await?);
            for (call, took) in calls.iter_mut().zip(took) {
                call.push(took.as_secs_f64() * 1e6 / PAYMENTS as f64);
            }
        }
    }
    let figure = |(place, call)| {
        let costs = rounds.iter().filter_map(|calls| calls.get(place));
        // What disturbs a round only adds to it.
        let costs: Vec<f64> = costs
            .map(|all: &Vec<f64>| all.iter().copied().fold(f64::INFINITY, f64::min))
            .collect();
        let (least, most) = (costs.first(), costs.last());
        let ratio = most
            .zip(least)
            .map_or(f64::NAN, |(most, least)| most / least);
        let table = SIZES.iter().zip(&costs);
        let table = table.map(|(size, cost)| format!("{size}: {cost:.0}"));
        Figure {
            name: name(store, call),
            measured: format!(
                "{ratio:.2} (µs by orders: {})",
                table.collect::<Vec<_>>().join(", ")
            ),
            bound: bound(call),
            held: ratio <= most_of(call),
            details: serde_json::json!({ "orders": SIZES, "microseconds": costs }),
        }
    };
    Ok(CALLS.into_iter().enumerate().map(figure).collect())
}

fn name(store: &str, call: &str) -> String {
    format!("{store}, {call} among a million orders")
}

fn most_of(call: &str) -> f64 {
    if call == CALLS[0] { PAYMENT } else { LOOK }
}

fn bound(call: &str) -> String {
    format!("{} of among {}", most_of(call), SIZES[0])
}

/// Opens an order of another account's, which nobody has to find among these.
async fn neighbour(store: &dyn Store) -> Outcome<()> {
    let order = NewOrder {
        account: AccountKey::new("another", "http://127.0.0.1:1"),
        number: "order".parse().map_err(said)?,
        amount: Rial::new(1_000).map_err(said)?,
        terms: None,
        created_at: settle::BEGIN,
    };
    store.open(&order).await.map_err(said).map(drop)
}

/// Has orders paid and fulfilled, one after the other.
async fn fulfilled(store: &dyn Store, first: usize, orders: usize) -> Outcome<()> {
    let account = settle::account();
    let ready = settle::ready(store, first, orders, 1).await?;
    let numbers: Vec<_> = ready.iter().map(|order| order.number.clone()).collect();
    settle::settle(store, ready, 1).await?;
    for number in numbers {
        let marked = store.fulfilled(&account, &number, settle::BEGIN).await;
        if !marked.map_err(said)? {
            return Err(format!("{number} is not in the outbox"));
        }
    }
    Ok(())
}

/// Asks what a shop and a reconciler ask: for orders anywhere among all that are
/// there, for what is due, for a page of the latest, and for what waits. Gives back
/// what each call took altogether.
async fn look(store: &impl Notices, size: usize) -> Outcome<Vec<Duration>> {
    let (account, now, all) = (settle::account(), settle::BEGIN, Filter::default());
    let places = (0..PAYMENTS).map(|step| copied(step * 7919 % size));
    let some = places.collect::<Outcome<Vec<_>>>()?;
    Ok(vec![
        timed(&some, async |(number, _)| {
            Ok(store.order(&account, number).await?.is_some())
        })
        .await?,
        timed(&some, async |(number, code)| {
            let found = store.by_code(&account, *code).await?;
            Ok(found.is_some_and(|(found, _)| found == *number))
        })
        .await?,
        timed(&some, async |(number, _)| {
            Ok(!store.timeline(&account, number).await?.is_empty())
        })
        .await?,
        timed(&some, async |_| {
            Ok(store.claim(&account, now, now, 10).await?.is_empty())
        })
        .await?,
        timed(&some, async |_| {
            let paid = store.take_fulfilments(&account, now, now, 10).await?;
            Ok(paid.is_empty())
        })
        .await?,
        timed(&some, async |_| {
            let taken = store.take_notices(&account, now, now, 10).await?;
            Ok(taken.len() == 10)
        })
        .await?,
        timed(&some, async |_| {
            Ok(store.orders(&account, &all, 10).await?.len() == 10)
        })
        .await?,
        timed(&some, async |_| {
            Ok(store.backlog(&account, now).await?.due == 0)
        })
        .await?,
        timed(&some, async |_| Ok(store.accounts().await?.len() == 2)).await?,
    ])
}

/// Makes a call for each of some orders, which tells whether it found what is there.
async fn timed(
    some: &[(OrderNumber, Code)],
    call: impl AsyncFn(&(OrderNumber, Code)) -> Result<bool, StoreError>,
) -> Outcome<Duration> {
    let begun = Instant::now();
    for order in some {
        if !call(order).await.map_err(said)? {
            return Err(format!("{} is not as it was made", order.0));
        }
    }
    Ok(begun.elapsed())
}
