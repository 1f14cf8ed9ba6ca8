//! What goes into the search of a failure file, and what comes out.

use crate::chunk::SentRows;
use crate::config::Format;
use crate::failures::Match;

/// The most candidates that one [`Finding`] lists. Beyond it a list helps
/// nobody, and half a chunk of identical rows would cost the square of their
/// number in memory and report. The row that the finding names is one of them.
pub const CANDIDATES_LISTED: usize = 1_000;

/// The candidates that the findings of one file list together, about, before each
/// further one lists no more than [`CANDIDATES_FEW`].
pub(super) const CANDIDATES_IN_ALL: usize = 1_000_000;

/// The most candidates of a finding after [`CANDIDATES_IN_ALL`].
pub(super) const CANDIDATES_FEW: usize = 10;

/// Which of Marketo's two files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Rows that were not imported.
    Failures,
    /// Rows that were imported, with a remark.
    Warnings,
}

impl FileKind {
    /// The name of the last column, which holds the reason (Adobe's samples).
    #[must_use]
    pub const fn reason_column(self) -> &'static str {
        match self {
            Self::Failures => "Import Failure Reason",
            Self::Warnings => "Import Warning Reason",
        }
    }
}

/// The upload that a failure file answers.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// All rows of the chunk.
    pub rows: &'a SentRows,
    /// The field names of the upload's header.
    pub header: &'a [String],
    /// The dialect of the upload; Marketo answers in the same.
    pub format: Format,
    /// Positions in `header` of the lookup or dedupe fields; may be empty.
    pub key_columns: &'a [usize],
}

/// One failed or warned row, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The row's index in [`SentRows::rows`]; `None` where it is not known.
    pub row: Option<usize>,
    /// How sure that is.
    pub level: Match,
    /// Marketo's text.
    pub reason: String,
    /// For [`Match::Ambiguous`] all rows that it may be, at most
    /// [`CANDIDATES_LISTED`] of them; else empty.
    pub candidates: Vec<usize>,
    /// The record as received, without its end, for [`Match::Key`] and
    /// [`Match::Unmatched`]; empty where the row says it all.
    pub raw: Vec<u8>,
}

/// The count of a file's findings, for the books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// All findings: one for each record of the file.
    pub findings: u64,
    /// Those without a source row.
    pub unmatched: u64,
    /// Those that name one of several rows that it may be.
    pub ambiguous: u64,
}
