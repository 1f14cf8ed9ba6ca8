//! Submitting one chunk until Marketo has taken it, refused it, or nobody can
//! tell.

use std::sync::atomic::Ordering;

use crate::chunk::Chunk;
use crate::config::choice::OnUnknown;
use crate::error::{Error, ErrorKind, Result};
use crate::import::waits::Waits;
use crate::import::{Importer, Permit, Stopping};
use crate::ledger::{ChunkEvent, Note};
use crate::marketo::{CreateOutcome, JobState, Refusal, Upload, Verdict};
use crate::units::{BatchId, ChunkNumber};

/// A job that Marketo took.
pub(super) struct Taken {
    pub(super) batch_id: BatchId,
    pub(super) state: JobState,
    pub(super) message: String,
}

/// How submitting ended.
pub(super) enum Submission {
    /// Marketo took the chunk.
    Taken(Taken),
    /// Marketo refused it for good.
    Refused(Error),
    /// Marketo does not take a file of this size.
    TooLarge(Error),
    /// The answer was lost, and the chunk is not sent again.
    Lost(String),
    /// The run was told to stop before Marketo took it.
    NotSent,
    /// The run cannot go on: credentials, quota, or no way to Marketo.
    Fatal(Error),
}

/// How often a chunk is sent again after lost answers. Three in a row are an
/// outage, and each may have left a job in the queue.
const RESENDS: u32 = 3;

/// Sends `chunk` until its fate is known. Also returns how often Marketo may
/// have taken it: answers that prove the contrary are not counted.
///
/// `lost` is how many POSTs of it went without an answer before, in an earlier
/// process of this run.
pub(super) async fn submit(
    importer: &Importer,
    chunk: &Chunk,
    lost: u32,
    permit: &Permit,
) -> (Submission, u32) {
    let upload = Upload::new(
        file_name(chunk.number, importer.format),
        chunk.segments.clone(),
    );
    let mut waits = Waits::new(importer, chunk.number);
    let mut submits = lost;
    let book = Book {
        importer,
        chunk: chunk.number,
    };
    loop {
        if *importer.stopping.borrow() > Stopping::No {
            return (not_sent(submits), submits);
        }
        // The intent is on disk before the first byte leaves: a process that
        // dies from here on leaves a chunk that may have been taken.
        if let Err(error) = book.note(ChunkEvent::Intent, Note::default()).await {
            return (Submission::Fatal(error), submits);
        }
        importer
            .bytes_sent
            .fetch_add(chunk.bytes, Ordering::Relaxed);
        let (client, target) = (&importer.client, &importer.target);
        // An upload and its answer can take minutes.
        let created = tokio::select! {
            created = client.create(target, importer.format, &upload) => created,
            () = importer.stopped(Stopping::AtOnce) => {
                return (book.broken_off().await, submits + 1);
            }
        };
        let refusal = match created {
            // No token could be had, so nothing was sent.
            Err(error) => {
                let note = Note::of(error.to_string());
                let noted = book.note(ChunkEvent::NotTaken, note).await;
                return (Submission::Fatal(noted.err().unwrap_or(error)), submits);
            }
            Ok(CreateOutcome::Accepted {
                batch_id,
                status,
                message,
                request_id,
            }) => {
                let taken = Taken {
                    batch_id,
                    state: status,
                    message,
                };
                return (book.taken(taken, request_id).await, submits + 1);
            }
            Ok(CreateOutcome::Unknown { why }) => {
                submits += 1;
                if let Err(error) = book.note(ChunkEvent::Lost, note_of(&why)).await {
                    return (Submission::Fatal(error), submits);
                }
                let verdict = Verdict::Retry { retries: RESENDS };
                if importer.on_unknown == OnUnknown::Resend
                    && submits - lost <= RESENDS
                    && let Some(wait) = waits.next(verdict)
                    && waits.wait(wait, verdict, &why, permit).await
                {
                    continue;
                }
                if importer.on_unknown == OnUnknown::Hold
                    && let Err(error) = book.note(ChunkEvent::GivenUp, Note::default()).await
                {
                    return (Submission::Fatal(error), submits);
                }
                return (
                    Submission::Lost(format!("the answer was lost: {}", why.describe())),
                    submits,
                );
            }
            Ok(CreateOutcome::Refused(refusal)) => refusal,
        };
        if refusal.verdict == Verdict::Split {
            // Its halves are entered in the ledger in its place.
            return (Submission::TooLarge(importer.explained(&refusal)), submits);
        }
        let wait = waits.next(refusal.verdict);
        let mut note = note_of(&refusal);
        let event = match (wait, importer.explained(&refusal)) {
            (None, error) if error.kind() == ErrorKind::Refused => {
                // The rows' reason, should the process die before they have it.
                note.detail = error.to_string();
                ChunkEvent::Refused
            }
            _ => ChunkEvent::NotTaken,
        };
        if let Err(error) = book.note(event, note).await {
            return (Submission::Fatal(error), submits);
        }
        let Some(wait) = wait else {
            return (final_refusal(importer, &refusal), submits);
        };
        if !waits.wait(wait, refusal.verdict, &refusal, permit).await {
            return (not_sent(submits), submits);
        }
    }
}

/// One chunk's side of the ledger.
struct Book<'a> {
    importer: &'a Importer,
    chunk: ChunkNumber,
}

impl Book<'_> {
    async fn note(&self, event: ChunkEvent, note: Note) -> Result<()> {
        let ledger = &self.importer.ledger;
        ledger.note(self.chunk, event, note).await.map(|_| ())
    }

    /// The answer is no longer waited for. A chunk that is held is not sent
    /// again.
    async fn broken_off(&self) -> Submission {
        let why = "interrupted before the upload was answered";
        let mut noted = self.note(ChunkEvent::Lost, Note::of(why)).await;
        if noted.is_ok() && self.importer.on_unknown == OnUnknown::Hold {
            noted = self.note(ChunkEvent::GivenUp, Note::default()).await;
        }
        noted.map_or_else(Submission::Fatal, |()| Submission::Lost(why.to_owned()))
    }

    async fn taken(&self, taken: Taken, request_id: Option<String>) -> Submission {
        let note = Note {
            request_id,
            detail: taken.message.clone(),
        };
        let noted = self.note(ChunkEvent::Taken(taken.batch_id), note).await;
        noted.map_or_else(Submission::Fatal, |()| Submission::Taken(taken))
    }
}

fn note_of(refusal: &Refusal) -> Note {
    Note {
        request_id: refusal.request_id.clone(),
        detail: refusal.describe(),
    }
}

/// What a refusal that no waiting helps comes to.
fn final_refusal(importer: &Importer, refusal: &Refusal) -> Submission {
    let error = importer.explained(refusal);
    // 1003 is about this file. Any other refusal is about parameters
    // and header, which all chunks share: sending them too would only have
    // them refused, 10 MB at a time.
    if refusal.code.as_deref() == Some("1003") {
        Submission::Refused(error)
    } else {
        Submission::Fatal(error)
    }
}

/// A chunk that was possibly taken before the stop is not called unsent.
fn not_sent(submits: u32) -> Submission {
    if submits == 0 {
        Submission::NotSent
    } else {
        Submission::Lost("stopped before it was sent again".to_owned())
    }
}

/// The name of a chunk's file, as Marketo is told and as `split` writes it.
#[must_use]
pub(crate) fn file_name(chunk: ChunkNumber, format: crate::config::Format) -> String {
    format!("chunk-{:06}.{format}", chunk.get())
}
