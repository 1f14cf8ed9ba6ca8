//! What a test can learn of a sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::route::{Call, Object};
use super::world::World;

/// The state of a job, as Marketo names it (D).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waiting for a slot.
    Queued,
    /// Being processed.
    Importing,
    /// Done, whatever became of its rows.
    Complete,
    /// Given up as a whole.
    Failed,
}

impl JobState {
    /// The word in a status answer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Importing => "Importing",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
        }
    }
}

/// A job as the sandbox sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSeen {
    /// Its batch id.
    pub batch_id: u32,
    /// `leads`, `program-members`, or the custom object's API name.
    pub object: String,
    /// Its state at the time of the look.
    pub state: JobState,
    /// Rows imported once it is complete, those with a warning included.
    pub accepted: u64,
    /// Rows refused.
    pub failed: u64,
    /// Rows imported with a warning; part of `accepted`.
    pub warned: u64,
}

/// A create request as it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateSeen {
    /// Its `Content-Length` in bytes, if it had one.
    pub content_length: Option<u64>,
    /// Whether it came with `Transfer-Encoding: chunked`.
    pub chunked: bool,
    /// Bytes of its body that were read.
    pub body_bytes: u64,
}

/// A look into a sandbox, for tests. Cheap to clone; outlives the server.
#[derive(Debug, Clone)]
pub struct Inspection(pub(super) Arc<World>);

impl Inspection {
    /// All jobs in the order in which they were taken.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobSeen> {
        let now = Instant::now();
        let jobs = self.0.jobs();
        let seen = jobs.all().iter().map(|job| JobSeen {
            batch_id: job.batch,
            object: match &job.object {
                Object::Leads => "leads".to_owned(),
                Object::Members => "program-members".to_owned(),
                Object::Custom(name) => name.clone(),
            },
            state: job.state(now),
            accepted: job.outcome.accepted,
            failed: job.outcome.failed,
            warned: job.outcome.warned,
        });
        seen.collect()
    }

    /// The highest number of jobs that were taken and not yet ended.
    #[must_use]
    pub fn most_in_flight(&self) -> usize {
        self.0.jobs().most_in_flight()
    }

    /// Calls so far by kind, refused and faulty ones included.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<Call, u64> {
        self.0.tally().calls.clone()
    }

    /// Calls of one kind so far.
    #[must_use]
    pub fn calls_of(&self, call: Call) -> u64 {
        self.calls().get(&call).copied().unwrap_or_default()
    }

    /// Errors so far by Marketo's code.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<u16, u64> {
        self.0.tally().errors.clone()
    }

    /// Every create request whose body was read, in the order of their ends.
    #[must_use]
    pub fn creates(&self) -> Vec<CreateSeen> {
        self.0.tally().creates.clone()
    }

    /// Bytes of the greatest create body read so far.
    #[must_use]
    pub fn greatest_body(&self) -> u64 {
        let sizes = self.creates().into_iter().map(|create| create.body_bytes);
        sizes.max().unwrap_or_default()
    }

    /// The accepted rows of a job, value by value, in the order sent. Empty
    /// unless [`Settings::keep_accepted`](super::Settings::keep_accepted).
    #[must_use]
    pub fn accepted_rows(&self, batch_id: u32) -> Vec<Vec<String>> {
        let jobs = self.0.jobs();
        let job = jobs.all().iter().find(|job| job.batch == batch_id);
        job.map(|job| job.outcome.rows.clone()).unwrap_or_default()
    }
}
