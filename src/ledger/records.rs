//! What the ledger holds, as plain records. None of it is a secret or a row.

use std::ops::Range;

use super::state::ChunkState;
use crate::units::{BatchId, ChunkNumber, LineNumber, RowNumber, RunId, SourceIndex};

/// What a run was told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its name.
    pub run: RunId,
    /// The version of mktoload that began it.
    pub tool_version: String,
    /// When it began.
    pub started: jiff::Timestamp,
    /// JSON from which a resume goes on as before; no secrets.
    pub arguments: String,
    /// What it imports into, for people.
    pub target: String,
    /// Marketo's host, for people.
    pub endpoint: String,
}

/// A source as the run found it, so that a resume knows it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRecord {
    /// Which.
    pub source: SourceIndex,
    /// As the user named it.
    pub name: String,
    /// Its bytes, if it is a file.
    pub size: Option<u64>,
    /// When it was last written, if it is a file.
    pub modified: Option<jiff::Timestamp>,
    /// Digest of its beginning, in hexadecimal.
    pub beginning: Option<String>,
}

/// Rows of a chunk that follow one another in one source without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PieceRecord {
    /// The source.
    pub source: SourceIndex,
    /// The number of its first row in that source.
    pub first_row: RowNumber,
    /// The physical line on which that row starts.
    pub first_line: LineNumber,
    /// How many rows.
    pub rows: u64,
    /// Their bytes in the source.
    pub range: Range<u64>,
}

/// A chunk: where its rows are, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRecord {
    /// Its number in the run.
    pub chunk: ChunkNumber,
    /// The chunk that it is a half of.
    pub parent: Option<ChunkNumber>,
    /// That it was the n-th cut of the source, counted from 1; none for a
    /// half.
    pub cut: Option<u64>,
    /// Where its rows come from.
    pub pieces: Vec<PieceRecord>,
    /// Its rows, the header not counted.
    pub rows: u64,
    /// Bytes of the import file, header included.
    pub bytes: u64,
    /// Of its rows.
    pub digest: u128,
    /// Where it stands.
    pub state: ChunkState,
    /// What it came to, as JSON, once it is reported.
    pub result: Option<String>,
    /// Every POST of it, oldest first.
    pub submits: Vec<SubmitRecord>,
}

impl ChunkRecord {
    /// The job as which Marketo took it, also after it ended.
    #[must_use]
    pub fn batch_id(&self) -> Option<BatchId> {
        self.submits.iter().rev().find_map(|submit| submit.batch_id)
    }
}

impl ChunkRecord {
    /// How often Marketo may have taken it: as a job, or without an answer.
    #[must_use]
    pub fn possibly_taken(&self) -> u32 {
        let taken = |submit: &&SubmitRecord| {
            matches!(submit.outcome.as_deref(), None | Some("taken" | "lost"))
        };
        u32::try_from(self.submits.iter().filter(taken).count()).unwrap_or(u32::MAX)
    }
}

/// One POST of a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitRecord {
    /// Counted from 1 over the whole life of the chunk.
    pub attempt: u32,
    /// When the intent was written, just before the POST.
    pub at: jiff::Timestamp,
    /// `taken`, `not taken`, `lost`, `refused` or `too large`; none while the
    /// POST may be under way.
    pub outcome: Option<String>,
    /// The job, if Marketo took it.
    pub batch_id: Option<BatchId>,
    /// Marketo's name for the call.
    pub request_id: Option<String>,
    /// What was answered, for people.
    pub detail: String,
}

/// What is known of a POST besides its outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// Marketo's name for the call.
    pub request_id: Option<String>,
    /// What was answered, for people.
    pub detail: String,
}

impl Note {
    /// A remark without a request.
    #[must_use]
    pub fn of(detail: impl Into<String>) -> Self {
        Self {
            request_id: None,
            detail: detail.into(),
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// It began and did not end. Its process may have died: who shows it or
    /// goes on with it asks the lock file in the run's folder.
    Running,
    /// It ended early and can be resumed.
    Interrupted,
    /// Nothing is left to do.
    Finished,
}

impl RunState {
    /// The word for it in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
        }
    }
}

/// A run in a list of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOverview {
    /// Its name.
    pub run: RunId,
    /// When it began.
    pub started: jiff::Timestamp,
    /// When it ended last.
    pub ended: Option<jiff::Timestamp>,
    /// What it imports into.
    pub target: String,
    /// Marketo's host.
    pub endpoint: String,
    /// Where it stands; [`RunState::Running`] may be out of date.
    pub state: RunState,
    /// The exit code with which it ended last.
    pub exit_code: Option<u8>,
    /// The summary with which it ended last, as JSON.
    pub summary: Option<String>,
}

/// What a run has used up, over all its resumes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunTotals {
    /// Calls to Marketo.
    pub api_calls: u64,
    /// Bytes sent to Marketo, repetitions included.
    pub bytes_sent: u64,
    /// Milliseconds in which it ran.
    pub elapsed_ms: u64,
}
