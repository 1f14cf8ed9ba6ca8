//! One chunk's way: submit, poll, end.

use crate::chunk::Chunk;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::import::poll::{Polled, wait_for_end};
use crate::import::submit::{Submission, submit};
use crate::import::{Importer, Permit};
use crate::marketo::{JobState, JobStatus};
use crate::units::BatchId;

/// What became of a chunk.
#[derive(Debug)]
pub struct ChunkImport {
    /// How it ended.
    pub end: ChunkEnd,
    /// The job, if Marketo gave one.
    pub batch_id: Option<BatchId>,
    /// How often Marketo may have taken the chunk.
    pub submits: u32,
    /// What stops the run, if something did.
    pub fatal: Option<Error>,
}

/// Rows of a completed job, as Marketo counted them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Rows imported, with or without a remark.
    pub accepted: u64,
    /// Rows refused.
    pub failed: u64,
    /// Rows imported with a remark.
    pub warned: u64,
    /// Marketo's remark on the job.
    pub message: String,
}

/// How a chunk ended.
#[derive(Debug)]
pub enum ChunkEnd {
    /// The job is `Complete`; rows may have failed.
    Complete(Count),
    /// The job is `Failed` as a whole; Marketo's message.
    Failed(String),
    /// Marketo refused the create call for good, or the run ended before
    /// Marketo could be reached; nothing of the chunk was imported.
    Refused(String),
    /// The chunk was sent and its outcome is not known; why.
    Unknown(String),
    /// The run stopped before the chunk was sent.
    NotSent,
}

/// Takes `chunk` through Marketo. The place at the gate is free again when this
/// returns.
pub async fn import_chunk(importer: &Importer, chunk: &Chunk, permit: Permit) -> ChunkImport {
    let (submission, submits) = submit(importer, chunk, &permit).await;
    let ended = |end, fatal| ChunkImport {
        end,
        batch_id: None,
        submits,
        fatal,
    };
    let created = match submission {
        Submission::Taken(created) => created,
        Submission::Refused(error) => return ended(ChunkEnd::Refused(error.to_string()), None),
        Submission::Lost(why) => return ended(ChunkEnd::Unknown(why), None),
        Submission::NotSent => return ended(ChunkEnd::NotSent, None),
        Submission::Fatal(error) if submits > 0 => {
            return ended(ChunkEnd::Unknown(error.to_string()), Some(error));
        }
        // The contract: rows of a chunk refused for good are `rejected`.
        Submission::Fatal(error) if error.kind() == ErrorKind::Refused => {
            return ended(ChunkEnd::Refused(error.to_string()), Some(error));
        }
        Submission::Fatal(error) => return ended(ChunkEnd::NotSent, Some(error)),
    };
    let batch_id = created.batch_id;
    importer.events.emit(Event::Submitted {
        chunk: chunk.number,
        batch_id,
    });
    let job = |end, fatal| ChunkImport {
        end,
        batch_id: Some(batch_id),
        submits,
        fatal,
    };
    // A create call can answer with a batch id and `Failed` at once.
    if created.state == JobState::Failed {
        return job(ChunkEnd::Failed(created.message), None);
    }
    match wait_for_end(importer, chunk.number, batch_id).await {
        Polled::Ended(JobStatus {
            word: JobState::Failed,
            message,
            ..
        }) => job(ChunkEnd::Failed(message), None),
        Polled::Ended(status) => job(counted(status), None),
        Polled::NotSeen(why) => job(ChunkEnd::Unknown(why), None),
        Polled::Fatal(error) => job(ChunkEnd::Unknown(error.to_string()), Some(error)),
    }
}

/// The end of a completed job. Counts that Marketo left out are not known, and
/// not nought: without them nothing can be said of the rows.
fn counted(status: JobStatus) -> ChunkEnd {
    let JobStatus {
        processed,
        failed,
        warned,
        message,
        ..
    } = status;
    match (processed, failed) {
        (Some(accepted), Some(failed)) => ChunkEnd::Complete(Count {
            accepted,
            failed,
            warned: warned.unwrap_or(0),
            message,
        }),
        _ => ChunkEnd::Unknown(format!(
            "the job is Complete, but Marketo did not count its rows: {message}"
        )),
    }
}
