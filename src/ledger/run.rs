//! What is known of one run, and how it comes to be known.

use rusqlite::{Row, Transaction, params};

use super::chunks;
use super::database::Database;
use super::fault::Failure;
use super::records::{
    ChunkRecord, Note, RunOverview, RunRecord, RunState, RunTotals, SourceRecord,
};
use super::state::{ChunkEvent, ChunkState};
use super::store::overview;
use super::values::Time;
use crate::error::Result;
use crate::units::{ChunkNumber, RunId};

/// One run of a [`Ledger`](super::Ledger). What a method wrote is on disk when
/// it returns, all of it or nothing.
///
/// A future that is dropped does not take back the write.
#[derive(Debug, Clone)]
pub struct RunLedger {
    database: Database,
    run: RunId,
}

impl RunLedger {
    pub(super) fn new(database: Database, run: RunId) -> Self {
        Self { database, run }
    }

    /// The run's name.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.run
    }

    /// What the run was told to do, and its sources in the order given.
    pub async fn record(&self) -> Result<(RunRecord, Vec<SourceRecord>)> {
        self.read(|transaction, run| {
            let record =
                transaction.query_row("SELECT * FROM runs WHERE run = ?", [run], record)?;
            let mut query =
                transaction.prepare("SELECT * FROM sources WHERE run = ? ORDER BY source")?;
            let sources = query.query_map([run], source)?;
            Ok((record, sources.collect::<rusqlite::Result<_>>()?))
        })
        .await
    }

    /// Where the run stands.
    pub async fn overview(&self) -> Result<RunOverview> {
        self.read(|transaction, run| {
            Ok(transaction.query_row("SELECT * FROM runs WHERE run = ?", [run], overview)?)
        })
        .await
    }

    /// Writes down a chunk that was cut: it is ready, and nothing of it was
    /// sent. The record's `state`, `result` and `submits` are not read.
    ///
    /// # Errors
    /// When the run has a chunk of that number, or not the source of a piece.
    pub async fn cut(&self, chunk: ChunkRecord) -> Result<()> {
        self.write(move |transaction, run| Ok(chunks::insert(transaction, run, &chunk)?))
            .await
    }

    /// All chunks in source order: as they were cut, the halves of one right
    /// after it.
    pub async fn chunks(&self) -> Result<Vec<ChunkRecord>> {
        self.read(|transaction, run| Ok(chunks::all(transaction, run)?))
            .await
    }

    /// Moves a chunk on by `event` and says where it stands now. An intent
    /// opens a [`SubmitRecord`](super::SubmitRecord); the event after it
    /// closes that with `note`. The note of any other event is not kept.
    ///
    /// # Errors
    /// When the event cannot happen where the chunk stands: nothing is written.
    pub async fn note(
        &self,
        chunk: ChunkNumber,
        event: ChunkEvent,
        note: Note,
    ) -> Result<ChunkState> {
        self.write(move |transaction, run| chunks::step(transaction, run, chunk, event, &note))
            .await
    }

    /// Parts a chunk that Marketo called too large: [`ChunkEvent::Halved`] and
    /// the cut of both halves, whose `parent` it becomes.
    pub async fn halve(
        &self,
        chunk: ChunkNumber,
        halves: [ChunkRecord; 2],
        note: Note,
    ) -> Result<()> {
        self.write(move |transaction, run| {
            chunks::step(transaction, run, chunk, ChunkEvent::Halved, &note)?;
            for mut half in halves {
                half.parent = Some(chunk);
                chunks::insert(transaction, run, &half)?;
            }
            Ok(())
        })
        .await
    }

    /// Says that a chunk's entries are on disk ([`ChunkEvent::Reported`]), and
    /// what it came to, as JSON.
    pub async fn reported(&self, chunk: ChunkNumber, result: String) -> Result<()> {
        self.write(move |transaction, run| {
            let note = Note::default();
            chunks::step(transaction, run, chunk, ChunkEvent::Reported, &note)?;
            transaction.execute(
                "UPDATE chunks SET result = ? WHERE run = ? AND chunk = ?",
                params![result, run, chunk],
            )?;
            Ok(())
        })
        .await
    }

    /// Says that the run ended: [`RunState::Finished`] or, if it can be
    /// resumed, [`RunState::Interrupted`].
    pub async fn end(&self, state: RunState, exit_code: u8, summary: String) -> Result<()> {
        let now = Time(jiff::Timestamp::now());
        self.write(move |transaction, run| {
            let sql =
                "UPDATE runs SET state = ?, ended = ?, exit_code = ?, summary = ? WHERE run = ?";
            update(
                transaction,
                sql,
                params![state.name(), now, exit_code, summary, run],
            )
        })
        .await
    }

    /// Says that a resume begins: the run is running, and how it ended before
    /// is forgotten.
    pub async fn reopen(&self) -> Result<()> {
        self.write(|transaction, run| {
            let sql = "UPDATE runs SET state = ?, ended = NULL, exit_code = NULL, summary = NULL
                       WHERE run = ?";
            update(transaction, sql, params![RunState::Running.name(), run])
        })
        .await
    }

    /// Says that the sources were read to their end, `bytes` of them.
    pub async fn source_ended(&self, bytes: u64) -> Result<()> {
        self.write(move |transaction, run| {
            transaction.execute(
                "UPDATE runs SET bytes_at_end = ? WHERE run = ?",
                params![bytes, run],
            )?;
            Ok(())
        })
        .await
    }

    /// Bytes of the sources, if they were read to their end.
    pub async fn bytes_at_end(&self) -> Result<Option<u64>> {
        self.read(|transaction, run| {
            let query = "SELECT bytes_at_end FROM runs WHERE run = ?";
            Ok(transaction.query_row(query, [run], |row| row.get(0))?)
        })
        .await
    }

    /// What the run has used up.
    pub async fn totals(&self) -> Result<RunTotals> {
        self.read(|transaction, run| {
            let query = "SELECT api_calls, bytes_sent, elapsed_ms FROM runs WHERE run = ?";
            Ok(transaction.query_row(query, [run], |row| {
                Ok(RunTotals {
                    api_calls: row.get("api_calls")?,
                    bytes_sent: row.get("bytes_sent")?,
                    elapsed_ms: row.get("elapsed_ms")?,
                })
            })?)
        })
        .await
    }

    /// Adds what was used up since the last call.
    pub async fn add_totals(&self, used: RunTotals) -> Result<()> {
        self.write(move |transaction, run| {
            let sql = "UPDATE runs SET api_calls = api_calls + ?, bytes_sent = bytes_sent + ?,
                           elapsed_ms = elapsed_ms + ? WHERE run = ?";
            update(
                transaction,
                sql,
                params![used.api_calls, used.bytes_sent, used.elapsed_ms, run],
            )
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &RunId) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let run = self.run.clone();
        self.database
            .read(move |transaction| work(transaction, &run))
            .await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &RunId) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let run = self.run.clone();
        self.database
            .write(move |transaction| work(transaction, &run))
            .await
    }
}

/// Changes the row of the run, which must be there still.
fn update(
    transaction: &Transaction<'_>,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<(), Failure> {
    match transaction.execute(sql, values)? {
        0 => Err(rusqlite::Error::QueryReturnedNoRows.into()),
        _ => Ok(()),
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let Time(started) = row.get("started")?;
    Ok(RunRecord {
        run: row.get("run")?,
        tool_version: row.get("tool_version")?,
        started,
        arguments: row.get("arguments")?,
        target: row.get("target")?,
        endpoint: row.get("endpoint")?,
    })
}

fn source(row: &Row<'_>) -> rusqlite::Result<SourceRecord> {
    let modified: Option<Time> = row.get("modified")?;
    Ok(SourceRecord {
        source: row.get("source")?,
        name: row.get("name")?,
        size: row.get("size")?,
        modified: modified.map(|Time(time)| time),
        beginning: row.get("beginning")?,
    })
}
