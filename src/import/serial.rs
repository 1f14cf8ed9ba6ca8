//! Chunks that share a value of one column are not in flight together.
//!
//! Marketo processes two jobs at once and promises no order: rows with one key
//! in two of them can land in either, or make two records.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::chunk::{Chunk, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events, WaitReason};
use crate::units::ChunkNumber;

/// Lets a chunk in flight when none in flight shares a value with it.
#[derive(Debug)]
pub struct Serial {
    column: usize,
    name: String,
    separator: u8,
    events: Events,
    in_flight: Arc<InFlight>,
    waits: AtomicU64,
}

#[derive(Debug, Default)]
struct InFlight {
    /// The values of the chunks in flight, and of no other.
    chunks: Mutex<Vec<(ChunkNumber, Values)>>,
    freed: Notify,
}

/// A chunk's leave to be in flight, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    chunk: ChunkNumber,
    in_flight: Arc<InFlight>,
}

impl Serial {
    /// Nothing is in flight yet. The values are those of the column at place
    /// `column`, counted from 0, which is called `name`. Waits go to `events`.
    #[must_use]
    pub fn new(column: usize, name: String, separator: u8, events: Events) -> Self {
        Self {
            column,
            name,
            separator,
            events,
            in_flight: Arc::default(),
            waits: AtomicU64::new(0),
        }
    }

    /// Waits until no chunk in flight shares a value with `chunk`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when its values could not be read.
    pub async fn enter(&self, chunk: Chunk) -> Result<Turn> {
        let number = chunk.number;
        let (separator, column) = (self.separator, self.column);
        // Reading 10 MB by field would hold up the calls of other chunks.
        let read = tokio::task::spawn_blocking(move || chunk.values(separator, column));
        let mut values = read.await.map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                "reading the --serialize-on column broke off",
            )
            .because(error)
        })?;
        let mut told = false;
        loop {
            let freed = self.in_flight.freed.notified();
            tokio::pin!(freed);
            // From here on no end is missed.
            freed.as_mut().enable();
            let other = match self.in_flight.add(number, values) {
                Ok(turn) => return Ok(turn),
                Err((other, back)) => {
                    values = back;
                    other
                }
            };
            if !told {
                told = true;
                self.waits.fetch_add(1, Ordering::Relaxed);
                self.events.emit(Event::Waiting {
                    chunk: Some(number),
                    reason: WaitReason::SharedValue,
                    for_: None,
                    detail: format!("column `{}`, chunk {other}", self.name),
                });
            }
            freed.await;
        }
    }

    /// Chunks that had to wait so far.
    #[must_use]
    pub fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }
}

impl InFlight {
    /// The chunk's turn; else the first one in flight that shares a value with
    /// it, and its values back.
    fn add(
        self: &Arc<Self>,
        chunk: ChunkNumber,
        values: Values,
    ) -> Result<Turn, (ChunkNumber, Values)> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((other, _)) = chunks.iter().find(|(_, held)| held.share(&values)) {
            return Err((*other, values));
        }
        chunks.push((chunk, values));
        Ok(Turn {
            chunk,
            in_flight: Arc::clone(self),
        })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let chunks = &self.in_flight.chunks;
        chunks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(chunk, _)| *chunk != self.chunk);
        self.in_flight.freed.notify_waiters();
    }
}
