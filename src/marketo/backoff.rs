//! How long is waited before the next attempt, and when to stop asking.

use std::time::Duration;

use jiff::Timestamp;

use super::verdict::Verdict;
use crate::config::limits;

/// The waits between attempts; the default is for Marketo, tests shrink it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffSettings {
    /// The first wait; each further one is twice as long.
    pub first: Duration,
    /// No wait is longer, jitter included; the window after 606 comes on top.
    pub longest: Duration,
    /// The waits of one call for faults, and those for its budget, are each not
    /// longer together.
    pub total: Duration,
    /// The waits of one call for a slot in the queue or for a list (1016, 1019)
    /// are not longer together.
    pub queue: Duration,
    /// The least wait after 606.
    pub window: Duration,
    /// The wait after 607, where it is waited for; none: until the quota's
    /// reset.
    pub quota: Option<Duration>,
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            // Long enough for a restart on Marketo's side, short enough that a
            // person still watches; a run that stops here can be resumed.
            total: Duration::from_secs(15 * 60),
            // A full queue is no fault; whoever holds it may take hours.
            queue: limits::JOB_TIMEOUT,
            window: limits::RATE_WINDOW,
            quota: None,
        }
    }
}

/// The waits of one call, counted over its attempts. Faults, the call budget
/// and the job queue are counted apart: hours in the queue must not leave the
/// next passing fault without a retry.
#[derive(Debug, Clone)]
pub struct Backoff {
    settings: BackoffSettings,
    random: fastrand::Rng,
    wait_for_quota: bool,
    faults: Waited,
    budget: Waited,
    queue: Waited,
}

#[derive(Debug, Clone, Copy, Default)]
struct Waited {
    times: u32,
    total: Duration,
}

/// Attempts while Marketo only asks for patience (606, 615, 1016, 1019); the
/// time bounds these, the number only keeps a zero wait from going on for ever.
const PATIENT: u32 = 10_000;

/// After the quota's reset: clocks differ, and who asks a second too early waits
/// for another day.
const PAST_THE_RESET: Duration = Duration::from_secs(60);

impl Backoff {
    /// No attempt has failed yet; `random` gives the jitter.
    #[must_use]
    pub fn new(settings: BackoffSettings, random: fastrand::Rng) -> Self {
        Self {
            settings,
            random,
            wait_for_quota: false,
            faults: Waited::default(),
            budget: Waited::default(),
            queue: Waited::default(),
        }
    }

    /// The same, and whether the reset of the daily quota is waited for (607).
    #[must_use]
    pub fn waiting_for_quota(mut self, wait: bool) -> Self {
        self.wait_for_quota = wait;
        self
    }

    /// The wait before the next attempt after `verdict`, or `None` when the
    /// attempts or the time are used up, or the verdict is none to ask again
    /// after. The quota is waited for as often as Marketo says that it is used
    /// up: others may use up the next day's, too.
    pub fn next(&mut self, verdict: Verdict) -> Option<Duration> {
        let settings = self.settings;
        let (waited, times, total) = match verdict {
            Verdict::Retry { retries } => (&mut self.faults, retries, settings.total),
            Verdict::WaitForWindow | Verdict::WaitForCalls => {
                (&mut self.budget, PATIENT, settings.total)
            }
            Verdict::WaitForSlot | Verdict::WaitForList => {
                (&mut self.queue, PATIENT, settings.queue)
            }
            Verdict::WaitForQuota => {
                let until_reset = || until_quota_reset(Timestamp::now()) + PAST_THE_RESET;
                return self
                    .wait_for_quota
                    .then(|| settings.quota.unwrap_or_else(until_reset));
            }
            Verdict::Done
            | Verdict::NoFile
            | Verdict::Reauthenticate
            | Verdict::Split
            | Verdict::Unknown
            | Verdict::GiveUp(_) => return None,
        };
        let full = settings
            .first
            .saturating_mul(1 << waited.times.min(20))
            .min(settings.longest);
        // Half of the wait is certain, half is chance: many clients that failed
        // together do not come back together.
        let mut wait = full.mul_f64(0.5 + self.random.f64() / 2.0);
        if verdict == Verdict::WaitForWindow {
            wait += settings.window;
        }
        if waited.times >= times || waited.total + wait > total {
            return None;
        }
        waited.times += 1;
        waited.total += wait;
        Some(wait)
    }
}

