//! From a chunk's end to its entries in the report.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::PathBuf;
use std::sync::Arc;

use crate::chunk::{Chunk, SentRows};
use crate::error::{Error, ErrorKind, Result};
use crate::failures::{self, FileKind, Finding, Found, Match, Sent};
use crate::import::{ChunkEnd, ChunkImport, Importer, Stopping};
use crate::marketo::RowsFile;
use crate::pipeline::worker::Worker;
use crate::report::{ChunkWriter, Entry, Key, Received, Status};
use crate::units::BatchId;

/// What finding failures needs to know of a run.
#[derive(Clone)]
pub(super) struct Attributor {
    pub(super) importer: Importer,
    pub(super) writer: ChunkWriter,
    pub(super) header: Arc<Vec<String>>,
    pub(super) key_columns: Arc<Vec<usize>>,
    /// The run's folder, for failure files until they are read.
    pub(super) folder: PathBuf,
    /// One chunk is attributed at a time: its rows, their index and its failure
    /// file are the most that a run holds in memory.
    pub(super) worker: Worker,
}

/// A failure or warning file on disk.
struct Fetched {
    file: File,
    kind: FileKind,
    counted: u64,
}

impl Attributor {
    /// Writes the entries of `chunk` and says what its files held; none where
    /// none was asked for.
    ///
    /// # Errors
    /// What fetching the files gives, or a fault of the disk. The chunk's fate
    /// is known all the same.
    pub(super) async fn attribute(
        &self,
        mut chunk: Chunk,
        imported: &ChunkImport,
    ) -> Result<Option<Received>> {
        let files = match &imported.end {
            ChunkEnd::Complete(status) => {
                let mut files = Vec::new();
                for (kind, counted) in [
                    (FileKind::Failures, status.failed),
                    (FileKind::Warnings, status.warned),
                ] {
                    // What was not counted is not there: Marketo answers 404.
                    if let (Some(batch_id), 1..) = (imported.batch_id, counted)
                        && let Some(file) = self.fetch(batch_id, kind).await?
                    {
                        files.push(Fetched {
                            file,
                            kind,
                            counted,
                        });
                    }
                }
                if files.is_empty() {
                    // An earlier look may have left it as unknown.
                    self.writer.chunk(chunk.number, first(&chunk), [])?;
                    return Ok(Some(Received {
                        failed: 0,
                        warned: 0,
                    }));
                }
                files
            }
            ChunkEnd::NotSent => return Ok(None),
            ChunkEnd::Failed(_) | ChunkEnd::Refused(_) | ChunkEnd::Unknown(_) => Vec::new(),
        };
        let (this, end) = (self.clone(), Whole::of(&imported.end));
        let batch_id = imported.batch_id;
        let work = move || {
            let rows = chunk.sent_rows(this.importer.format.separator());
            // The rows are a copy: the blocks go back to the reader.
            chunk.segments.clear();
            match end {
                Some(whole) => this
                    .write_whole(&chunk, &rows, batch_id, &whole)
                    .map(|()| None),
                None => this.write_found(&chunk, &rows, batch_id, files).map(Some),
            }
        };
        self.worker.run(work).await
    }

