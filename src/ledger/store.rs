//! The ledger: all runs of a state folder.

use std::path::Path;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::database::Database;
use super::fault::Failure;
use super::records::{RunOverview, RunRecord, RunState, SourceRecord};
use super::run::RunLedger;
use super::schema;
use super::values::Time;
use crate::error::{Error, ErrorKind, Result};
use crate::units::RunId;

const LIST: &str = "`mktoload runs` lists the runs that are known";

/// What is known of all runs of a state folder. Clones share one connection;
/// any number of processes may have one.
///
/// A future of its methods that is dropped does not take back the write.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) database: Database,
}

impl Ledger {
    /// Opens `ledger.sqlite` in `state_folder`. Makes the folder (0700) and
    /// the file (0600) where they do not exist.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when they cannot be made or written, and when a
    /// newer version wrote the ledger; [`ErrorKind::Internal`] when the disk
    /// is full or the file is damaged.
    pub async fn open(state_folder: &Path) -> Result<Self> {
        let database = Database::open(state_folder).await?;
        Ok(Self { database })
    }

    /// Opens the ledger in `state_folder`; none where nothing was ever kept.
    /// Makes nothing.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_existing(state_folder: &Path) -> Result<Option<Self>> {
        if !schema::path(state_folder).exists() {
            return Ok(None);
        }
        Self::open(state_folder).await.map(Some)
    }

    /// Writes down a run that begins, before anything else is known of it.
    pub async fn begin_run(&self, run: RunRecord, sources: Vec<SourceRecord>) -> Result<RunLedger> {
        let name = run.run.clone();
        self.database
            .write(move |transaction| begin(transaction, &run, &sources))
            .await?;
        Ok(RunLedger::new(self.database.clone(), name))
    }

    /// A run that was begun before.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when it is not known.
    pub async fn run(&self, run: &RunId) -> Result<RunLedger> {
        let name = run.clone();
        self.database
            .read(move |transaction| {
                let known = transaction
                    .query_row("SELECT 1 FROM runs WHERE run = ?", [&name], |_| Ok(()))
                    .optional()?;
                known.ok_or_else(|| unknown(name.as_str()))
            })
            .await?;
        Ok(RunLedger::new(self.database.clone(), run.clone()))
    }

    /// The run that a person means: by its whole name, or by a beginning or an
    /// end that only one run has. Without a text, the newest run that is not
    /// finished.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when there is none, or more than one.
    pub async fn find(&self, text: Option<&str>) -> Result<RunId> {
        let text = text.map(str::to_owned);
        self.database
            .read(move |transaction| match text {
                Some(text) => by_text(transaction, &text),
                None => newest(transaction, "WHERE state <> 'finished'")?.ok_or_else(|| {
                    Error::new(ErrorKind::Usage, "there is no unfinished run")
                        .hint(LIST)
                        .into()
                }),
            })
            .await
    }

    /// The run that began last.
    pub async fn newest(&self) -> Result<Option<RunId>> {
        self.database
            .read(|transaction| Ok(newest(transaction, "")?))
            .await
    }

    /// All runs, newest first. One that says [`RunState::Running`] may be of
    /// a process that died: see there.
    pub async fn runs(&self) -> Result<Vec<RunOverview>> {
        self.database
            .read(|transaction| {
                let mut query =
                    transaction.prepare("SELECT * FROM runs ORDER BY started DESC, run DESC")?;
                let runs = query.query_map([], overview)?;
                Ok(runs.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// Deletes all that is known of a run. One that is not known is no error.
    pub async fn forget(&self, run: &RunId) -> Result<()> {
        let name = run.clone();
        self.database
            .write(move |transaction| {
                transaction.execute("DELETE FROM runs WHERE run = ?", [&name])?;
                Ok(())
            })
            .await
    }
}

fn begin(
    transaction: &Transaction<'_>,
    run: &RunRecord,
    sources: &[SourceRecord],
) -> Result<(), Failure> {
    transaction.execute(
        "INSERT INTO runs (run, tool_version, started, arguments, target, endpoint, state)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            run.run,
            run.tool_version,
            Time(run.started),
            run.arguments,
            run.target,
            run.endpoint,
            RunState::Running.name(),
        ],
    )?;
    for source in sources {
        transaction.execute(
            "INSERT INTO sources (run, source, name, size, modified, beginning)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![
                run.run,
                source.source,
                source.name,
                source.size,
                source.modified.map(Time),
                source.beginning,
            ],
        )?;
    }
    Ok(())
}

fn newest(transaction: &Transaction<'_>, of: &str) -> rusqlite::Result<Option<RunId>> {
    let query = format!("SELECT run FROM runs {of} ORDER BY started DESC, run DESC LIMIT 1");
    transaction
        .query_row(&query, [], |row| row.get("run"))
        .optional()
}

fn by_text(transaction: &Transaction<'_>, text: &str) -> Result<RunId, Failure> {
    let mut query = transaction.prepare("SELECT run FROM runs ORDER BY run")?;
    let all = query.query_map([], |row| row.get("run"))?;
    let mut fitting: Vec<RunId> = Vec::new();
    for run in all {
        let run: RunId = run?;
        if run.as_str() == text {
            return Ok(run);
        }
        if run.as_str().starts_with(text) || run.as_str().ends_with(text) {
            fitting.push(run);
        }
    }
    match fitting.as_slice() {
        [] => Err(unknown(text)),
        [run] => Ok(run.clone()),
        [first, second, more @ ..] => {
            let rest = if more.is_empty() { "" } else { ", …" };
            let count = fitting.len();
            Err(Error::new(
                ErrorKind::Usage,
                format!("`{text}` fits {count} runs: {first}, {second}{rest}"),
            )
            .hint("give more of the name; `mktoload runs` lists them")
            .into())
        }
    }
}

fn unknown(run: &str) -> Failure {
    Error::new(ErrorKind::Usage, format!("no run `{run}` is known"))
        .hint(LIST)
        .into()
}

/// A row of `runs` as an overview.
pub(super) fn overview(row: &Row<'_>) -> rusqlite::Result<RunOverview> {
    let time = |Time(time)| time;
    Ok(RunOverview {
        run: row.get("run")?,
        started: row.get("started").map(time)?,
        ended: row.get::<_, Option<_>>("ended")?.map(time),
        target: row.get("target")?,
        endpoint: row.get("endpoint")?,
        state: row.get("state")?,
        exit_code: row.get("exit_code")?,
        summary: row.get("summary")?,
    })
}
