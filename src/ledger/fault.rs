//! What the database says, as errors for people.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind, Place};

/// For a folder that is of no use.
pub(super) const OTHER_FOLDER: &str = "name another folder with --state-dir or MKTOLOAD_STATE_DIR";

/// Why a call on the database failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database itself.
    Sql(rusqlite::Error),
    /// What is in it, said already.
    Said(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl Failure {
    /// The error for the ledger at `path`.
    pub(super) fn at(self, path: &Path) -> Error {
        let error = match self {
            Self::Sql(error) => of_database(&error),
            Self::Said(error) => error,
        };
        error.at(Place {
            source: Some(path.display().to_string()),
            ..Place::default()
        })
    }
}

fn of_database(error: &rusqlite::Error) -> Error {
    use ErrorCode as Code;
    let (kind, message, hint) = match error.sqlite_error_code() {
        Some(Code::DiskFull) => (
            ErrorKind::Internal,
            "the disk is full: the ledger cannot be written",
            "make room, then go on with `mktoload resume`",
        ),
        Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => (
            ErrorKind::Usage,
            "the ledger cannot be opened for writing",
            OTHER_FOLDER,
        ),
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => (
            ErrorKind::Internal,
            "another process has held the ledger for too long",
            "does a program look into it, or is a backup made of it?",
        ),
        None if *error == rusqlite::Error::QueryReturnedNoRows => (
            ErrorKind::Internal,
            "the run is no longer in the ledger",
            "was it deleted by another process?",
        ),
        // Without a code: a value that is never written here.
        Some(Code::NotADatabase | Code::DatabaseCorrupt) | None => (
            ErrorKind::Internal,
            "the ledger is damaged",
            "put back a copy of it, or move it away: its runs can then no longer be resumed",
        ),
        Some(_) => (
            ErrorKind::Internal,
            "the ledger cannot be read or written",
            "is the disk in order, or was the file changed by something else?",
        ),
    };
    // As text: SQLite's errors say everything twice, once by number.
    Error::new(kind, message)
        .because(error.to_string())
        .hint(hint)
}
