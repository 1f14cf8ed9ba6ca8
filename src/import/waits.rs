//! What a chunk waits for before it is sent again.

use std::time::Duration;

use crate::event::{Event, WaitReason};
use crate::import::{Importer, Permit, Stopping};
use crate::marketo::{Backoff, Refusal, Verdict};
use crate::units::ChunkNumber;

/// The waits of one chunk, each reason told once in a row.
pub(super) struct Waits<'a> {
    importer: &'a Importer,
    chunk: ChunkNumber,
    backoff: Backoff,
    told: Option<WaitReason>,
}

impl<'a> Waits<'a> {
    pub(super) fn new(importer: &'a Importer, chunk: ChunkNumber) -> Self {
        Self {
            importer,
            chunk,
            backoff: importer.client.backoff(),
            told: None,
        }
    }

    /// How long to wait as `verdict` wants; none if no waiting helps.
    pub(super) fn next(&mut self, verdict: Verdict) -> Option<Duration> {
        self.backoff.next(verdict)
    }

    /// Waits so long, or until a job of ours ends where that frees what is
    /// waited for. False if the run was told to stop meanwhile.
    pub(super) async fn wait(
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
    use crate::config::choice::OnUnknown;
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
        let stop = watch::Sender::new(Stopping::No);
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
            stopping: stop.clone(),
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
        let mut waits = Waits::new(importer, chunk);
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
