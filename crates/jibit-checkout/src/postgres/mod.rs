mod error;
mod pool;
mod rows;
mod schema;
mod sql;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use jibit_proto::{RefId, Timestamp};
use tokio_postgres::Row;

use self::{
    error::Problem,
    pool::Connections,
    rows::{AttemptColumns, millis, text, whole},
};
use crate::{
    order::{AccountKey, Attempt, Code, Order, OrderNumber, State},
    rules::{Change, schedule},
    store::{Applied, Backlog, Entry, Filter, Fulfilment, NewOrder, Store, StoreError},
};

/// A store in Postgres, 13 or later, for a shop on one host or on many. Clones are
/// the same store; it needs tokio.
///
/// ```no_run
/// # async fn run() -> Result<(), jibit_checkout::StoreError> {
/// use jibit_checkout::PostgresStore;
///
/// let store = PostgresStore::connect("postgres://shop:secret@db.example/shop").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Tables
///
/// They are in a schema of their own, `jibit`, and the first program that connects
/// makes them; any number may start at once. Its user needs `CREATE` on the
/// database, or a schema `jibit` that is its own; later ones only need to read and
/// write the tables.
///
/// A newer version may add to the tables while programs of this one run: they write
/// what they know, and the rest has its defaults. If it changes what they rely on,
/// they are refused when they connect, by an error that names the versions. So
/// update every host before such a version is started, or stop them.
///
/// # Time-outs and failures
///
/// Every operation ends: after five seconds without a connection and ten in a
/// statement, unless the [builder](Self::builder) was told otherwise. A connection
/// that broke is replaced by the next operation, so a store goes on by itself when
/// its server is back. Statements are committed with `synchronous_commit` on, also
/// where the database's default is off.
///
/// It prepares statements, so a pooler such as `PgBouncer` has to run in session
/// mode, or in transaction mode with `max_prepared_statements` and without a
/// `statement_timeout` of its own.
///
/// # Fulfilment in your own transaction
///
/// [`Checkout::fulfilments`](crate::Checkout::fulfilments) hands orders out at least
/// once. A shop whose tables are in the same database can have exactly once: it
/// calls one of these in a transaction of its own, by any client, and the mark is
/// committed with what the shop writes, or neither is.
///
/// ```sql
/// BEGIN;
/// -- Takes up to 10 paid orders, and marks them as fulfilled:
/// SELECT number, attempt, amount, ref_id, paid_at FROM jibit.take_paid($account, 10);
/// -- or marks one, and says whether it was to be fulfilled still:
/// SELECT jibit.fulfil($account, 'order-17');
/// INSERT INTO shipments ...;
/// COMMIT;
/// ```
///
/// `$account` is the text of [`Checkout::account`](crate::Checkout::account). Orders
/// that somebody took with `fulfilments` are left out of `take_paid` until their lease
/// is over, and rows that another open transaction took are skipped.
#[derive(Clone)]
pub struct PostgresStore(Arc<Connections>);

/// How to connect to Postgres.
///
/// TLS needs the feature `postgres-tls`. Without it, reach the server by a socket
/// (`postgres:///shop?host=/run/postgresql`), a network of its own, or a proxy on
/// this host that speaks TLS.
#[derive(Clone)]
pub struct PostgresBuilder {
    url: String,
    connections: usize,
    connect_timeout: Duration,
    statement_timeout: Duration,
}

impl PostgresStore {
    /// Connects to the database of this URL, and makes the tables if they are not
    /// there.
    ///
    /// The URL is libpq's, `postgres://user:password@host:port/database`. If it has
    /// several hosts, the one that can be written to is taken.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached or used; the source says why and what to
    /// do. It never has the URL's password.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Settings, with their usual values.
    #[must_use]
    pub fn builder(url: &str) -> PostgresBuilder {
        PostgresBuilder {
            url: url.to_owned(),
            connections: 10,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
        }
    }
}

impl PostgresBuilder {
    /// How many connections there are at most: 10. The server's cores times two or
    /// three, over all hosts, is enough.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// How long connecting may take: 5 seconds.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a statement may take, and how long one may wait for a connection
    /// that is free: 10 seconds.
    #[must_use]
    pub const fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, StoreError> {
        let connections = Connections::new(&self)?;
        let mut client = connections.client().await?;
        schema::prepare(&mut client).await?;
        drop(client);
        Ok(PostgresStore(Arc::new(connections)))
    }
}

impl PostgresStore {
    async fn changed(&self, change: &Change) -> Result<Applied, Problem> {
        let (account, order) = (change.account.as_str(), change.order.as_str());
        let to = AttemptColumns::of(&change.to);
        let (from, at) = (whole(change.from), millis(change.at));
        let note = change.note.as_deref().map(text);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 20] = [
            &account,
            &order,
            &to.number,
            &to.version,
            &from,
            &change.to.slot,
            &change.takes_slot,
            &change.fulfils,
            &to.state,
            &to.order_id,
            &change.to.redirect_url,
            &to.paid_at,
            &to.seen_at,
            &to.seen,
            &to.asked_at,
            &to.next_ask,
            &to.ref_id,
            &to.alarms,
            &at,
            &note,
        ];
        let apply = (sql::APPLY, &values[..]);
        let (changed, ref_id_twice) = match change.to.ref_id.as_ref().map(RefId::as_str) {
            None => (self.0.query(apply).await?, false),
            Some(ref_id) => {
                let twice = (sql::REF_ID_TWICE, &[&account, &order, &ref_id] as &[_]);
                let (changed, twice) = self.0.query_both(apply, twice).await?;
                (changed, twice.first().map(rows::flag).transpose()?)
                    .map_second(|twice| twice.unwrap_or(false))
            }
        };
        Ok(if changed.is_empty() {
            Applied::Stale
        } else {
            Applied::Done { ref_id_twice }
        })
    }
}
