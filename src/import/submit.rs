//! Submitting one chunk until Marketo has taken it, refused it, or nobody can
//! tell.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::chunk::Chunk;
use crate::config::choice::OnUnknown;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, WaitReason};
use crate::import::{Importer, Permit, Stopping};
use crate::ledger::{ChunkEvent, Note};
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
    let mut waits = Waits {
        importer,
        chunk: chunk.number,
        backoff: importer.client.backoff(),
        told: None,
    };
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
        let refusal = match importer
            .client
            .create(&importer.target, importer.format, &upload)
            .await
        {
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
                let note = Note {
                    request_id,
                    detail: message.clone(),
                };
                let noted = book.note(ChunkEvent::Taken(batch_id), note).await;
                let taken = Taken {
                    batch_id,
                    state: status,
                    message,
                };
                let taken = noted.map_or_else(Submission::Fatal, |()| Submission::Taken(taken));
                return (taken, submits + 1);
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
        let event = match wait {
            None if importer.explained(&refusal).kind() == ErrorKind::Refused => {
                ChunkEvent::Refused
            }
            _ => ChunkEvent::NotTaken,
        };
        if let Err(error) = book.note(event, note_of(&refusal)).await {
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

/// The waits of one chunk, each reason told once in a row.
struct Waits<'a> {
    importer: &'a Importer,
    chunk: ChunkNumber,
    backoff: Backoff,
    told: Option<WaitReason>,
}

impl Waits<'_> {
    /// How long to wait as `verdict` wants; none if no waiting helps.
    fn next(&mut self, verdict: Verdict) -> Option<Duration> {
        self.backoff.next(verdict)
    }

    /// Waits so long, or until a job of ours ends where that frees what is
    /// waited for. False if the run was told to stop meanwhile.
    async fn wait(
        &mut self,
        wait: Duration,
        verdict: Verdict,
        refusal: &Refusal,
        permit: &Permit,
    ) -> bool {
        let reason = verdict.wait_reason();
        // Each wait for the quota is one of its own, of up to a day.
        if self.told != Some(reason) || reason == WaitReason::Quota {
            self.told = Some(reason);
            self.importer.events.emit(Event::Waiting {
                chunk: Some(self.chunk),
                reason,
                for_: Some(wait),
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::Instant;

    use super::*;
    use crate::chunk::{Numbers, Spool};
    use crate::config::{Credentials, Endpoint, Format, Target};
    use crate::event::Events;
    use crate::import::{Gate as _, LocalGate};
    use crate::ledger::{Ledger, RunRecord};
    use crate::marketo::verdict::{Body, Call, Seen};
    use crate::marketo::{Client, ClientConfig, until_quota_reset};
    use crate::units::RunId;

    /// An importer whose client calls nobody, and what stops it.
    async fn importer(wait_for_quota: bool, events: Events) -> (Importer, watch::Sender<Stopping>) {
        let state = tempfile::tempdir().unwrap();
        let run = RunRecord {
            run: RunId::known("run"),
            tool_version: String::new(),
            started: jiff::Timestamp::UNIX_EPOCH,
            arguments: String::new(),
            target: String::new(),
            endpoint: String::new(),
        };
        let ledger = Ledger::open(state.path()).await.unwrap();
        let ledger = ledger.begin_run(run, Vec::new()).await.unwrap();
        let Ok(Endpoint::Instance(instance)) = Endpoint::parse("http://127.0.0.1:9", false) else {
            panic!("an instance");
        };
        let credentials = Credentials {
            client_id: "id".to_owned(),
            client_secret: "secret".into(),
        };
        let (stop, stopping) = watch::channel(Stopping::No);
        let importer = Importer {
            ledger,
            spool: Spool::new(state.path().join("spool")),
            client: Client::new(ClientConfig {
                wait_for_quota,
                ..ClientConfig::new(instance, credentials)
            })
            .unwrap(),
            target: Target::CustomObjects {
                api_name: "car_c".to_owned(),
            },
            format: Format::Csv,
            poll_interval: Duration::from_secs(5),
            job_timeout: Duration::from_secs(60),
            on_unknown: OnUnknown::Resend,
            events,
            numbers: Numbers::default(),
            bytes_sent: Arc::default(),
            stopping,
        };
        (importer, stop)
    }

    /// Whether chunk 3 goes on after a 607.
    async fn goes_on_after_607(importer: &Importer) -> bool {
        let chunk = ChunkNumber::new(3);
        let permit = LocalGate::new(1).enter(chunk).await.unwrap();
        let body = Body::Refusal(Some(607));
        let seen = Seen::Answer { http: 200, body };
        let refusal = Refusal::new(Call::Create, seen, "Daily quota reached");
        let mut waits = Waits {
            importer,
            chunk,
            backoff: importer.client.backoff(),
            told: None,
        };
        match waits.next(refusal.verdict) {
            Some(wait) => waits.wait(wait, refusal.verdict, &refusal, &permit).await,
            None => false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_chunk_waits_for_the_quotas_reset_and_then_goes_on() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let events = Events::new(move |event| sink.lock().unwrap().push(event));
        let (importer, _stop) = importer(true, events).await;
        let begun = Instant::now();
        let reset = until_quota_reset(jiff::Timestamp::now());
        assert!(goes_on_after_607(&importer).await);
        assert!(begun.elapsed() >= reset && begun.elapsed() < reset + Duration::from_secs(120));
        let seen = seen.lock().unwrap();
        let [
            Event::Waiting {
                chunk,
                reason,
                for_,
                ..
            },
        ] = &seen[..]
        else {
            panic!("{seen:?}");
        };
        assert_eq!(*chunk, Some(ChunkNumber::new(3)));
        assert_eq!(*reason, WaitReason::Quota);
        assert!(for_.unwrap() >= reset);
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_wait_without_leave_and_no_longer_than_the_run() {
        let begun = Instant::now();
        let (without_leave, _stop) = importer(false, Events::silent()).await;
        assert!(!goes_on_after_607(&without_leave).await);
        let (importer, stop) = importer(true, Events::silent()).await;
        stop.send_replace(Stopping::NothingNew);
        assert!(!goes_on_after_607(&importer).await);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