/// The time from `now` to the reset of the daily quota, "12:00 AM CST" (Adobe).
/// Read as UTC-6 all year: where summer time is meant, the reset was an hour
/// before, and coming late is safe.
#[must_use]
pub fn until_quota_reset(now: Timestamp) -> Duration {
    const DAY: i64 = 24 * 60 * 60;
    const RESET: i64 = 6 * 60 * 60;
    let left = DAY - (now.as_second() - RESET).rem_euclid(DAY);
    // `left` is in 1..=DAY, so nothing is lost.
    Duration::from_secs(left.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_are_bounded_in_number_and_in_time(
            seed in any::<u64>(),
            first_ms in 0u64..5000,
            longest_ms in 1u64..100_000,
            total_ms in 1u64..1_000_000,
            retries in 0u32..20,
        ) {
            let settings = BackoffSettings {
                first: Duration::from_millis(first_ms),
                longest: Duration::from_millis(longest_ms),
                total: Duration::from_millis(total_ms),
                queue: Duration::from_millis(total_ms),
                window: Duration::ZERO,
                quota: None,
            };
            for verdict in [Verdict::Retry { retries }, Verdict::WaitForSlot] {
                let mut backoff = Backoff::new(settings, fastrand::Rng::with_seed(seed));
                let mut total = Duration::ZERO;
                let mut waits = 0;
                while let Some(wait) = backoff.next(verdict) {
                    prop_assert!(wait <= settings.longest);
                    total += wait;
                    waits += 1;
                }
                prop_assert!(total <= settings.total);
                let most = if verdict == Verdict::WaitForSlot { PATIENT } else { retries };
                prop_assert!(waits <= most);
            }
        }

        #[test]
        fn the_quota_resets_within_a_day_at_six_utc(second in 0i64..4_000_000_000) {
            let now = Timestamp::from_second(second).unwrap();
            let wait = until_quota_reset(now);
            prop_assert!(wait > Duration::ZERO && wait <= Duration::from_secs(86_400));
            let reset = now.checked_add(wait).unwrap();
            prop_assert_eq!(reset.as_second().rem_euclid(86_400), 21_600);
        }
    }

    #[test]
    fn waits_double_from_the_first_to_the_longest() {
        let settings = BackoffSettings::default();
        let mut backoff = Backoff::new(settings, fastrand::Rng::with_seed(7));
        let mut full = Duration::from_secs(1);
        let mut waits = 0;
        while let Some(wait) = backoff.next(Verdict::Retry { retries: 8 }) {
            waits += 1;
            assert!(wait >= full / 2 && wait <= full, "{wait:?} of {full:?}");
            full = (full * 2).min(settings.longest);
        }
        assert_eq!(waits, 8);
    }

    #[test]
    fn hours_in_the_queue_cost_no_retry() {
        let mut backoff = Backoff::new(BackoffSettings::default(), fastrand::Rng::with_seed(7));
        let hours = std::iter::from_fn(|| backoff.next(Verdict::WaitForSlot)).sum::<Duration>();
        assert!(hours > Duration::from_secs(23 * 3600) && hours <= limits::JOB_TIMEOUT);
        assert!(backoff.next(Verdict::Retry { retries: 1 }).is_some());
    }

    #[test]
    fn after_606_the_window_is_waited_out() {
        let mut backoff = Backoff::new(BackoffSettings::default(), fastrand::Rng::with_seed(7));
        assert!(backoff.next(Verdict::WaitForWindow).unwrap() >= limits::RATE_WINDOW);
    }

    #[test]
    fn the_quota_is_waited_for_on_request_and_past_its_reset() {
        let new = || Backoff::new(BackoffSettings::default(), fastrand::Rng::with_seed(7));
        assert_eq!(new().next(Verdict::WaitForQuota), None);
        let mut backoff = new().waiting_for_quota(true);
        // Day after day, and without a cost to the other waits.
        for _ in 0..20 {
            let now = Timestamp::now();
            let end = now.checked_add(backoff.next(Verdict::WaitForQuota).unwrap());
            let past = end.unwrap().as_second().rem_euclid(86_400) - 21_600;
            assert!((60..62).contains(&past), "{past} s past the reset");
        }
        assert!(backoff.next(Verdict::Retry { retries: 1 }).is_some());
    }

    #[test]
    fn what_cannot_be_asked_again_has_no_wait() {
        let mut backoff = Backoff::new(BackoffSettings::default(), fastrand::Rng::with_seed(7));
        for verdict in [
            Verdict::Done,
            Verdict::Unknown,
            Verdict::Split,
            Verdict::WaitForQuota,
        ] {
            assert_eq!(backoff.next(verdict), None);
        }
    }
}
