//! How long is waited before the next attempt, and when to stop asking.

use std::time::Duration;

use super::verdict::Verdict;
use crate::config::limits;

/// The waits between attempts; the default is for Marketo, tests shrink it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffSettings {
    /// The first wait; each further one is twice as long.
    pub first: Duration,
    /// No wait is longer, jitter included.
    pub longest: Duration,
    /// The waits of one call together are not longer.
    pub total: Duration,
    /// The least wait after 606.
    pub window: Duration,
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            // Long enough for a restart on Marketo's side, short enough that a
            // person still watches; a run that stops here can be resumed.
            total: Duration::from_secs(15 * 60),
            window: limits::RATE_WINDOW,
        }
    }
}

/// The waits of one call, counted over its attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    settings: BackoffSettings,
    attempt: u32,
    waited: Duration,
    random: fastrand::Rng,
}

/// Attempts while Marketo only asks for patience (606, 615, 1016, 1019); the
/// time bounds these, the number only keeps a zero wait from going on for ever.
const PATIENT: u32 = 1000;

impl Backoff {
    /// No attempt has failed yet; `random` gives the jitter.
    #[must_use]
    pub fn new(settings: BackoffSettings, random: fastrand::Rng) -> Self {
        Self {
            settings,
            attempt: 0,
            waited: Duration::ZERO,
            random,
        }
    }

    /// The wait before the next attempt after `verdict`, or `None` when the
    /// attempts or the time are used up, or the verdict is none to ask again
    /// after.
    pub fn next(&mut self, verdict: Verdict) -> Option<Duration> {
        let retries = match verdict {
            Verdict::Retry { retries } => retries,
            Verdict::WaitForWindow
            | Verdict::WaitForCalls
            | Verdict::WaitForSlot
            | Verdict::WaitForList => PATIENT,
            Verdict::Done
            | Verdict::NoFile
            | Verdict::Reauthenticate
            | Verdict::WaitForQuota
            | Verdict::Split
            | Verdict::Unknown
            | Verdict::GiveUp(_) => return None,
        };
        if self.attempt >= retries {
            return None;
        }
        let full = self
            .settings
            .first
            .saturating_mul(1 << self.attempt.min(20))
            .min(self.settings.longest);
        // Half of the wait is certain, half is chance: many clients that failed
        // together do not come back together.
        let mut wait = full.mul_f64(0.5 + self.random.f64() / 2.0);
        if verdict == Verdict::WaitForWindow {
            wait += self.settings.window;
        }
        if self.waited + wait > self.settings.total {
            return None;
        }
        self.attempt += 1;
        self.waited += wait;
        Some(wait)
    }
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
                window: Duration::ZERO,
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
    fn after_606_the_window_is_waited_out() {
        let mut backoff = Backoff::new(BackoffSettings::default(), fastrand::Rng::with_seed(7));
        assert!(backoff.next(Verdict::WaitForWindow).unwrap() >= limits::RATE_WINDOW);
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
