//! The summary of a run, and the one word and exit code for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::books::Imbalance;
use super::reasons::Reason;
use crate::error::ErrorKind;
use crate::units::{BatchId, ChunkNumber, RunId};

/// Rows of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// Rows read from the sources.
    pub read: u64,
    /// Rows imported, with or without a remark.
    pub accepted: u64,
    /// Rows that Marketo refused.
    pub failed: u64,
    /// Rows imported with a remark; part of `accepted`.
    pub warned: u64,
    /// Rows never imported.
    pub rejected: u64,
    /// Rows sent, with an outcome that is not known.
    pub unknown: u64,
}

/// Bytes of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Bytes read from the sources.
    pub read: u64,
    /// Bytes sent to Marketo, repetitions included.
    pub sent: u64,
}

/// One chunk of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSummary {
    /// Which.
    pub chunk: ChunkNumber,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// The job; `null` if Marketo gave none.
    pub batch_id: Option<BatchId>,
    /// Marketo's last word for the job, or ours.
    pub status: String,
    /// Rows accepted, as Marketo counted.
    pub accepted: u64,
    /// Rows refused, as Marketo counted.
    pub failed: u64,
    /// Rows accepted with a remark, as Marketo counted.
    pub warned: u64,
    /// How often it was submitted.
    pub submits: u32,
    /// Marketo's remark on the job, or ours.
    pub message: String,
}

/// The summary, as `--json` prints it: the contract's keys in its order, then
/// those that the contract leaves room for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The version of this form: 1.
    pub schema: u32,
    /// The run; empty if there was none yet.
    pub run_id: RunId,
    /// The outcome in one word.
    pub outcome: Outcome,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// Rows.
    pub rows: Rows,
    /// Whether the books balance.
    pub balanced: bool,
    /// Bytes.
    pub bytes: Bytes,
    /// Chunk by chunk.
    pub chunks: Vec<ChunkSummary>,
    /// Why rows failed, the most frequent first.
    pub reasons: Vec<Reason>,
    /// Calls to Marketo, repetitions included.
    pub api_calls: u64,
    /// Wall-clock time in milliseconds.
    pub elapsed_ms: u64,
    /// Where the report is; empty if there is none.
    pub report: String,
    /// Where the rejects are; empty if there are none.
    pub rejects: String,
    /// Beyond the contract: what does not balance; empty if all does.
    pub imbalances: Vec<Imbalance>,
    /// Beyond the contract: failed rows that are not in the rejects file,
    /// because their source row was not found.
    pub rejects_missing: u64,
    /// Beyond the contract: rows of the rejects file that may be good, and
    /// stand there because they cannot be told apart from one that failed.
    pub rejects_candidates: u64,
    /// Beyond the contract: chunks that waited because one in flight shared a
    /// value of the `--serialize-on` column.
    pub serialize_waits: u64,
}

impl Summary {
    /// The version of the JSON form.
    pub const SCHEMA: u32 = 1;

    /// The summary of a run that ended with an error of `kind` before it began:
    /// nothing was read or sent, nor is there a report.
    #[must_use]
    pub fn of_no_run(run: RunId, kind: ErrorKind, elapsed: Duration) -> Self {
        let outcome = Outcome::of(&Ending {
            stop: Some(Stop::Error(kind)),
            balanced: true,
            unknown_chunks: 0,
            refused_chunks: 0,
            rows: Rows::default(),
        });
        Self {
            schema: Self::SCHEMA,
            run_id: run,
            outcome,
            exit_code: outcome.exit_code(),
            rows: Rows::default(),
            balanced: true,
            bytes: Bytes::default(),
            chunks: Vec::new(),
            reasons: Vec::new(),
            api_calls: 0,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            report: String::new(),
            rejects: String::new(),
            imbalances: Vec::new(),
            rejects_missing: 0,
            rejects_candidates: 0,
            serialize_waits: 0,
        }
    }
}

/// How a run ended, one word for each exit code of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 0: every row was accepted.
    Accepted,
    /// 1: a bug or a fault of this machine.
    InternalError,
    /// 2: the command or configuration has to change.
    Usage,
    /// 3: finished; some rows failed or were rejected.
    RowsFailed,
    /// 4: stopped at `--max-errors`.
    MaxErrors,
    /// 5: bad input, or the preflight failed.
    BadInput,
    /// 6: credentials or permissions.
    Auth,
    /// 7: finished, but the books do not balance or a chunk is unknown.
    Unbalanced,
    /// 8: Marketo refused a chunk or job for good.
    Refused,
    /// 75: try later.
    TryLater,
    /// 130: SIGINT.
    Interrupted,
    /// 143: SIGTERM.
    Terminated,
}

/// What ended a run before all of its source was dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// `--max-errors` was reached.
    MaxErrors,
    /// An error that the run could not go on after.
    Error(ErrorKind),
}

/// All that an outcome is decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// What stopped the run; none if it finished.
    pub stop: Option<Stop>,
    /// Whether the books balance.
    pub balanced: bool,
    /// Chunks sent with an outcome that is not known; not those whose job
    /// ended `Failed`, of which Marketo said what became.
    pub unknown_chunks: u64,
    /// Chunks that Marketo refused for good, and jobs that ended `Failed`.
    pub refused_chunks: u64,
    /// Rows, for those that failed or were rejected.
    pub rows: Rows,
}

impl Outcome {
    /// The outcome of a run.
    ///
    /// A stop comes first: codes 3, 7 and 8 speak of a finished run, and after
    /// a stop the next step is to resume or to mend, whatever the rows say; a
    /// run that does not balance then still says so in `balanced`. Of a
    /// finished run, books that do not balance come before a refusal and a
    /// refusal before failed rows: the first means that the report itself may
    /// be incomplete, the second that whole chunks are missing, the third
    /// that single rows are.
    #[must_use]
    pub fn of(ending: &Ending) -> Self {
        match ending.stop {
            Some(Stop::Interrupt) => Self::Interrupted,
            Some(Stop::Terminate) => Self::Terminated,
            Some(Stop::MaxErrors) => Self::MaxErrors,
            Some(Stop::Error(kind)) => match kind {
                ErrorKind::Usage => Self::Usage,
                ErrorKind::Input => Self::BadInput,
                ErrorKind::Auth => Self::Auth,
                ErrorKind::Refused => Self::Refused,
                ErrorKind::TryLater => Self::TryLater,
                ErrorKind::Internal => Self::InternalError,
            },
            None if !ending.balanced || ending.unknown_chunks > 0 => Self::Unbalanced,
            None if ending.refused_chunks > 0 => Self::Refused,
            None if ending.rows.failed > 0 || ending.rows.rejected > 0 => Self::RowsFailed,
            // Rows of no chunk known to be unknown: never called success.
            None if ending.rows.unknown > 0 => Self::Unbalanced,
            None => Self::Accepted,
        }
    }

    /// The exit code of the contract.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::InternalError => 1,
            Self::Usage => 2,
            Self::RowsFailed => 3,
            Self::MaxErrors => 4,
            Self::BadInput => 5,
            Self::Auth => 6,
            Self::Unbalanced => 7,
            Self::Refused => 8,
            Self::TryLater => 75,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}
