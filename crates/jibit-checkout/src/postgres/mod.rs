mod changes;
mod error;
mod notices;
mod pool;
mod schema;
mod sql;
#[cfg(feature = "postgres-tls")]
mod tls;
#[cfg(feature = "tokens")]
mod tokens;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use jibit_proto::Timestamp;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use self::{
    changes::Changes,
    error::Problem,
    pool::{Connections, Statement},
};
use crate::{
    columns::{self, AttemptColumns, Columns, millis, text, whole},
    order::{AccountKey, Alarm, Attempt, Code, Order, OrderNumber, State},
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
/// Every operation ends: a connection may take five seconds to make and ten to come
/// free, and a statement ten, unless the [builder](Self::builder) was told otherwise. A connection
/// that broke is replaced by the next operation, so a store goes on by itself when
/// its server is back. Statements are committed with `synchronous_commit` on, also
/// where the database's default is off.
///
/// A connection has settings and prepared statements of its own, so a pooler such as
/// `PgBouncer` has to run in session mode.
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
pub struct PostgresStore {
    connections: Arc<Connections>,
    changes: Arc<Changes>,
}

/// How to connect to Postgres.
///
/// `sslmode=require` in the URL asks for TLS, and needs the feature `postgres-tls`.
/// The server's certificate is then checked as libpq's `verify-full` does it, against
/// the platform's authorities or those of [`trusting`](Self::trusting); there is no
/// TLS without that. Any other URL is spoken to in the clear: that is for a socket
/// (`postgres:///shop?host=/run/postgresql`) or a network of its own.
#[derive(Clone)]
pub struct PostgresBuilder {
    url: String,
    connections: usize,
    connect_timeout: Duration,
    statement_timeout: Duration,
    #[cfg(feature = "postgres-tls")]
    authorities: Option<String>,
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
            #[cfg(feature = "postgres-tls")]
            authorities: None,
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

    /// Asks for TLS, whatever the URL says, and trusts the authorities in this PEM
    /// text alone: those of a database that has its own.
    #[cfg(feature = "postgres-tls")]
    #[must_use]
    pub fn trusting(mut self, authorities: impl Into<String>) -> Self {
        self.authorities = Some(authorities.into());
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
        let connections = Arc::new(connections);
        Ok(PostgresStore {
            changes: Changes::new(Arc::clone(&connections)),
            connections,
        })
    }
}

impl PostgresStore {
    /// The order as it is after `statement`, which may change it.
    async fn order_after(
        &self,
        statement: Statement<'_>,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, Problem> {
        let which: [&(dyn ToSql + Sync); 2] = [&account.as_str(), &number.as_str()];
        let order = (sql::ORDER, &which[..]);
        let (_, order) = self.connections.query_both(statement, order).await?;
        Ok(orders(account, &order)?.pop())
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError> {
        let (account, number) = (order.account.as_str(), order.number.as_str());
        let (amount, at) = (whole(order.amount.get()), millis(order.created_at));
        let terms = order.terms.as_deref().map(text);
        let open: [&(dyn ToSql + Sync); 6] =
            [&account, &number, &amount, &at, &Entry::OPENED, &terms];
        let open = (sql::OPEN, &open[..]);
        let opened = self.order_after(open, &order.account, &order.number);
        if let Some(order) = opened.await? {
            return Ok(order);
        }
        // The first order of its account.
        self.connections.query((sql::ACCOUNT, &[&account])).await?;
        let opened = self.order_after(open, &order.account, &order.number);
        let gone = || Problem::new("an order that was just written is gone");
        Ok(opened.await?.ok_or_else(gone)?)
    }

    async fn order(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        let values: [&(dyn ToSql + Sync); 2] = [&account.as_str(), &number.as_str()];
        let order = self.connections.query((sql::ORDER, &values)).await?;
        Ok(orders(account, &order)?.pop())
    }

    async fn by_code(
        &self,
        account: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError> {
        let values: [&(dyn ToSql + Sync); 2] = [&account.as_str(), &code.to_string()];
        let found = self.connections.query((sql::BY_CODE, &values)).await?;
        Ok(found.first().map(columns::which).transpose()?)
    }

    async fn begin(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        let it = AttemptColumns::of(attempt);
        let line = Entry::begun(attempt).text;
        let values: [&(dyn ToSql + Sync); 18] = [
            &account.as_str(),
            &number.as_str(),
            &attempt_number(attempt.number),
            &attempt.code.to_string(),
            &it.state,
            &it.order_id,
            &attempt.redirect_url,
            &text(&attempt.mobile_end),
            &millis(attempt.created_at),
            &it.paid_at,
            &it.seen_at,
            &it.seen,
            &it.asked_at,
            &it.next_ask,
            &it.ref_id,
            &it.alarms,
            &it.version,
            &line,
        ];
        Ok(!self
            .connections
            .query((sql::BEGIN, &values))
            .await?
            .is_empty())
    }

    async fn apply(&self, change: &Change) -> Result<Applied, StoreError> {
        match self.changes.make(change).await {
            Ok(applied) => Ok(applied),
            // Another transaction won, and nothing changed.
            Err(problem) if problem.contended => Ok(Applied::Stale),
            Err(problem) => match problem.duplicate.as_deref() {
                Some("attempts_order_id") => Ok(Applied::OrderIdTwice),
                Some("outbox_pkey") => Ok(Applied::Stale),
                _ => Err(problem.into()),
            },
        }
    }

    async fn withdraw(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        let values: [&(dyn ToSql + Sync); 4] = [
            &account.as_str(),
            &number.as_str(),
            &millis(at),
            &Entry::WITHDRAWN,
        ];
        let withdraw = (sql::WITHDRAW, &values[..]);
        Ok(self.order_after(withdraw, account, number).await?)
    }

    async fn claim(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError> {
        let window = whole(schedule::WINDOW.as_millis());
        let values: [&(dyn ToSql + Sync); 5] = [
            &account.as_str(),
            &millis(now),
            &millis(until),
            &whole(limit),
            &millis(now).saturating_sub(window),
        ];
        let due = self.connections.query((sql::CLAIM, &values)).await?;
        Ok(due.iter().map(columns::which).collect::<Result<_, _>>()?)
    }

    async fn take_fulfilments(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        let values: [&(dyn ToSql + Sync); 4] = [
            &account.as_str(),
            &millis(now),
            &millis(until),
            &whole(limit),
        ];
        let taken = self.connections.query((sql::TAKE, &values)).await?;
        Ok(taken
            .iter()
            .map(columns::fulfilment)
            .collect::<Result<_, _>>()?)
    }

    async fn fulfilled(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let values: [&(dyn ToSql + Sync); 4] = [
            &account.as_str(),
            &number.as_str(),
            &millis(at),
            &Entry::FULFILLED,
        ];
        Ok(!self
            .connections
            .query((sql::FULFILLED, &values))
            .await?
            .is_empty())
    }

    async fn orders(
        &self,
        account: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        let (before, number) = match &filter.before {
            Some((at, number)) => (millis(*at), number.as_str()),
            None => (i64::MAX, ""),
        };
        let values: [&(dyn ToSql + Sync); 6] = [
            &account.as_str(),
            &before,
            &number,
            &whole(limit),
            &filter.state.map(State::as_str),
            &filter.alarm.map(Alarm::as_str),
        ];
        let orders = self
            .connections
            .query((sql::orders(filter), &values))
            .await?;
        Ok(self::orders(account, &orders)?)
    }

    async fn timeline(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Vec<Entry>, StoreError> {
        let values: [&(dyn ToSql + Sync); 2] = [&account.as_str(), &number.as_str()];
        let lines = self.connections.query((sql::TIMELINE, &values)).await?;
        Ok(lines.iter().map(columns::entry).collect::<Result<_, _>>()?)
    }

    async fn backlog(&self, account: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError> {
        let late = whole(schedule::NEAR_DEADLINE.as_millis());
        let values: [&(dyn ToSql + Sync); 3] = [
            &account.as_str(),
            &millis(now),
            &millis(now).saturating_sub(late),
        ];
        let counts = self.connections.query((sql::BACKLOG, &values)).await?;
        Ok(columns::backlog(only(&counts)?)?)
    }

    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        let accounts = self.connections.query((sql::ACCOUNTS, &[])).await?;
        Ok(accounts
            .iter()
            .map(columns::account)
            .collect::<Result<_, _>>()?)
    }

    async fn schema_version(&self) -> Result<Option<u32>, StoreError> {
        let version = "SELECT max(version) FROM jibit.schema_version";
        let version = self.connections.query((version, &[])).await?;
        let version: Option<i32> = only(&version)?.try_get(0).map_err(Problem::from)?;
        Ok(version.and_then(|version| version.try_into().ok()))
    }
}

fn orders(account: &AccountKey, rows: &[Row]) -> Result<Vec<Order>, Problem> {
    let mut orders = Vec::new();
    for row in rows {
        columns::add_to(&mut orders, account, row)?;
    }
    Ok(orders)
}

fn only(rows: &[Row]) -> Result<&Row, Problem> {
    rows.first()
        .ok_or_else(|| Problem::new("the counts are not there"))
}

fn attempt_number(number: u32) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

impl Columns for Row {
    type Problem = Problem;

    fn text(&self, place: usize) -> Result<Option<&str>, Problem> {
        self.try_get(place).map_err(|error| Problem::unread(&error))
    }

    fn number(&self, place: usize) -> Result<Option<i64>, Problem> {
        let kind = self.columns().get(place).map(tokio_postgres::Column::type_);
        let number = match kind {
            Some(&Type::INT4) => {
                let number: Result<Option<i32>, _> = self.try_get(place);
                number.map(|it| it.map(i64::from))
            }
            Some(&Type::BOOL) => {
                let yes: Result<Option<bool>, _> = self.try_get(place);
                yes.map(|it| it.map(i64::from))
            }
            _ => self.try_get(place),
        };
        number.map_err(|error| Problem::unread(&error))
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL has a password.
        f.debug_struct("PostgresBuilder")
            .field("connections", &self.connections)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}
