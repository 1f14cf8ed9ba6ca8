//! What the answers say, in our terms.

use std::fmt;

use crate::marketo::wire::{Envelope, WireJob};
use crate::units::BatchId;

/// A job's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It waits for one of the two places.
    Queued,
    /// It is being processed.
    Importing,
    /// It ended; rows may have failed.
    Complete,
    /// It ended as a whole without importing.
    Failed,
    /// A word that Adobe does not list, or none: taken as still running.
    Other(String),
}

impl JobState {
    fn from_word(word: &str) -> Self {
        let known = [
            ("queued", Self::Queued),
            ("importing", Self::Importing),
            ("complete", Self::Complete),
            // Bulk extract's word for the same.
            ("completed", Self::Complete),
            ("failed", Self::Failed),
        ];
        known
            .into_iter()
            .find(|(known, _)| word.eq_ignore_ascii_case(known))
            .map_or_else(|| Self::Other(word.to_owned()), |(_, state)| state)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "Queued",
            Self::Importing => "Importing",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Other(word) if word.is_empty() => "(none)",
            Self::Other(word) => word,
        })
    }
}

/// A job that Marketo took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Its number.
    pub batch_id: BatchId,
    /// Its state; a create can answer `Failed` at once.
    pub state: JobState,
    /// Marketo's remark.
    pub message: String,
}

/// What a status call said. Counts are "so far" until the job has ended
/// (Adobe), and a warned row is a processed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    /// Its state.
    pub state: JobState,
    /// Rows imported.
    pub processed: u64,
    /// Rows refused.
    pub failed: u64,
    /// Rows imported with a remark.
    pub warned: u64,
    /// Marketo's remark.
    pub message: String,
}

impl Created {
    /// The job of a create's answer; none without a batch id.
    pub(super) fn from_envelope(envelope: &Envelope) -> Option<Self> {
        let job = envelope.job()?;
        Some(Self {
            batch_id: BatchId::new(job.batch_id.or(job.import_id)?),
            state: state(&job),
            message: job.message.unwrap_or_default(),
        })
    }
}

impl JobStatus {
    /// The job of a status call's answer. An empty `result` was seen for jobs
    /// that are not there yet, so it counts as still running.
    pub(super) fn from_envelope(envelope: &Envelope) -> Self {
        let job = envelope.job().unwrap_or_default();
        let count = |number: Option<i64>| {
            number
                .and_then(|number| u64::try_from(number).ok())
                .unwrap_or(0)
        };
        Self {
            state: state(&job),
            processed: count(job.num_of_leads_processed.or(job.num_of_objects_processed)),
            failed: count(job.num_of_rows_failed),
            warned: count(job.num_of_rows_with_warning),
            message: job.message.unwrap_or_default(),
        }
    }
}

fn state(job: &WireJob) -> JobState {
    JobState::from_word(job.status.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(result: &str) -> JobStatus {
        let body = format!(r#"{{"success":true,"result":[{result}]}}"#);
        JobStatus::from_envelope(&Envelope::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn words_are_read_in_any_case_and_unknown_ones_kept() {
        for (word, state) in [
            ("COMPLETE", JobState::Complete),
            ("Completed", JobState::Complete),
            ("queued", JobState::Queued),
        ] {
            assert_eq!(status(&format!(r#"{{"status":"{word}"}}"#)).state, state);
        }
        assert_eq!(
            status(r#"{"status":"Paused"}"#).state,
            JobState::Other("Paused".to_owned())
        );
    }

    #[test]
    fn an_empty_result_is_still_running() {
        assert_eq!(status("").state, JobState::Other(String::new()));
    }

    #[test]
    fn processed_and_failed_are_apart() {
        let seen = status(
            r#"{"batchId":1,"status":"Complete","numOfObjectsProcessed":2,"numOfRowsFailed":1,"numOfRowsWithWarning":1}"#,
        );
        assert_eq!((seen.processed, seen.failed, seen.warned), (2, 1, 1));
    }
}
