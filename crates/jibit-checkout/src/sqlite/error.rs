//! What goes wrong, each in one line that says what to do.

use std::{error::Error, fmt};

use rusqlite::ErrorCode;

use crate::{StoreError, columns::Unknown};

/// Why the file did not do it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    line: String,
    /// The columns whose uniqueness it would have broken, as SQLite names them.
    pub(super) duplicate: Option<String>,
    /// Somebody else was just doing the same.
    pub(super) is_busy: bool,
}

impl Problem {
    pub(super) fn new(line: impl Into<String>) -> Self {
        Self {
            line: line.into(),
            duplicate: None,
            is_busy: false,
        }
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

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, message) = &error else {
            return Self::new(format!("a column is not as this version made it: {error}"));
        };
        let says = message.as_deref().unwrap_or("it failed");
        let unique = "UNIQUE constraint failed: ";
        Self {
            line: match remedy(failure.code) {
                Some(remedy) => format!("SQLite says: {says}; {remedy}"),
                None => format!("SQLite says: {says} ({})", failure.extended_code),
            },
            duplicate: says.strip_prefix(unique).map(str::to_owned),
            is_busy: failure.code == ErrorCode::DatabaseBusy,
        }
    }
}

/// What to do about it.
const fn remedy(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::DiskFull => "make room on the disk; it goes on by itself",
        ErrorCode::ReadOnly => {
            "see that this program's user may write the file and its folder, and that the disk \
             is not mounted read-only"
        }
        ErrorCode::CannotOpen => {
            "see that the folder is there, and that this program's user may write it and the file"
        }
        ErrorCode::PermissionDenied => "see that this program's user may read and write the file",
        ErrorCode::NotADatabase => "the file is not SQLite's: give another path",
        ErrorCode::DatabaseCorrupt => {
            "stop every program that uses the file, keep a copy, and restore a backup or run \
             sqlite3's .recover"
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another program has held the file for too long: end its transaction"
        }
        ErrorCode::SystemIoFailure => {
            "the disk does not work as it should: look at the system's log; what was asked of it \
             may be done all the same"
        }
        _ => return None,
    })
}
