//! What goes wrong, each in one line that says what to do.

use std::{error::Error, fmt, io};

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

use crate::{StoreError, columns::Unknown};

/// Why the database did not do it. Never the URL, for it has the password.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    line: String,
    /// The unique key that it would have broken, by its name.
    pub(super) duplicate: Option<String>,
    /// It was certainly not made: another transaction was in the way.
    pub(super) contended: bool,
    /// Whether the connection may be good for the next statement.
    pub(super) connection_is_good: bool,
}

impl Problem {
    pub(super) fn new(line: impl Into<String>) -> Self {
        Self {
            line: line.into(),
            duplicate: None,
            contended: false,
            connection_is_good: false,
        }
    }

    pub(super) fn unread(error: &tokio_postgres::Error) -> Self {
        Self::new(format!("a column is not as this version made it: {error}"))
    }

    pub(super) fn too_late() -> Self {
        Self::new("Postgres did not answer in time; what was asked of it may be done all the same")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl Error for Problem {}

impl From<Problem> for StoreError {
    fn from(problem: Problem) -> Self {
        Self::new(problem)
    }
}

impl From<Unknown> for Problem {
    fn from(unknown: Unknown) -> Self {
        Self::new(unknown.into_line())
    }
}

impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else {
            return Self::new(connection_line(&error));
        };
        let code = told.code();
        let class = code.code().get(..2);
        Self {
            line: server_line(code, told.message()),
            duplicate: (*code == SqlState::UNIQUE_VIOLATION)
                .then(|| told.constraint().unwrap_or_default().to_owned()),
            contended: *code == SqlState::T_R_SERIALIZATION_FAILURE
                || *code == SqlState::T_R_DEADLOCK_DETECTED,
            // After the others a new connection may find another server, or a
            // session that has what this one lost.
            connection_is_good: matches!(class, Some("22" | "23" | "40")),
        }
    }
}

/// What the server says, and what to do.
fn server_line(code: &SqlState, message: &str) -> String {
    let remedy = match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "look at the user and the password in the URL, and at the server's pg_hba.conf"
        }
        SqlState::INVALID_CATALOG_NAME => "make the database with createdb, or mend the URL",
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            "the server is read-only, as a standby is: give the primary's URL"
        }
        SqlState::DISK_FULL => "the server's disk is full: make room on it",
        SqlState::TOO_MANY_CONNECTIONS => "make the pools smaller, or raise max_connections",
        SqlState::QUERY_CANCELED => {
            "a statement took too long: look at the server's load and locks, or raise \
             statement_timeout"
        }
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            "the server stops or starts: it is asked again with the next operation"
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "grant the user what it needs in the schema jibit, and CREATE on the database \
             for the first start"
        }
        SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME => {
            "the schema jibit is gone or not whole: restore it, or drop it to begin anew"
        }
        _ => return format!("Postgres says: {message} ({})", code.code()),
    };
    format!("Postgres says: {message} ({}); {remedy}", code.code())
}

/// What is wrong with a connection.
fn connection_line(error: &tokio_postgres::Error) -> String {
    let source = error.source();
    let io = source.and_then(|source| source.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
            "nobody listens where the URL leads: is Postgres running there?".to_owned()
        }
        Some(_) if error.is_closed() => "the connection to Postgres broke".to_owned(),
        Some(io::ErrorKind::TimedOut) => "Postgres did not answer in time".to_owned(),
        _ if error.is_closed() => "the connection to Postgres was closed".to_owned(),
        _ => match source {
            Some(source) => format!("the connection to Postgres does not work: {source}"),
            None => format!("the connection to Postgres does not work: {error}"),
        },
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                error.into()
            }
            PoolError::Timeout(TimeoutType::Wait) => Self::new(
                "every connection to Postgres was busy for too long: make the pool larger, \
                 or look at what the server is waiting for",
            ),
            PoolError::Timeout(_) => {
                Self::new("Postgres did not answer in time when it was connected to")
            }
            PoolError::NoRuntimeSpecified => Self::new("there is no tokio runtime here"),
            error => Self::new(format!("the pool of connections does not work: {error}")),
        }
    }
}
