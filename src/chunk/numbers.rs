//! The numbers of a run's chunks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::units::ChunkNumber;

/// Hands out the numbers of a run's chunks, from 1 on. Clones go on from one
/// another: a chunk that is cut and a half of another get no number twice, and
/// always one above all that were given.
#[derive(Debug, Clone, Default)]
pub struct Numbers(Arc<AtomicU32>);

impl Numbers {
    /// The next number.
    #[must_use]
    pub fn take(&self) -> ChunkNumber {
        ChunkNumber::new(1).plus(self.0.fetch_add(1, Ordering::Relaxed))
    }

    /// An earlier process of the run gave this number.
    pub fn used(&self, number: ChunkNumber) {
        self.0.fetch_max(number.get(), Ordering::Relaxed);
    }
}
