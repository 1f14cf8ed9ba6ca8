//! At most N jobs between their submit and their end.
//!
//! Counted from before the POST: a job whose answer is on its way holds one of
//! Marketo's slots already. This is not the call budget (`marketo::pace`): a
//! slot is held for minutes and freed by polling, so one semaphore for both
//! would deadlock.

mod shared;

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::error::Result;
use crate::units::ChunkNumber;

pub use shared::SharedGate;

/// Hands out permits to have a job in flight.
pub trait Gate: Send + Sync {
    /// Waits for a free place for `chunk`.
    ///
    /// # Errors
    /// What keeps a gate from knowing whether a place is free.
    fn enter(&self, chunk: ChunkNumber) -> BoxFuture<'static, Result<Permit>>;
}

/// The right to have one job in flight; the place is free again when it is
/// dropped.
#[derive(Debug)]
pub struct Permit {
    /// The place among all processes, where they share one gate.
    slot: Option<shared::Slot>,
    place: Option<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Permit {
    /// Resolves when another job of ours ends: the moment at which a full
    /// queue or a busy list is most likely to be free.
    pub async fn another_ended(&self) {
        self.freed.notified().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // The slot, then the place: who is woken must find both free.
        self.slot = None;
        self.place = None;
        self.freed.notify_waiters();
    }
}

/// The gate of one process. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct LocalGate {
    places: Arc<Semaphore>,
    freed: Arc<Notify>,
}

impl LocalGate {
    /// A gate for `places` jobs in flight.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            freed: Arc::new(Notify::new()),
        }
    }

    async fn place(self) -> Permit {
        // Only a closed semaphore fails, and nothing closes this one; a permit
        // without a place would only let one job too many in.
        let place = self.places.acquire_owned().await.ok();
        Permit {
            slot: None,
            place,
            freed: self.freed,
        }
    }
}

impl Gate for LocalGate {
    fn enter(&self, _chunk: ChunkNumber) -> BoxFuture<'static, Result<Permit>> {
        let gate = self.clone();
        Box::pin(async move { Ok(gate.place().await) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn never_more_than_n_are_inside() {
        let gate = LocalGate::new(2);
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut jobs = tokio::task::JoinSet::new();
        for job in 0..20 {
            let enter = gate.enter(ChunkNumber::new(job));
            let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
            jobs.spawn(async move {
                let permit = enter.await.unwrap();
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(u64::from(job % 5) + 1)).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            });
        }
        jobs.join_all().await;
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_inside_is_told_when_another_leaves() {
        let gate = LocalGate::new(2);
        let enter = || async { gate.enter(ChunkNumber::new(1)).await.unwrap() };
        let (first, second) = (enter().await, enter().await);
        let waiting = tokio::spawn(async move { second.another_ended().await });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.unwrap();
    }
}
