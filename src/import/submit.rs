//! Submitting one chunk until Marketo has taken it, refused it, or nobody can
//! tell.

use std::time::Duration;

use crate::chunk::Chunk;
use crate::config::choice::OnUnknown;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, WaitReason};
use crate::import::{Importer, Permit, Stopping};
use crate::marketo::{CreateOutcome, Created, Upload, Verdict};
use crate::units::ChunkNumber;

/// How submitting ended.
pub(super) enum Submission {
    /// Marketo took the chunk.
    Taken(Created),
    /// Marketo refused it for good.
    Refused(Error),
    /// The answer was lost, and the chunk is not sent again.
    Lost(String),
    /// The run was told to stop before Marketo took it.
    NotSent,
    /// The run cannot go on: credentials, quota, or no way to Marketo.
    Fatal(Error),
}

/// First wait for a slot or a list, when no job of ours ends before. Doubled up
/// to [`LONGEST_SLOT_WAIT`]: each try uploads the whole chunk again.
const FIRST_SLOT_WAIT: Duration = Duration::from_secs(5);

/// Longest wait for a slot or a list.
const LONGEST_SLOT_WAIT: Duration = Duration::from_secs(60);

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
    let upload = Upload {
        file_name: file_name(chunk.number, importer.format),
        segments: chunk.segments.clone(),
        len: chunk.bytes,
    };
    let mut waits = Waits::new(importer, chunk.number);
    let mut submits = 0;
    let mut lost = 0;
    loop {
        if *importer.stopping.borrow() > Stopping::No {
            return (not_sent(submits), submits);
        }
        match importer
            .client
            .create(&importer.target, importer.format, &upload)
            .await
        {
            CreateOutcome::Accepted(created) => return (Submission::Taken(created), submits + 1),
            CreateOutcome::Unknown { error } => {
                submits += 1;
                lost += 1;
                if importer.on_unknown == OnUnknown::Hold || lost > RESENDS {
                    return (Submission::Lost(error.to_string()), submits);
                }
                if !waits
                    .pause(WaitReason::Fault, &error.to_string(), permit)
                    .await
                {
                    return (Submission::Lost(error.to_string()), submits);
                }
            }
            CreateOutcome::Refused {
                verdict: Verdict::WaitForSlot,
                error,
            } => {
                waits
                    .pause(WaitReason::QueueFull, &error.to_string(), permit)
                    .await;
            }
            CreateOutcome::Refused {
                verdict: Verdict::WaitForList,
                error,
            } => {
                waits
                    .pause(WaitReason::ListBusy, &error.to_string(), permit)
                    .await;
            }
            CreateOutcome::Refused { error, .. } => {
                let fatal = matches!(
                    error.kind(),
                    ErrorKind::Auth | ErrorKind::TryLater | ErrorKind::Usage | ErrorKind::Internal
                );
                let end = if fatal {
                    Submission::Fatal(error)
                } else {
                    Submission::Refused(error)
                };
                return (end, submits);
            }
        }
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

/// The waits of one chunk: growing, and told once for each reason.
struct Waits<'a> {
    importer: &'a Importer,
    chunk: ChunkNumber,
    next: Duration,
    told: Option<WaitReason>,
}

impl<'a> Waits<'a> {
    fn new(importer: &'a Importer, chunk: ChunkNumber) -> Self {
        // A run that polls in milliseconds is one against a sandbox.
        let next = FIRST_SLOT_WAIT.min(importer.poll_interval);
        Self {
            importer,
            chunk,
            next,
            told: None,
        }
    }

    /// Waits a while, or until a job of ours ends. False if the run was told to
    /// stop meanwhile.
    async fn pause(&mut self, reason: WaitReason, detail: &str, permit: &Permit) -> bool {
        if self.told != Some(reason) {
            self.told = Some(reason);
            self.importer.events.emit(Event::Waiting {
                chunk: Some(self.chunk),
                reason,
                for_: self.next,
                detail: detail.to_owned(),
            });
        }
        // Jitter, so that several waiting chunks do not come back as one.
        let wait = self.next.mul_f64(0.75 + fastrand::f64() / 2.0);
        self.next = (self.next * 2).min(LONGEST_SLOT_WAIT);
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = permit.another_ended(), if reason != WaitReason::Fault => true,
            () = self.importer.stopped(Stopping::NothingNew) => false,
        }
    }
}
