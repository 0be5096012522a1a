//! The tables, and how they come about.
//!
//! A version has a migration, which is never changed once it was released, and the
//! oldest version of a program that may go on with the tables after it. Columns
//! and tables are only added while older programs run, so that number stays; a
//! migration that would break them raises it.

use std::time::Duration;

use deadpool_postgres::{Client, GenericClient};
use tokio_postgres::IsolationLevel;

use super::error::Problem;

struct Migration {
    version: i32,
    oldest_reader: i32,
    sql: &'static str,
}

/// Every migration, the oldest first.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        oldest_reader: 1,
        sql: include_str!("../../migrations/postgres/0001.sql"),
    },
    Migration {
        version: 2,
        oldest_reader: 1,
        sql: include_str!("../../migrations/postgres/0002.sql"),
    },
];

/// The version that this program knows.
const KNOWN: i32 = 2;

/// Whoever holds it makes the tables: `jibit` in ASCII.
const LOCK: i64 = 0x6a_69_62_69_74;

/// How long a start waits for others that make the tables.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Sees to it that the tables are there and as this program knows them.
pub(super) async fn prepare(client: &mut Client) -> Result<(), Problem> {
    check_encoding(client).await?;
    // Once they are there, a user without the right to make tables will do.
    if check(stored(client).await?)? == KNOWN {
        return Ok(());
    }
    tokio::time::timeout(PATIENCE, migrate(client))
        .await
        .unwrap_or_else(|_| Err(Problem::too_late()))
}

async fn migrate(client: &mut Client) -> Result<(), Problem> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?;
    let patience = PATIENCE.as_millis();
    transaction
        .batch_execute(&format!(
            "SET LOCAL statement_timeout = {patience}; SELECT pg_advisory_xact_lock({LOCK});"
        ))
        .await?;
    // Somebody else may have made them before the lock was ours.
    let version = check(stored(&transaction).await?)?;
    if !is_there(&transaction, SCHEMA_IS_THERE).await? {
        transaction.batch_execute("CREATE SCHEMA jibit").await?;
    }
    for migration in MIGRATIONS.iter().filter(|it| it.version > version) {
        transaction.batch_execute(migration.sql).await?;
        let line = "INSERT INTO jibit.schema_version (version, oldest_reader) VALUES ($1, $2)";
        let values = (migration.version, migration.oldest_reader);
        transaction.execute(line, &[&values.0, &values.1]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

// These read the catalog's tables. What `to_regclass` says may be older: a session
// remembers names that it did not find, also while it waits for the lock.
const SCHEMA_IS_THERE: &str =
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'jibit')";
const TABLE_IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables \
     WHERE schemaname = 'jibit' AND tablename = 'schema_version')";

async fn is_there(client: &impl GenericClient, question: &str) -> Result<bool, Problem> {
    Ok(client.query_one(question, &[]).await?.try_get(0)?)
}

/// The version of the tables and the oldest that reads them; 0 if there are none.
async fn stored(client: &impl GenericClient) -> Result<(i32, i32), Problem> {
    if !is_there(client, TABLE_IS_THERE).await? {
        return Ok((0, 0));
    }
    let stored = "SELECT coalesce(max(version), 0), coalesce(max(oldest_reader), 0) \
                  FROM jibit.schema_version";
    let row = client.query_one(stored, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// How far the tables are, as far as this program is concerned.
fn check((version, oldest_reader): (i32, i32)) -> Result<i32, Problem> {
    if oldest_reader > KNOWN {
        return Err(Problem::new(format!(
            "the tables are of version {version}, and who reads them has to know version \
             {oldest_reader}; this program knows version {KNOWN}: update it"
        )));
    }
    Ok(version.min(KNOWN))
}

async fn check_encoding(client: &Client) -> Result<(), Problem> {
    let row = client.query_one("SHOW server_encoding", &[]).await?;
    let encoding: &str = row.try_get(0)?;
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Problem::new(format!(
        "the database's encoding is {encoding}, and what the gateway says is Persian: \
         make it anew with createdb -T template0 -E UTF8"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_migration_is_what_is_known() {
        let versions = MIGRATIONS.iter().map(|it| it.version);
        assert!(versions.eq(1..=KNOWN));
        assert!(MIGRATIONS.iter().all(|it| it.oldest_reader <= it.version));
    }

    #[test]
    fn newer_tables_are_used_as_long_as_they_may_be() {
        assert_eq!(check((0, 0)).unwrap(), 0);
        assert_eq!(check((KNOWN, 1)).unwrap(), KNOWN);
        assert_eq!(check((KNOWN + 7, KNOWN)).unwrap(), KNOWN);
        let refused = check((KNOWN + 7, KNOWN + 2)).unwrap_err().to_string();
        assert!(refused.contains("of version 9") && refused.contains("know version 4"));
    }
}
