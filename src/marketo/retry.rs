//! The wait between two attempts of one call, told to the user.

use crate::event::{Event, Events};

use super::backoff::Backoff;
use super::refusal::Refusal;

/// The attempts of one call that can be made again.
pub(crate) struct Retry<'a> {
    pub(crate) backoff: Backoff,
    pub(crate) events: &'a Events,
}

impl Retry<'_> {
    /// Waits as the verdict says; false when there is nothing more to wait for.
    pub(crate) async fn wait_after(&mut self, refusal: &Refusal) -> bool {
        let Some(wait) = self.backoff.next(refusal.verdict) else {
            return false;
        };
        tracing::debug!(
            call = refusal.call.name(),
            wait_ms = wait.as_millis(),
            what = refusal.describe(),
            "asking again"
        );
        self.events.emit(Event::Waiting {
            chunk: None,
            reason: refusal.verdict.wait_reason(),
            for_: Some(wait),
            detail: format!("{}: {}", refusal.call.name(), refusal.describe()),
        });
        tokio::time::sleep(wait).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::super::backoff::BackoffSettings;
    use super::super::verdict::{Body, Call, Seen};
    use super::*;

    fn refusal(code: i64) -> Refusal {
        let body = Body::Refusal(Some(code));
        Refusal::new(Call::Status, Seen::Answer { http: 200, body }, "words")
    }

    async fn waits(code: i64, wait_for_quota: bool, at_most: usize) -> Vec<Duration> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let events = Events::new(move |event| {
            if let Event::Waiting {
                for_: Some(for_), ..
            } = event
            {
                sink.lock().unwrap().push(for_);
            }
        });
        let mut retry = Retry {
            backoff: Backoff::new(BackoffSettings::default(), fastrand::Rng::with_seed(1))
                .waiting_for_quota(wait_for_quota),
            events: &events,
        };
        let start = tokio::time::Instant::now();
        for _ in 0..at_most {
            if !retry.wait_after(&refusal(code)).await {
                break;
            }
        }
        let seen = seen.lock().unwrap().clone();
        assert!(start.elapsed() >= seen.iter().sum());
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn every_wait_is_told_and_waited() {
        assert_eq!(waits(604, false, 100).await.len(), 8);
        assert_eq!(waits(4711, false, 100).await.len(), 4);
        let window = waits(606, false, 100).await;
        assert!(window.iter().all(|wait| *wait >= Duration::from_secs(20)));
        assert!(window.iter().sum::<Duration>() <= Duration::from_secs(900));
    }

    #[tokio::test(start_paused = true)]
    async fn the_quota_is_waited_for_only_when_asked() {
        assert!(waits(607, false, 3).await.is_empty());
        assert_eq!(waits(607, true, 2).await.len(), 2);
    }
}
