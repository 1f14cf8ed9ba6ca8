//! Looking at a job until it ends.

use tokio::time::Instant;

use crate::error::Error;
use crate::event::Event;
use crate::import::{Importer, Stopping};
use crate::marketo::{JobState, JobStatus};
use crate::units::{BatchId, ChunkNumber};

/// How waiting for a job ended.
pub(super) enum Polled {
    /// `Complete` or `Failed`.
    Ended(JobStatus),
    /// It was not seen to end; why.
    NotSeen(String),
    /// Marketo cannot be asked any more.
    Fatal(Error),
}

/// Looks at a job every poll interval until it ends, the job timeout passes, or
/// the run is told to wait no longer.
pub(super) async fn wait_for_end(
    importer: &Importer,
    chunk: ChunkNumber,
    batch_id: BatchId,
) -> Polled {
    let deadline = Instant::now() + importer.job_timeout;
    let mut last = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(importer.poll_interval) => {}
            () = importer.stopped(Stopping::AtOnce) => return interrupted(),
        }
        // One call can wait for hours, for the quota or for a fault to pass.
        let status = tokio::select! {
            status = importer.client.status(&importer.target, batch_id) => status,
            () = importer.stopped(Stopping::AtOnce) => return interrupted(),
        };
        let status = match status {
            Ok(status) => status,
            Err(error) => return Polled::Fatal(error),
        };
        let seen = (
            status.word.to_string(),
            status.processed.unwrap_or(0),
            status.failed.unwrap_or(0),
        );
        if last.as_ref() != Some(&seen) {
            importer.events.emit(Event::JobSeen {
                chunk,
                batch_id,
                status: seen.0.clone(),
                processed: seen.1,
                failed: seen.2,
            });
            last = Some(seen);
        }
        match status.word {
            JobState::Complete | JobState::Failed => return Polled::Ended(status),
            // A word that is not known is taken as still running: Marketo's
            // description lists four, and `Complete` alone means done.
            JobState::Queued | JobState::Importing | JobState::Other(_) => {}
        }
        if Instant::now() >= deadline {
            return Polled::NotSeen(format!(
                "the job did not end within --job-timeout {}; its last status was {}",
                humantime::format_duration(importer.job_timeout),
                status.word
            ));
        }
    }
}

fn interrupted() -> Polled {
    Polled::NotSeen("interrupted before the job was seen to end".to_owned())
}
