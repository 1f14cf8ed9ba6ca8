//! One chunk's way: submit, poll, end.

use crate::chunk::Chunk;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::import::poll::{Polled, wait_for_end};
use crate::import::submit::{Submission, submit};
use crate::import::{Importer, Permit};
use crate::ledger::{ChunkEvent, Note};
use crate::marketo::{JobState, JobStatus};
use crate::units::{BatchId, ChunkNumber};

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

impl ChunkImport {
    /// The run stopped before the chunk was sent.
    #[must_use]
    pub fn not_sent() -> Self {
        Self {
            end: ChunkEnd::NotSent,
            batch_id: None,
            submits: 0,
            fatal: None,
        }
    }
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

/// Where a chunk's way begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It is to be submitted; `lost` POSTs of it went without an answer in an
    /// earlier process of the run.
    Submit {
        /// How many.
        lost: u32,
    },
    /// An earlier process of the run submitted it.
    Poll {
        /// The job.
        batch_id: BatchId,
        /// How often Marketo may have taken it.
        submits: u32,
    },
}

/// How a chunk's way through Marketo went.
pub(super) enum Went {
    /// To an end.
    Ended(ChunkImport),
    /// Marketo does not take a file of its size. In the ledger the chunk is
    /// still being submitted.
    TooLarge {
        /// What it said.
        error: Error,
        /// How often Marketo may have taken the chunk before it said so.
        submits: u32,
    },
}

/// Takes `chunk` through Marketo at the place of `permit`, with each step in the
/// ledger.
pub(super) async fn import_chunk(
    importer: &Importer,
    chunk: &Chunk,
    begin: Begin,
    permit: &Permit,
) -> Went {
    let mut import = match begin {
        Begin::Submit { lost } => match submitted(importer, chunk, lost, permit).await {
            Went::Ended(import) => import,
            too_large @ Went::TooLarge { .. } => return too_large,
        },
        Begin::Poll { batch_id, submits } => {
            let mut import = polled(importer, chunk.number, batch_id).await;
            import.submits = submits;
            import
        }
    };
    let event = match &import.end {
        ChunkEnd::Complete(_) => Some(ChunkEvent::Completed),
        ChunkEnd::Failed(_) => Some(ChunkEvent::JobFailed),
        // Of a refusal the ledger knows; and what is not known may still be
        // found out by a resume.
        ChunkEnd::Refused(_) | ChunkEnd::Unknown(_) | ChunkEnd::NotSent => None,
    };
    if let Some(event) = event
        && let Err(error) = importer
            .ledger
            .note(chunk.number, event, Note::default())
            .await
    {
        import.fatal.get_or_insert(error);
    }
    Went::Ended(import)
}

async fn submitted(importer: &Importer, chunk: &Chunk, lost: u32, permit: &Permit) -> Went {
    let (submission, submits) = submit(importer, chunk, lost, permit).await;
    let import = |end, batch_id, fatal| ChunkImport {
        end,
        batch_id,
        submits,
        fatal,
    };
    let ended = |end, fatal| Went::Ended(import(end, None, fatal));
    let created = match submission {
        Submission::TooLarge(error) => return Went::TooLarge { error, submits },
        Submission::Taken(created) => created,
        Submission::Lost(why) => return ended(ChunkEnd::Unknown(why), None),
        Submission::NotSent => return ended(ChunkEnd::NotSent, None),
        // One of its POSTs without an answer may have been taken.
        Submission::Refused(error) if submits > 0 => {
            return ended(ChunkEnd::Unknown(error.to_string()), None);
        }
        Submission::Refused(error) => return ended(ChunkEnd::Refused(error.to_string()), None),
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
    // A create call can answer with a batch id and `Failed` at once.
    if created.state == JobState::Failed {
        let end = ChunkEnd::Failed(created.message);
        return Went::Ended(import(end, Some(batch_id), None));
    }
    Went::Ended(ChunkImport {
        submits,
        ..polled(importer, chunk.number, batch_id).await
    })
}

/// What becomes of a job.
async fn polled(importer: &Importer, chunk: ChunkNumber, batch_id: BatchId) -> ChunkImport {
    let (end, fatal) = match wait_for_end(importer, chunk, batch_id).await {
        Polled::Ended(JobStatus {
            word: JobState::Failed,
            message,
            ..
        }) => (ChunkEnd::Failed(message), None),
        Polled::Ended(status) => (counted(status), None),
        Polled::NotSeen(why) => (ChunkEnd::Unknown(why), None),
        Polled::Fatal(error) => (ChunkEnd::Unknown(error.to_string()), Some(error)),
    };
    ChunkImport {
        end,
        batch_id: Some(batch_id),
        submits: 1,
        fatal,
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
