//! The store in Postgres against one-row inserts into the same server.

use std::time::Instant;

use futures_util::future::try_join_all;
use jibit_checkout::PostgresStore;
use jibit_test_postgres::Server;
use tokio_postgres::NoTls;

use super::{ROUNDS, Round, ratio, settle};
use crate::{Outcome, figures::Figure, said};

/// With how many connections, and what has to hold.
const SIZES: [(usize, f64); 2] = [(16, 0.8), (64, 3.0)];

const FLOOR: &str = "a raw insert";

/// How many orders are settled in a round, and half as many rows are inserted.
const ORDERS: usize = 4_000;

pub(super) async fn measure() -> Outcome<Vec<Figure>> {
    let Some(server) = Server::start() else {
        let unmeasured = |(callers, least)| {
            let bound = format!("at least {least} of {FLOOR}");
            Figure::unmeasured(&name(callers), &bound, "apt-get install postgresql")
        };
        return Ok(SIZES.into_iter().map(unmeasured).collect());
    };
    let mut figures = Vec::new();
    for (callers, least) in SIZES {
        let url = server.database().await;
        let own = connect(&url).await?;
        let table = "CREATE TABLE raw (id bigint PRIMARY KEY, text text)";
        own.batch_execute(table).await.map_err(said)?;
        let store = PostgresStore::builder(&url).connections(callers);
        let store = store.connect().await.map_err(said)?;
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            let orders = settle::ready(&store, round * ORDERS, ORDERS, callers).await?;
            let floor = insert(&url, round, callers).await?;
            let ours = settle::settle(&store, orders, callers).await?;
            rounds.push(Round { floor, ours });
        }
        figures.push(ratio(name(callers), least, FLOOR, &rounds));
    }
    Ok(figures)
}

fn name(callers: usize) -> String {
    format!("Postgres, {callers} callers")
}

async fn connect(url: &str) -> Outcome<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(said)?;
    tokio::spawn(connection);
    Ok(client)
}

/// Inserts a row a commit, by a prepared statement, from as many connections as there
/// are callers. Gives back the rows a second.
async fn insert(url: &str, round: usize, callers: usize) -> Outcome<f64> {
    let rows = ORDERS * settle::TRANSITIONS;
    let mut clients = Vec::new();
    for _ in 0..callers {
        let client = connect(url).await?;
        let insert = "INSERT INTO raw VALUES ($1, 'a row of about fifty bytes, as many are')";
        let insert = client.prepare(insert).await.map_err(said)?;
        clients.push((client, insert));
    }
    let lanes = clients
        .iter()
        .enumerate()
        .map(|(caller, (client, insert))| async move {
            for row in (caller..rows).step_by(callers) {
                let id = (round * rows + row) as i64;
                client.execute(insert, &[&id]).await.map_err(said)?;
            }
            Outcome::Ok(())
        });
    let begun = Instant::now();
    try_join_all(lanes).await?;
    Ok(rows as f64 / begun.elapsed().as_secs_f64())
}
