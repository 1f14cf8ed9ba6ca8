//! What happens during a run, as values: the display, the logs and the tests
//! read the same events.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::units::{BatchId, ChunkNumber, RunId};

/// Why a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitReason {
    /// 1016: Marketo's queue is full, mostly with jobs of others.
    QueueFull,
    /// 1019: another job imports into the same list.
    ListBusy,
    /// 606 or 615: too many calls, by us or by others.
    RateLimited,
    /// 607: the daily quota is used up.
    Quota,
    /// A passing fault on Marketo's side or on the way to it.
    Fault,
    /// Other mktoload processes of this machine have all jobs in flight that
    /// there may be.
    OtherProcesses,
    /// A chunk in flight shares a value of the `--serialize-on` column.
    SharedValue,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "Marketo's import queue is full (1016)",
            Self::ListBusy => "another job imports into the list (1019)",
            Self::RateLimited => "too many calls (606, 615)",
            Self::Quota => "the daily call quota is used up (607)",
            Self::Fault => "a passing fault",
            Self::SharedValue => "a chunk in flight shares a value with it (--serialize-on)",
            Self::OtherProcesses => "other mktoload processes on this machine use the slots",
        })
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The run has a name and begins.
    RunStarted {
        /// Its name.
        run: RunId,
        /// Bytes of all sources together, where they are known.
        bytes_total: Option<u64>,
    },
    /// A chunk was read and is next to be sent.
    ChunkRead {
        /// Which.
        chunk: ChunkNumber,
        /// Its rows.
        rows: u64,
        /// Bytes of the source read so far, all sources together.
        bytes_read: u64,
    },
    /// Marketo took a chunk as a job.
    Submitted {
        /// Which.
        chunk: ChunkNumber,
        /// The job.
        batch_id: BatchId,
    },
    /// A job's status was seen.
    JobSeen {
        /// The chunk it imports.
        chunk: ChunkNumber,
        /// The job.
        batch_id: BatchId,
        /// Marketo's word: `Queued`, `Importing`, `Complete`, `Failed`.
        status: String,
        /// Rows processed so far.
        processed: u64,
        /// Rows refused so far.
        failed: u64,
    },
    /// A job ended and its failures are attributed.
    ChunkDone {
        /// Which.
        chunk: ChunkNumber,
        /// Rows accepted.
        accepted: u64,
        /// Rows refused.
        failed: u64,
        /// Rows accepted with a remark.
        warned: u64,
    },
    /// Marketo found a chunk too large (413); it goes in two halves instead.
    Halved {
        /// Which.
        chunk: ChunkNumber,
        /// The number of its first half.
        first: ChunkNumber,
        /// The number of its second half.
        second: ChunkNumber,
    },
    /// A file has become longer since it was opened. Its rows up to where it
    /// ended then were read.
    SourceGrew {
        /// As the user named it.
        source: String,
    },
    /// Something waits. Emitted once for each wait of one chunk or call, not
    /// for each attempt.
    Waiting {
        /// The chunk that waits, unless it is a call of no chunk.
        chunk: Option<ChunkNumber>,
        /// Why.
        reason: WaitReason,
        /// Until the next attempt; none where that is not known beforehand.
        for_: Option<Duration>,
        /// Marketo's or the network's own words, or what is waited for.
        detail: String,
    },
}

/// Where events go. Cloned freely; an event is handled on the spot, so a
/// handler must not block.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Events go to `handler`.
    pub fn new(handler: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(handler))
    }

    /// Events go nowhere.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| ())
    }

    /// Tells of one event.
    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
