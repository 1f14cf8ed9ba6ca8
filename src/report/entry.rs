//! One line of the report: what became of one row.

use serde::{Deserialize, Serialize};

use crate::failures::Match;
use crate::units::{BatchId, ChunkNumber, LineNumber, RowNumber, SourceIndex};

/// Where a row stands in the run: source by source, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The source.
    pub source: SourceIndex,
    /// The row in it.
    pub row: RowNumber,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Marketo refused the row.
    Failed,
    /// Marketo imported the row, with a remark.
    Warning,
    /// The row was never imported.
    Rejected,
    /// The row was sent and its outcome is not known.
    Unknown,
}

impl Status {
    /// The word in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// One row that failed, was remarked on, was rejected, or is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The source of the row, or of the chunk if the row is not known.
    pub source: SourceIndex,
    /// The row; none if no source row was found.
    pub row: Option<RowNumber>,
    /// The line on which the row starts; none if no source row was found.
    pub line: Option<LineNumber>,
    /// The chunk; none for a row rejected before it came into one.
    pub chunk: Option<ChunkNumber>,
    /// The job; none where Marketo gave none.
    pub batch_id: Option<BatchId>,
    /// What became of the row.
    pub status: Status,
    /// How sure the row is; none where there was nothing to search for.
    #[serde(rename = "match")]
    pub matched: Option<Match>,
    /// Whether the row was in a job that ended `Failed`: such a row is
    /// `unknown` and yet stands in the rejects file, which an `unknown` row
    /// with a lost answer does not.
    pub job_failed: bool,
    /// Whether the row is only a candidate of an ambiguous entry, with other
    /// bytes than the row which that entry names. It may be the one that
    /// failed, so it stands in the rejects file; a line of the report it is
    /// not, since each failure has one line.
    pub only_candidate: bool,
    /// Marketo's text, or ours.
    pub reason: String,
    /// All rows that this one may be; empty unless the match is ambiguous.
    pub candidates: Vec<RowNumber>,
    /// The text as Marketo sent it back. Empty where Marketo sent none: the
    /// report then shows `bytes`.
    #[serde(with = "serde_bytes")]
    pub raw: Vec<u8>,
    /// The source row as its original bytes, with or without its record end;
    /// none if no source row was found.
    #[serde(with = "serde_bytes")]
    pub bytes: Option<Vec<u8>>,
}

impl Entry {
    /// Where the row stands, if it is known.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        self.row.map(|row| Key {
            source: self.source,
            row,
        })
    }

    /// Whether the row belongs into the rejects file.
    #[must_use]
    pub fn is_reject(&self) -> bool {
        match self.status {
            Status::Failed | Status::Rejected => true,
            Status::Unknown => self.job_failed,
            Status::Warning => false,
        }
    }
}
