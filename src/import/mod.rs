//! The gate, submitting, and polling: a chunk becomes a job and a job ends.
//!
//! [`import_halving`] takes one chunk through all of it; the gate bounds how many
//! are between their submit and their end, and [`Serial`] which of them may be
//! so together.

mod gate;
mod halves;
mod job;
mod poll;
mod record;
mod serial;
mod submit;
mod waits;

pub use gate::{Gate, LocalGate, Permit, SharedGate};
pub use halves::import_halving;
pub use job::{Begin, ChunkEnd, ChunkImport, Count};
pub use record::{Came, chunk_record, outline};
pub use serial::{Serial, Turn};
pub(crate) use submit::file_name;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::watch;

use crate::chunk::{Numbers, Spool};
use crate::config::choice::OnUnknown;
use crate::config::{Format, Target};
use crate::error::Error;
use crate::event::Events;
use crate::ledger::RunLedger;
use crate::marketo::{Client, Refusal};

/// What every chunk of a run is imported with.
#[derive(Clone)]
pub struct Importer {
    /// What is known of the run on disk.
    pub ledger: RunLedger,
    /// The wire.
    pub client: Client,
    /// The object.
    pub target: Target,
    /// The chunks' format.
    pub format: Format,
    /// Time between two looks at a job.
    pub poll_interval: Duration,
    /// How long a job may take before its chunk is called unknown.
    pub job_timeout: Duration,
    /// What happens to a chunk whose POST got no answer.
    pub on_unknown: OnUnknown,
    /// Where events go.
    pub events: Events,
    /// Rows of chunks that cannot be read from their source again.
    pub spool: Spool,
    /// The numbers of the run's chunks.
    pub numbers: Numbers,
    /// Bytes of all files sent, repetitions included.
    pub bytes_sent: Arc<AtomicU64>,
    /// How far the run has been told to stop.
    pub stopping: watch::Sender<Stopping>,
}

/// How far a run has been told to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopping {
    /// It goes on.
    #[default]
    No,
    /// Nothing more is submitted; jobs in flight are seen to their end.
    NothingNew,
    /// Jobs in flight are no longer waited for.
    AtOnce,
}

impl Importer {
    /// The error to stop with where `refusal` is final.
    fn explained(&self, refusal: &Refusal) -> Error {
        self.client.explain(&self.target, refusal)
    }

    /// Resolves when the run has been told to stop at least this far.
    pub(crate) async fn stopped(&self, far: Stopping) {
        let mut stopping = self.stopping.subscribe();
        // It fails only when all senders are gone, and this is one.
        let _ = stopping.wait_for(|now| *now >= far).await;
    }

    /// Tells the run to stop at least this far.
    pub(crate) fn stop(&self, far: Stopping) {
        self.stopping.send_if_modified(|now| {
            let further = *now < far;
            *now = far.max(*now);
            further
        });
    }
}
