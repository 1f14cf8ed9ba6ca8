//! The call budget: so many calls in a window, and so many at once. Marketo
//! shares both over all integrations of an instance.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::config::{CallRate, limits};
use crate::error::{Error, ErrorKind, Result};

/// The quota that keeps the promise in *every* window. A full bucket of N
/// that refills N in a window would let 2N through; a tenth of N at once
/// and the rest one by one lets N through.
fn quota(rate: CallRate) -> Quota {
    let calls = rate.calls().get();
    let burst = NonZeroU32::new(calls / 10).unwrap_or(NonZeroU32::MIN);
    // Up, so that rounding never lets one more through.
    let steps = u128::from(calls - burst.get() + 1);
    let step = rate.window().as_nanos().div_ceil(steps).max(1);
    let step = Duration::from_nanos(u64::try_from(step).unwrap_or(u64::MAX));
    Quota::with_period(step)
        .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
        .allow_burst(burst)
}

/// tokio's clock for governor, so that a paused clock moves both.
#[derive(Debug, Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.elapsed())
    }
}

/// The two budgets of one client.
pub(crate) struct Pace {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>,
    /// Whoever waits for the window keeps the others behind it: first come,
    /// first served.
    line: Mutex<()>,
    at_once: Semaphore,
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pace")
    }
}

/// One call's leave; the call lasts as long as this is held.
#[derive(Debug)]
pub(crate) struct CallPermit<'a>(
    #[expect(dead_code, reason = "held for its drop")] SemaphorePermit<'a>,
);

impl Pace {
    pub(crate) fn new(rate: CallRate) -> Self {
        Self {
            limiter: RateLimiter::direct_with_clock(quota(rate), TokioClock(Instant::now())),
            line: Mutex::new(()),
            at_once: Semaphore::new(limits::CALLS_AT_ONCE),
        }
    }

    /// Waits until a call may go.
    pub(crate) async fn permit(&self) -> Result<CallPermit<'_>> {
        let permit = self.at_once.acquire().await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the call budget was closed").because(error)
        })?;
        let _line = self.line.lock().await;
        while let Err(wait) = self.limiter.check() {
            let now = self.limiter.clock().now();
            let for_ = wait.earliest_possible().duration_since(now);
            tokio::time::sleep(for_.into()).await;
        }
        Ok(CallPermit(permit))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// The times at which `count` calls go that all want to go at once.
    fn departures(rate: CallRate, count: usize) -> Vec<Duration> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let start = Instant::now();
            let pace = Pace::new(rate);
            let mut times = Vec::new();
            for _ in 0..count {
                drop(pace.permit().await.unwrap());
                times.push(start.elapsed());
            }
            times
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_window_holds_more_calls_than_the_rate(calls in 1u32..120, seconds in 1u64..60) {
            let rate = CallRate::new(calls, Duration::from_secs(seconds)).unwrap();
            let times = departures(rate, calls as usize * 3);
            for (first, &start) in times.iter().enumerate() {
                let inside = times[first..].iter().take_while(|&&time| time < start + rate.window()).count();
                prop_assert!(inside <= calls as usize, "{inside} calls within {rate}");
            }
        }
    }

    #[test]
    fn the_default_spends_most_of_its_budget() {
        let times = departures(CallRate::default(), 500);
        // 50 calls in 20 s would be 200 s; what the burst costs is under 10%.
        assert!(times[499] < Duration::from_secs(220), "{:?}", times[499]);
    }

    #[tokio::test(start_paused = true)]
    async fn at_most_five_calls_run_at_once() {
        let pace = Arc::new(Pace::new(
            CallRate::new(1_000_000, Duration::from_secs(1)).unwrap(),
        ));
        let running = Arc::new(AtomicUsize::new(0));
        let tasks = (0..20).map(|_| {
            let (pace, running) = (Arc::clone(&pace), Arc::clone(&running));
            tokio::spawn(async move {
                let _permit = pace.permit().await.unwrap();
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                now
            })
        });
        let most = futures::future::join_all(tasks)
            .await
            .into_iter()
            .map(Result::unwrap)
            .max();
        assert_eq!(most, Some(limits::CALLS_AT_ONCE));
    }
}
