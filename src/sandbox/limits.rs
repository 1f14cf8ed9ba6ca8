//! Marketo's two limits on calls: so many in a window, so many at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::answers::Refusal;

/// The calls of the last window and those under way.
#[derive(Debug)]
pub(super) struct Limits {
    calls: usize,
    window: Duration,
    at_once: usize,
    taken: VecDeque<Instant>,
    under_way: Arc<AtomicUsize>,
}

/// A call under way; ends when dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Limits {
    pub(super) fn new(calls: usize, window: Duration, at_once: usize) -> Self {
        Self {
            calls,
            window,
            at_once,
            taken: VecDeque::new(),
            under_way: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// Lets a call in, or refuses it with 615 or 606. Whether Marketo counts a
    /// refused call is not known; here it does not, else a client that asks too
    /// often would never be let in again.
    pub(super) fn enter(&mut self, now: Instant) -> Result<UnderWay, Refusal> {
        if self.under_way.load(Ordering::Acquire) >= self.at_once {
            return Err(Refusal::code(615));
        }
        while self
            .taken
            .front()
            .is_some_and(|&call| now.duration_since(call) >= self.window)
        {
            self.taken.pop_front();
        }
        if self.taken.len() >= self.calls {
            let (calls, secs) = (self.calls, self.window.as_secs_f64());
            let text = format!("Max rate limit '{calls}' exceeded with in '{secs}' secs");
            return Err(Refusal::with(606, text));
        }
        self.taken.push_back(now);
        self.under_way.fetch_add(1, Ordering::AcqRel);
        Ok(UnderWay(Arc::clone(&self.under_way)))
    }
}
