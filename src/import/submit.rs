//! Submitting one chunk until Marketo has taken it, refused it, or nobody can
//! tell.

use std::sync::atomic::Ordering;

use crate::chunk::Chunk;
use crate::config::choice::OnUnknown;
use crate::error::Error;
use crate::event::{Event, WaitReason};
use crate::import::{Importer, Permit, Stopping};
use crate::marketo::{Backoff, CreateOutcome, JobState, Refusal, Upload, Verdict};
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
pub(super) async fn submit(
    importer: &Importer,
    chunk: &Chunk,
    permit: &Permit,
) -> (Submission, u32) {
    let upload = Upload::new(
        file_name(chunk.number, importer.format),
        chunk.segments.clone(),
    );
    let mut waits = Waits {
        importer,
        chunk: chunk.number,
        backoff: importer.client.backoff(),
        told: None,
    };
    let mut submits = 0;
    loop {
        if *importer.stopping.borrow() > Stopping::No {
            return (not_sent(submits), submits);
        }
        importer
            .bytes_sent
            .fetch_add(chunk.bytes, Ordering::Relaxed);
        let refusal = match importer
            .client
            .create(&importer.target, importer.format, &upload)
            .await
        {
            // No token could be had, so nothing was sent.
            Err(error) => return (Submission::Fatal(error), submits),
            Ok(CreateOutcome::Accepted {
                batch_id,
                status,
                message,
                ..
            }) => {
                return (
                    Submission::Taken(Taken {
                        batch_id,
                        state: status,
                        message,
                    }),
                    submits + 1,
                );
            }
            Ok(CreateOutcome::Unknown { why }) => {
                submits += 1;
                let again = importer.on_unknown == OnUnknown::Resend
                    && submits <= RESENDS
                    && waits
                        .pause(Verdict::Retry { retries: RESENDS }, &why, permit)
                        .await;
                if again {
                    continue;
                }
                return (
                    Submission::Lost(format!("the answer was lost: {}", why.describe())),
                    submits,
                );
            }
            Ok(CreateOutcome::Refused(refusal)) => refusal,
        };
        if !waits.pause(refusal.verdict, &refusal, permit).await {
            if *importer.stopping.borrow() > Stopping::No {
                return (not_sent(submits), submits);
            }
            return (final_refusal(importer, &refusal), submits);
        }
    }
}

/// What a refusal that no waiting helps comes to.
fn final_refusal(importer: &Importer, refusal: &Refusal) -> Submission {
    let error = importer.client.explain(&importer.target, refusal);
    // 1003 and 413 are about this file. Any other refusal is about parameters
    // and header, which all chunks share: sending them too would only have
    // them refused, 10 MB at a time.
    let of_this_file = refusal.verdict == Verdict::Split || refusal.code.as_deref() == Some("1003");
    if of_this_file {
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

/// The waits of one chunk, each reason told once.
struct Waits<'a> {
    importer: &'a Importer,
    chunk: ChunkNumber,
    backoff: Backoff,
    told: Option<WaitReason>,
}

impl Waits<'_> {
    /// Waits as `verdict` wants, or until a job of ours ends where that frees
    /// what is waited for. False if no waiting helps, or the run was told to
    /// stop meanwhile.
    async fn pause(&mut self, verdict: Verdict, refusal: &Refusal, permit: &Permit) -> bool {
        let Some(wait) = self.backoff.next(verdict) else {
            return false;
        };
        let reason = verdict.wait_reason();
        if self.told != Some(reason) {
            self.told = Some(reason);
            self.importer.events.emit(Event::Waiting {
                chunk: Some(self.chunk),
                reason,
                for_: wait,
                detail: refusal.describe(),
            });
        }
        let freed_by_us = matches!(verdict, Verdict::WaitForSlot | Verdict::WaitForList);
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = permit.another_ended(), if freed_by_us => true,
            () = self.importer.stopped(Stopping::NothingNew) => false,
        }
    }
}
