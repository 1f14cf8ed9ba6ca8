//! The tables, and how a database comes to have them.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::fault::{self, Failure};
use crate::error::{Error, ErrorKind, Result};

/// What leads from each version (`PRAGMA user_version`) to the next. What is
/// released here is never changed, only added to.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// How long a call waits for another process. A write takes milliseconds, on
/// a slow disk a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the ledger of a state folder is.
pub(super) fn path(state_folder: &Path) -> PathBuf {
    state_folder.join("ledger.sqlite")
}

/// Opens the ledger in `state_folder`, both made where they do not exist.
pub(super) fn open(state_folder: &Path) -> Result<(Connection, PathBuf)> {
    let path = path(state_folder);
    create(state_folder, &path).map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("the ledger `{}` cannot be made", path.display()),
        )
        .because(error)
        .hint(fault::OTHER_FOLDER)
    })?;
    let connection = connect(&path).map_err(|failure| failure.at(&path))?;
    Ok((connection, path))
}

/// Makes the file before SQLite does, for its owner only: the files that
/// SQLite puts beside it get the same permissions.
fn create(folder: &Path, path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let mut options = OpenOptions::new();
    // One that exists must not be opened here: closing it again would drop
    // the locks that SQLite holds on it in this process.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != IoKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    // No URI: a folder may be called `file:…`. No mutex: there is one around.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    if version(&connection)? > MIGRATIONS.len() {
        return Err(newer());
    }
    write_ahead(&connection)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    if version(&connection)? < MIGRATIONS.len() {
        migrate(&mut connection)?;
    }
    Ok(connection)
}

fn newer() -> Failure {
    Error::new(
        ErrorKind::Usage,
        "the ledger was written by a newer version of mktoload",
    )
    .hint("use that version, or name another folder with --state-dir")
    .into()
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Two processes that both turn a new database to WAL stand in each other's
/// way, and SQLite then says "busy" at once instead of waiting.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL;") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}

fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let from = version(&transaction)?;
    let Some(missing) = MIGRATIONS.get(from..) else {
        return Err(newer());
    };
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    Ok(transaction.commit()?)
}
