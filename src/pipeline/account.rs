//! What a run has come to so far: rows, chunks, books.

use serde::{Deserialize, Serialize};

use crate::chunk::Chunk;
use crate::config::choice::{MaxErrors, OnUnknown};
use crate::import::{ChunkEnd, ChunkImport};
use crate::report::{Books, ChunkBook, ChunkSummary, Counted, Received, Rows};

/// What became of one chunk, with its failures found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChunkResult {
    /// Its line of the summary.
    pub(super) summary: ChunkSummary,
    /// Its side of the books.
    pub(super) book: ChunkBook,
    /// Where its rows belong.
    pub(super) fate: Fate,
    /// Whether a resume may find out more about it.
    pub(super) open: bool,
}

/// Where a chunk's rows belong in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fate {
    /// As Marketo counted them.
    Counted,
    /// Never imported: Marketo refused the chunk.
    Refused,
    /// Not known: the job ended `Failed`.
    JobFailed,
    /// Not known.
    Unknown,
    /// Not sent: the run stopped before. Its rows count as not read.
    NotSent,
}

impl ChunkResult {
    /// The result of `chunk`; `received` is what its files held.
    pub(super) fn new(chunk: &Chunk, imported: &ChunkImport, received: Option<Received>) -> Self {
        let (fate, status, message, counted) = match &imported.end {
            ChunkEnd::Complete(count) => {
                let counted = Counted {
                    accepted: count.accepted,
                    failed: count.failed,
                    warned: count.warned,
                };
                (Fate::Counted, "Complete", &count.message, Some(counted))
            }
            ChunkEnd::Failed(message) => (Fate::JobFailed, "Failed", message, None),
            ChunkEnd::Refused(message) => (Fate::Refused, "refused", message, None),
            ChunkEnd::Unknown(message) => (Fate::Unknown, "unknown", message, None),
            ChunkEnd::NotSent => (Fate::NotSent, "not sent", &String::new(), None),
        };
        let count = counted.unwrap_or(Counted {
            accepted: 0,
            failed: 0,
            warned: 0,
        });
        Self {
            summary: ChunkSummary {
                chunk: chunk.number,
                rows: chunk.rows,
                bytes: chunk.bytes,
                batch_id: imported.batch_id,
                status: status.to_owned(),
                accepted: count.accepted,
                failed: count.failed,
                warned: count.warned,
                submits: imported.submits,
                message: message.clone(),
            },
            book: ChunkBook {
                chunk: chunk.number,
                rows: chunk.rows,
                counted,
                received,
            },
            fate,
            open: false,
        }
    }
}

impl ChunkResult {
    /// Whether a resume can find out no more about the chunk. A lost answer
    /// that is held is not asked after again.
    pub(super) fn is_final(&self, on_unknown: OnUnknown) -> bool {
        match self.fate {
            Fate::Counted | Fate::Refused | Fate::JobFailed => true,
            Fate::Unknown => self.summary.batch_id.is_none() && on_unknown == OnUnknown::Hold,
            Fate::NotSent => false,
        }
    }
}

/// The run so far.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Rows by what became of them; `read` is set at the end.
    pub(super) rows: Rows,
    /// Chunks by number.
    chunks: Vec<ChunkResult>,
    /// Rows of chunks that were read and not sent.
    not_sent: u64,
}

impl Account {
    /// So many rows came into no chunk.
    pub(super) fn rejected(&mut self, rows: u64) {
        self.rows.rejected += rows;
    }

    /// So many rows of a chunk were read and are not going to be sent.
    pub(super) fn not_sent(&mut self, rows: u64) {
        self.not_sent += rows;
    }

    /// A chunk's fate is known.
    pub(super) fn chunk(&mut self, result: ChunkResult) {
        let rows = result.summary.rows;
        match result.fate {
            Fate::Counted => {
                self.rows.accepted += result.summary.accepted;
                self.rows.failed += result.summary.failed;
                self.rows.warned += result.summary.warned;
            }
            Fate::Refused => self.rows.rejected += rows,
            Fate::JobFailed | Fate::Unknown => self.rows.unknown += rows,
            Fate::NotSent => {
                self.not_sent(rows);
                return;
            }
        }
        self.chunks.push(result);
    }

    /// Whether more rows failed than the user allows.
    pub(super) fn too_many_errors(&self, most: Option<MaxErrors>) -> bool {
        let errors = self.rows.failed + self.rows.rejected;
        most.is_some_and(|most| most.exceeded(errors, errors + self.rows.accepted))
    }

    /// Whether a resume may find out more about a chunk.
    pub(super) fn is_open(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.open)
    }

    /// Chunks of this fate.
    pub(super) fn chunks_with(&self, fate: impl Fn(Fate) -> bool) -> u64 {
        self.chunks.iter().filter(|chunk| fate(chunk.fate)).count() as u64
    }

    /// The run is over; `read` rows were read. Its rows, its chunks in order,
    /// and the verdict on the books.
    pub(super) fn close(mut self, read: u64) -> (Rows, Vec<ChunkSummary>, Books) {
        self.chunks.sort_by_key(|chunk| chunk.summary.chunk);
        self.rows.read = read - self.not_sent;
        let books: Vec<ChunkBook> = self.chunks.iter().map(|chunk| chunk.book).collect();
        let verdict = Books::check(&self.rows, &books);
        (
            self.rows,
            self.chunks.into_iter().map(|chunk| chunk.summary).collect(),
            verdict,
        )
    }
}
