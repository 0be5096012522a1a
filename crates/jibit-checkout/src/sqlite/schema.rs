//! The file and its tables, and how they come about.
//!
//! A version has a migration, which is never changed once it was released, and the
//! oldest version of a program that may go on with the tables after it. Columns
//! and tables are only added while older programs run, so that number stays; a
//! migration that would break them raises it.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use super::error::Problem;

struct Migration {
    version: i64,
    oldest_reader: i64,
    sql: &'static str,
}

/// Every migration, the oldest first.
const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        oldest_reader: 1,
        sql: include_str!("../../migrations/sqlite/0001.sql"),
    },
    Migration {
        version: 2,
        oldest_reader: 1,
        sql: include_str!("../../migrations/sqlite/0002.sql"),
    },
];

/// The version that this program knows.
pub(super) const KNOWN: i64 = 2;

/// How long a program waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how many pages the log is written back into the file: 16 MiB. A page that many
/// commits changed meanwhile is written back once.
const LOG: u32 = 4_000;

/// The connection that writes. Makes the file and its tables if they are not there.
pub(super) fn writer(path: &Path) -> Result<(Connection, Place), Problem> {
    make(path).map_err(|error| no_file(path, &error))?;
    let place = Place::of(path).map_err(|error| no_file(path, &error))?;
    let connection = connect(path)?;
    if connection.is_readonly("main")? {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        return Err(no_file(path, &denied));
    }
    // What is told to be done is on the disk, also after the power was cut.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA foreign_keys = ON;",
    )?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG)?;
    switch_to_wal(&connection)?;
    place.check()?;
    migrate(&connection)?;
    Ok((connection, place))
}

/// Which file is at the path. SQLite would go on with one that was removed or
/// replaced, and all of it would be gone when the program ends.
pub(super) struct Place {
    path: PathBuf,
    /// Its device and inode; nothing where there are none.
    file: Option<(u64, u64)>,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: identity(path)?,
        })
    }

    /// That it is still the same.
    pub(super) fn check(&self) -> Result<(), Problem> {
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            return Ok(());
        }
        Err(Problem::new(format!(
            "{} is not the file any more that this program opened: put that one back, or \
             start the program anew",
            self.path.display()
        )))
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<(u64, u64)>> {
    use std::os::unix::fs::MetadataExt as _;
    let file = std::fs::metadata(path)?;
    Ok(Some((file.dev(), file.ino())))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> io::Result<Option<(u64, u64)>> {
    Ok(None)
}

/// The connection that reads, once the other is there.
pub(super) fn reader(path: &Path) -> Result<Connection, Problem> {
    let connection = connect(path)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes the file, if it is not there, for its owner's eyes alone: it holds the end
/// of customers' numbers and the codes of their callbacks.
fn make(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => {
            file.sync_all()?;
            // Its name is on the disk, too, before anything is told to be.
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            if cfg!(unix) {
                File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn no_file(path: &Path, error: &io::Error) -> Problem {
    let path = path.display();
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => "make its folder, or give another path",
        io::ErrorKind::StorageFull => "make room on the disk",
        _ => "see that this program's user may write it and its folder",
    };
    Problem::new(format!("{path} cannot be written: {error}; {remedy}"))
}

/// With a log of its own a file is read while it is written, and a commit is one
/// fsync.
fn switch_to_wal(connection: &Connection) -> Result<(), Problem> {
    let begun = Instant::now();
    loop {
        let switch = "PRAGMA journal_mode = WAL";
        let mode = connection.query_row(switch, [], |row| row.get::<_, String>(0));
        match mode.map_err(Problem::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(Problem::new(format!(
                    "the file's journal is {mode:?} and cannot become a WAL: \
                     put it on a local disk, not on one of the network's"
                )));
            }
            // For this, SQLite does not wait by itself.
            Err(problem) if problem.is_busy && begun.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(problem) => return Err(problem),
        }
    }
}

fn migrate(connection: &Connection) -> Result<(), Problem> {
    // Once they are there, nobody has to wait for a turn to write.
    if check(stored(connection)?)? == KNOWN {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = make_tables(connection);
    connection.execute_batch(if made.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    made
}

fn make_tables(connection: &Connection) -> Result<(), Problem> {
    // Somebody else may have made them before it was our turn.
    let version = check(stored(connection)?)?;
    for migration in MIGRATIONS.iter().filter(|it| it.version > version) {
        connection.execute_batch(migration.sql)?;
        connection.execute(
            "INSERT INTO jibit_schema_version (version, oldest_reader) VALUES (?1, ?2)",
            [migration.version, migration.oldest_reader],
        )?;
    }
    Ok(())
}

/// The version of the tables and the oldest that reads them; 0 if there are none.
fn stored(connection: &Connection) -> Result<(i64, i64), Problem> {
    let (ours, any): (bool, bool) = connection.query_row(
        "SELECT count(*) FILTER (WHERE name = 'jibit_schema_version'), count(*)
         FROM sqlite_schema WHERE type = 'table'",
        [],
        |row| Ok((row.get(0)?, row.get::<_, i64>(1)? > 0)),
    )?;
    if !ours && any {
        return Err(Problem::new(
            "the file has another program's tables and none of a checkout's: give another path",
        ));
    }
    if !ours {
        return Ok((0, 0));
    }
    let versions = "SELECT coalesce(max(version), 0), coalesce(max(oldest_reader), 0)
                    FROM jibit_schema_version";
    Ok(connection.query_row(versions, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// How far the tables are, as far as this program is concerned.
fn check((version, oldest_reader): (i64, i64)) -> Result<i64, Problem> {
    if oldest_reader > KNOWN {
        return Err(Problem::new(format!(
            "the tables are of version {version}, and who reads them has to know version \
             {oldest_reader}; this program knows version {KNOWN}: update it"
        )));
    }
    Ok(version.min(KNOWN))
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
}
