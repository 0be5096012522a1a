mod error;
mod notices;
mod schema;
#[cfg(test)]
mod tests;
#[cfg(feature = "tokens")]
mod tokens;
mod transitions;
mod worker;

use std::{
    fmt,
    path::{self, Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use jibit_proto::Timestamp;
use rusqlite::{Connection, Params, Row, types::ValueRef};

use self::{error::Problem, worker::Worker};
use crate::{
    columns::{self, Columns, millis, whole},
    order::{AccountKey, Alarm, Attempt, Code, Order, OrderNumber, State},
    rules::{Change, schedule},
    store::{Applied, Backlog, Entry, Filter, Fulfilment, NewOrder, Store, StoreError},
};

/// A store in one file, for a shop on one machine. Clones are the same store; it
/// needs no runtime.
///
/// ```
/// # async fn run() -> Result<(), jibit_checkout::StoreError> {
/// use jibit_checkout::SqliteStore;
///
/// let store = SqliteStore::open("/var/lib/shop/orders.sqlite3").await?;
/// # Ok(())
/// # }
/// ```
///
/// # The file
///
/// It is made on first use, for its owner's eyes alone, and SQLite keeps two more
/// beside it, of the same name with `-wal` and `-shm`. It has to be on a local disk.
/// Several programs may use it at once, such as a shop and `jibit reconcile`; who
/// comes while another writes waits up to ten seconds.
///
/// Copy it with `VACUUM INTO` or sqlite3's `.backup`, never as a file while it is
/// used. A backup that is restored has forgotten payments: what became of
/// them is found when they are asked about, and a person decides.
///
/// A newer version may add to the tables while programs of this one run. If it changes
/// what they rely on, they are refused when they open it, by an error that names the
/// versions.
///
/// # How durable, how fast
///
/// Whatever is told to be done is on the disk (`synchronous = FULL`): one fsync for
/// everything that callers asked for while the last one was under way.
///
/// # Fulfilment in your own transaction
///
/// [`Checkout::fulfilments`](crate::Checkout::fulfilments) hands orders out at least
/// once. A shop whose tables are in the same file can have exactly once: the tables
/// of the store begin with `jibit_`, yours are made once the file is there.
///
/// ```sql
/// BEGIN IMMEDIATE;
/// -- Paid orders that nobody has fulfilled or holds:
/// SELECT number, attempt, amount, ref_id, paid_at FROM jibit_unfulfilled
///   WHERE account = :account ORDER BY paid_at LIMIT 10;
/// INSERT INTO shipments ...;
/// -- Marks one as fulfilled:
/// DELETE FROM jibit_unfulfilled WHERE account = :account AND number = 'order-17';
/// COMMIT;
/// ```
///
/// `:account` is the text of [`Checkout::account`](crate::Checkout::account).
#[derive(Clone)]
pub struct SqliteStore(Arc<Workers>);

struct Workers {
    writer: Worker,
    reader: Worker,
}

impl SqliteStore {
    /// Opens this file, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// If the file cannot be made, written or used; the source says why and what to do.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        // Everything in it would be gone with the process.
        if path == Path::new(":memory:") || path.as_os_str().is_empty() {
            return Err(Problem::new("give the path of a file").into());
        }
        // It stays the same file if the program changes its folder.
        let path = path::absolute(path).map_err(StoreError::new)?;
        let file = path.clone();
        let writer = Worker::writer(move || schema::writer(&file)).await?;
        let reader = Worker::reader(move || schema::reader(&path)).await?;
        Ok(Self(Arc::new(Workers { writer, reader })))
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, StoreError> {
        Ok(self.0.writer.run(work).await?)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, StoreError> {
        Ok(self.0.reader.run(work).await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn open(&self, order: &NewOrder) -> Result<Order, StoreError> {
        let order = order.clone();
        self.write(move |file| transitions::open(file, &order))
            .await
    }

    async fn order(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Option<Order>, StoreError> {
        let (account, number) = (account.clone(), number.clone());
        self.read(move |file| transitions::order(file, &account, &number))
            .await
    }

    async fn by_code(
        &self,
        account: &AccountKey,
        code: Code,
    ) -> Result<Option<(OrderNumber, u32)>, StoreError> {
        let account = account.clone();
        self.read(move |file| {
            let found = rows(
                file,
                "SELECT o.number, a.attempt FROM jibit_attempts a
                 JOIN jibit_orders o ON o.id = a.of_order
                 WHERE a.account = (SELECT id FROM jibit_accounts WHERE key = ?1) AND a.code = ?2",
                (account.as_str(), code.to_string()),
                |row| columns::which(row),
            )?;
            Ok(found.into_iter().next())
        })
        .await
    }

    async fn begin(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        attempt: &Attempt,
    ) -> Result<bool, StoreError> {
        let (account, number, attempt) = (account.clone(), number.clone(), attempt.clone());
        self.write(move |file| transitions::begin(file, &account, &number, &attempt))
            .await
    }

    async fn apply(&self, change: &Change) -> Result<Applied, StoreError> {
        let change = change.clone();
        self.write(move |file| transitions::apply(file, &change))
            .await
    }

    async fn withdraw(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<Option<Order>, StoreError> {
        let (account, number) = (account.clone(), number.clone());
        self.write(move |file| transitions::withdraw(file, &account, &number, at))
            .await
    }

    async fn claim(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(OrderNumber, u32)>, StoreError> {
        let account = account.clone();
        self.write(move |file| transitions::claim(file, &account, now, until, limit))
            .await
    }

    async fn take_fulfilments(
        &self,
        account: &AccountKey,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Fulfilment>, StoreError> {
        let account = account.clone();
        self.write(move |file| transitions::take(file, &account, now, until, limit))
            .await
    }

    async fn fulfilled(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (account, number) = (account.clone(), number.clone());
        self.write(move |file| transitions::fulfilled(file, &account, &number, at))
            .await
    }

    async fn orders(
        &self,
        account: &AccountKey,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Order>, StoreError> {
        let (account, filter) = (account.clone(), filter.clone());
        self.read(move |file| {
            let (before, number) = match &filter.before {
                Some((at, number)) => (millis(*at), number.as_str()),
                None => (i64::MAX, ""),
            };
            transitions::orders(
                file,
                &account,
                transitions::LISTED,
                (
                    account.as_str(),
                    before,
                    number,
                    whole(limit),
                    filter.state.map(State::as_str),
                    filter.alarm.map(Alarm::as_str),
                ),
            )
        })
        .await
    }

    async fn timeline(
        &self,
        account: &AccountKey,
        number: &OrderNumber,
    ) -> Result<Vec<Entry>, StoreError> {
        let (account, number) = (account.clone(), number.clone());
        self.read(move |file| {
            rows(
                file,
                "SELECT t.at, t.attempt, t.state, t.text FROM jibit_timeline t
                 WHERE t.of_order = (
                   SELECT id FROM jibit_orders WHERE number = ?2
                   AND account = (SELECT id FROM jibit_accounts WHERE key = ?1)
                 )
                 ORDER BY t.line",
                (account.as_str(), number.as_str()),
                |row| columns::entry(row),
            )
        })
        .await
    }

    async fn backlog(&self, account: &AccountKey, now: Timestamp) -> Result<Backlog, StoreError> {
        let account = account.clone();
        self.read(move |file| {
            let late = whole(schedule::NEAR_DEADLINE.as_millis());
            let counts = rows(
                file,
                transitions::BACKLOG,
                (
                    account.as_str(),
                    millis(now),
                    millis(now).saturating_sub(late),
                ),
                |row| columns::backlog(row),
            )?;
            let none = || Problem::new("the counts are not there");
            counts.into_iter().next().ok_or_else(none)
        })
        .await
    }

    async fn accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        self.read(|file| {
            rows(
                file,
                "SELECT key FROM jibit_accounts ORDER BY key",
                (),
                |row| columns::account(row),
            )
        })
        .await
    }

    async fn schema_version(&self) -> Result<Option<u32>, StoreError> {
        self.read(|file| {
            let version = "SELECT max(version) FROM jibit_schema_version";
            Ok(file.query_row(version, (), |row| row.get(0))?)
        })
        .await
    }
}

/// What `read` makes of each row of an answer.
fn rows<T>(
    file: &Connection,
    sql: &str,
    values: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let mut statement = file.prepare_cached(sql)?;
    let mut found = statement.query(values)?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

impl Columns for Row<'_> {
    type Problem = Problem;

    fn text(&self, place: usize) -> Result<Option<&str>, Problem> {
        Ok(self
            .get_ref(place)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?)
    }

    fn number(&self, place: usize) -> Result<Option<i64>, Problem> {
        match self.get_ref(place)? {
            ValueRef::Null => Ok(None),
            value => Ok(Some(value.as_i64().map_err(rusqlite::Error::from)?)),
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
