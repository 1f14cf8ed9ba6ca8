//! The one connection, used on tokio's blocking pool.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::Failure;
use super::schema;
use crate::error::{Error, ErrorKind, Result};

/// A connection that clones share. Work on it that was begun is done, also if
/// nobody waits for it any more.
#[derive(Debug, Clone)]
pub(super) struct Database {
    connection: Arc<Mutex<Connection>>,
    path: Arc<PathBuf>,
}

impl Database {
    pub(super) async fn open(state_folder: &Path) -> Result<Self> {
        let folder = state_folder.to_owned();
        let (connection, path) = blocking(move || schema::open(&folder)).await?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            path: Arc::new(path),
        })
    }

    /// Reads what is there at one moment.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.within(TransactionBehavior::Deferred, work).await
    }

    /// Writes all or nothing. On disk when this returns. Waits for other
    /// processes before `work` reads anything, so what it reads holds.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.within(TransactionBehavior::Immediate, work).await
    }

    async fn within<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        blocking(move || {
            // A transaction that panicked was rolled back when it was dropped.
            let mut connection = this
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let transact = || -> Result<T, Failure> {
                let transaction = connection.transaction_with_behavior(behavior)?;
                let value = work(&transaction)?;
                transaction.commit()?;
                Ok(value)
            };
            transact().map_err(|failure| failure.at(&this.path))
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Internal, "work on the ledger broke off").because(error)
    })?
}
