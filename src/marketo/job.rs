//! An import job as Marketo tells of it.

use std::fmt;

use super::wire::WireJob;

/// Marketo's word for where a job is, in any case of letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// In the queue.
    Queued,
    /// Being processed.
    Importing,
    /// Ended; single rows may have failed all the same.
    Complete,
    /// Ended as a whole without success; the message says why.
    Failed,
    /// A word that Adobe does not document, or none (empty), as in an answer
    /// without a result: taken as still running.
    Other(String),
}

impl JobState {
    /// The state that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "queued" => Self::Queued,
            "importing" => Self::Importing,
            // Bulk extract says "Completed"; whoever means the end says it so.
            "complete" | "completed" => Self::Complete,
            "failed" => Self::Failed,
            _ => Self::Other(word.trim().to_owned()),
        }
    }

    /// Whether the job has ended, so that its counts no longer change.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "Queued",
            Self::Importing => "Importing",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Other(word) => word,
        })
    }
}

/// One look at a job. The counts are "so far" until the state is final
/// (Adobe), and `None` where Marketo left them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Where the job is.
    pub word: JobState,
    /// Rows accepted, the warned ones included.
    pub processed: Option<u64>,
    /// Rows refused.
    pub failed: Option<u64>,
    /// Rows accepted with a remark.
    pub warned: Option<u64>,
    /// Marketo's remark on the job, or empty.
    pub message: String,
    /// Marketo's name of the status call.
    pub request_id: Option<String>,
}

impl JobStatus {
    pub(crate) fn from_wire(job: WireJob, request_id: Option<String>) -> Self {
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        Self {
            word: JobState::from_word(job.status.as_deref().unwrap_or_default()),
            processed: count(job.num_of_leads_processed.or(job.num_of_objects_processed)),
            failed: count(job.num_of_rows_failed),
            warned: count(job.num_of_rows_with_warning),
            message: job.message.unwrap_or_default(),
            request_id,
        }
    }
}