    async fn fetch(&self, batch_id: BatchId, kind: FileKind) -> Result<Option<File>> {
        let file = tempfile::tempfile_in(&self.folder).map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                format!(
                    "a failure file cannot be kept in `{}`",
                    self.folder.display()
                ),
            )
            .because(error)
            .hint("--state-dir names another place")
        })?;
        let which = match kind {
            FileKind::Failures => RowsFile::Failures,
            FileKind::Warnings => RowsFile::Warnings,
        };
        let mut file = tokio::fs::File::from_std(file);
        let Importer { client, target, .. } = &self.importer;
        // It can wait for hours, for the quota or for a fault to pass.
        let found = tokio::select! {
            found = client.download(target, batch_id, which, &mut file) => found?,
            () = self.importer.stopped(Stopping::AtOnce) => {
                return Err(Error::new(
                    ErrorKind::TryLater,
                    "interrupted before a failure file was fetched",
                ));
            }
        };
        Ok(match found {
            Some(_) => Some(file.into_std().await),
            None => None,
        })
    }

    /// The rows that Marketo's files name.
    fn write_found(
        &self,
        chunk: &Chunk,
        rows: &SentRows,
        batch_id: Option<BatchId>,
        files: Vec<Fetched>,
    ) -> Result<Received> {
        let mut received = Received {
            failed: 0,
            warned: 0,
        };
        let mut found = Vec::new();
        for mut fetched in files {
            fetched.file.rewind().map_err(|error| {
                Error::new(ErrorKind::Internal, "a failure file cannot be read again")
                    .because(error)
            })?;
            let sent = Sent {
                rows,
                header: &self.header,
                format: self.importer.format,
                key_columns: &self.key_columns,
            };
            let status = match fetched.kind {
                FileKind::Failures => Status::Failed,
                FileKind::Warnings => Status::Warning,
            };
            let Found { findings, .. } = failures::attribute(
                &sent,
                BufReader::new(fetched.file),
                fetched.kind,
                fetched.counted,
                &mut |finding| {
                    found.push((status, finding));
                    Ok(())
                },
            )?;
            match fetched.kind {
                FileKind::Failures => received.failed = findings,
                FileKind::Warnings => received.warned = findings,
            }
        }
        let candidates = candidates(rows, &found);
        let candidates = candidates
            .into_iter()
            .map(|row| Ok(only_candidate(chunk, rows, batch_id, row)));
        // One by one: an entry holds its row's bytes once more.
        let entries = found
            .into_iter()
            .map(|(status, finding)| Ok(entry(chunk, rows, batch_id, status, finding)))
            .chain(candidates);
        self.writer.chunk(chunk.number, first(chunk), entries)?;
        Ok(received)
    }

    /// All rows of a chunk that ended as a whole.
    fn write_whole(
        &self,
        chunk: &Chunk,
        rows: &SentRows,
        batch_id: Option<BatchId>,
        whole: &Whole,
    ) -> Result<()> {
        let entries = (0..rows.rows.len()).map(|index| {
            let row = &rows.rows[index];
            Ok(Entry {
                source: row.source,
                row: Some(row.row),
                line: Some(row.line),
                chunk: Some(chunk.number),
                batch_id,
                status: whole.status,
                matched: None,
                job_failed: whole.job_failed,
                only_candidate: false,
                reason: whole.reason.clone(),
                candidates: Vec::new(),
                raw: Vec::new(),
                bytes: Some(rows.bytes(index).to_vec()),
            })
        });
        self.writer.chunk(chunk.number, first(chunk), entries)
    }
}

/// A chunk whose rows all share one fate.
struct Whole {
    status: Status,
    job_failed: bool,
    reason: String,
}

impl Whole {
    fn of(end: &ChunkEnd) -> Option<Self> {
        let (status, job_failed, reason) = match end {
            ChunkEnd::Complete(_) | ChunkEnd::NotSent => return None,
            ChunkEnd::Failed(message) => (
                Status::Unknown,
                true,
                format!("the job ended Failed: {message}"),
            ),
            ChunkEnd::Refused(message) => (
                Status::Rejected,
                false,
                format!("Marketo refused the chunk: {message}"),
            ),
            ChunkEnd::Unknown(why) => (Status::Unknown, false, why.clone()),
        };
        Some(Self {
            status,
            job_failed,
            reason,
        })
    }
}

fn first(chunk: &Chunk) -> Key {
    Key {
        source: chunk.first().source,
        row: chunk.first().first_row,
    }
}

/// A finding as a line of the report.
fn entry(
    chunk: &Chunk,
    rows: &SentRows,
    batch_id: Option<BatchId>,
    status: Status,
    finding: Finding,
) -> Entry {
    let row = finding.row.map(|index| &rows.rows[index]);
    Entry {
        source: row.map_or(chunk.first().source, |row| row.source),
        row: row.map(|row| row.row),
        line: row.map(|row| row.line),
        chunk: Some(chunk.number),
        batch_id,
        status,
        matched: Some(if row.is_none() {
            Match::Unmatched
        } else {
            finding.level
        }),
        job_failed: false,
        only_candidate: false,
        reason: finding.reason,
        candidates: finding
            .candidates
            .iter()
            .map(|index| rows.rows[*index].row)
            .collect(),
        raw: finding.raw,
        bytes: finding.row.map(|index| rows.bytes(index).to_vec()),
    }
}

/// The rows that failed findings may mean beside those that they name: one of
/// each text that no named row has, since a row of the same text can stand for
/// the other when it is imported again.
fn candidates(rows: &SentRows, found: &[(Status, Finding)]) -> Vec<usize> {
    let unsure = || {
        let failed = found.iter().filter(|(status, _)| *status == Status::Failed);
        failed
            .map(|(_, finding)| finding)
            .filter(|finding| finding.level == Match::Ambiguous)
    };
    let mut there: HashSet<&[u8]> = unsure()
        .filter_map(|finding| finding.row)
        .map(|row| rows.bytes(row))
        .collect();
    unsure()
        .flat_map(|finding| &finding.candidates)
        .copied()
        .filter(|row| there.insert(rows.bytes(*row)))
        .collect()
}

/// A row that may be the one that failed, for the rejects file.
fn only_candidate(
    chunk: &Chunk,
    rows: &SentRows,
    batch_id: Option<BatchId>,
    index: usize,
) -> Entry {
    let finding = Finding {
        row: Some(index),
        level: Match::Ambiguous,
        reason: String::new(),
        candidates: Vec::new(),
        raw: Vec::new(),
    };
    Entry {
        only_candidate: true,
        ..entry(chunk, rows, batch_id, Status::Failed, finding)
    }
}
