//! The shop's own book of what it handed out, apart from the checkout's store.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, params};

use crate::{Outcome, said};

/// A file with a row for each order whose goods were handed out.
pub(crate) struct Goods(Connection);

/// A row of the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    /// The shop's order: the key by which the shop knows it again.
    pub(crate) number: String,
    /// How often goods left the shop for it.
    pub(crate) handed: u64,
    /// How often the outbox asked for that.
    pub(crate) asked: u64,
}

impl Goods {
    /// Opens the book, or begins it.
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let open = || -> rusqlite::Result<_> {
            let book = Connection::open(path)?;
            book.busy_timeout(Duration::from_secs(20))?;
            book.pragma_update(None, "journal_mode", "wal")?;
            book.execute_batch(
                "create table if not exists goods (
                     number text primary key,
                     handed integer not null,
                     asked integer not null
                 ) strict;",
            )?;
            Ok(Self(book))
        };
        open().map_err(|error| format!("the shop's book: {}", said(error)))
    }

    /// Hands out an order's goods, unless that was done: then the book only says that
    /// it was asked again. A shop that is careless hands them out each time.
    pub(crate) fn hand(&self, number: &str, careless: bool) -> Outcome<()> {
        let handed = self.0.execute(
            "insert into goods (number, handed, asked) values (?1, 1, 1)
             on conflict (number) do update set handed = handed + ?2, asked = asked + 1",
            params![number, i64::from(careless)],
        );
        handed.map(drop).map_err(said)
    }

    /// Every row, by number.
    pub(crate) fn all(&self) -> Outcome<Vec<Handed>> {
        let read = || -> rusqlite::Result<_> {
            let mut rows = (self.0).prepare("select number, handed, asked from goods")?;
            let rows = rows.query_map([], |row| {
                Ok(Handed {
                    number: row.get(0)?,
                    handed: row.get::<_, i64>(1)?.unsigned_abs(),
                    asked: row.get::<_, i64>(2)?.unsigned_abs(),
                })
            })?;
            rows.collect()
        };
        read().map_err(said)
    }
}
