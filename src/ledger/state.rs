//! Where a chunk stands, and the one function by which it moves on. No I/O:
//! a run and its recovery share it.

use std::fmt;

use crate::units::BatchId;

/// Where a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChunkState {
    /// It waits to be sent, and no POST of it is under way.
    Ready {
        /// POSTs whose answer was lost. With none, nothing of it can be at
        /// Marketo.
        lost: u32,
    },
    /// The intent is on disk: a POST may be under way.
    Submitting {
        /// POSTs before this one whose answer was lost.
        lost: u32,
    },
    /// Marketo took it.
    InFlight {
        /// As this job.
        batch_id: BatchId,
    },
    /// It came to an end.
    Ended {
        /// How.
        end: EndState,
        /// Whether its entries are on disk, so that nothing is left to do.
        reported: bool,
    },
    /// Marketo called it too large (413): two other chunks hold its rows.
    Halved,
}

/// How a chunk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndState {
    /// The job completed; single rows of it may have failed.
    Complete,
    /// Marketo took it and the job failed as a whole.
    Failed,
    /// Marketo never took it.
    Refused,
    /// Nobody can tell whether Marketo imported it.
    Unknown,
}

impl EndState {
    /// The word for it in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl ChunkState {
    /// The word for it in the database; for an ended chunk, how it ended.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Submitting { .. } => "submitting",
            Self::InFlight { .. } => "in flight",
            Self::Ended { end, .. } => end.name(),
            Self::Halved => "halved",
        }
    }
}

/// As messages have it: `ready`, `submitting (1 lost)`, `in flight as 1001`,
/// `complete, not reported`.
impl fmt::Display for ChunkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Ready { lost: 0 }
            | Self::Submitting { lost: 0 }
            | Self::Ended { reported: true, .. }
            | Self::Halved => Ok(()),
            Self::Ready { lost } | Self::Submitting { lost } => write!(f, " ({lost} lost)"),
            Self::InFlight { batch_id } => write!(f, " as {batch_id}"),
            Self::Ended { .. } => f.write_str(", not reported"),
        }
    }
}

/// What moves a chunk on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChunkEvent {
    /// It is about to be sent.
    Intent,
    /// The answer proves that Marketo did not take it.
    NotTaken,
    /// No answer came, or the process died: Marketo may have taken it.
    Lost,
    /// Marketo took it as this job.
    Taken(BatchId),
    /// The job completed.
    Completed,
    /// The job failed as a whole.
    JobFailed,
    /// Marketo refused it for good.
    Refused,
    /// Its outcome will never be known: it is not sent again after a lost
    /// answer, or the job's results are gone.
    GivenUp,
    /// Marketo called it too large, and two other chunks hold its rows.
    Halved,
    /// Its entries are on disk.
    Reported,
}

impl fmt::Display for ChunkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intent => "intent",
            Self::NotTaken => "not taken",
            Self::Lost => "lost",
            Self::Taken(batch_id) => return write!(f, "taken as {batch_id}"),
            Self::Completed => "completed",
            Self::JobFailed => "job failed",
            Self::Refused => "refused",
            Self::GivenUp => "given up",
            Self::Halved => "halved",
            Self::Reported => "reported",
        })
    }
}

/// An event that cannot happen to a chunk where it stands: a bug of the
/// caller's, or two processes on one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalTransition {
    /// Where the chunk stands, and stays.
    pub state: ChunkState,
    /// What was said to have happened.
    pub event: ChunkEvent,
}

impl fmt::Display for IllegalTransition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot follow on `{}`", self.event, self.state)
    }
}

impl std::error::Error for IllegalTransition {}

/// Where a chunk in `state` stands after `event`. No state moves but by this.
///
/// # Errors
/// When `event` cannot happen in `state`.
pub fn next(state: ChunkState, event: ChunkEvent) -> Result<ChunkState, IllegalTransition> {
    use ChunkEvent as On;
    use ChunkState::{Ended, Halved, InFlight, Ready, Submitting};
    let ended = |end| Ended {
        end,
        reported: false,
    };
    Ok(match (state, event) {
        (Ready { lost }, On::Intent) => Submitting { lost },
        (Submitting { lost }, On::NotTaken) => Ready { lost },
        (Submitting { lost }, On::Lost) => Ready { lost: lost + 1 },
        (Submitting { .. }, On::Taken(batch_id)) => InFlight { batch_id },
        // What was refused now may have been taken before.
        (Submitting { lost }, On::Refused) => ended(match lost {
            0 => EndState::Refused,
            1.. => EndState::Unknown,
        }),
        // Not so here: the lost POST had the same body, too large as well.
        (Submitting { .. }, On::Halved) => Halved,
        // A resume looks again at a job that was seen to end, to report it.
        (
            InFlight { .. }
            | Ended {
                end: EndState::Complete,
                reported: false,
            },
            On::Completed,
        ) => ended(EndState::Complete),
        (
            InFlight { .. }
            | Ended {
                end: EndState::Failed,
                reported: false,
            },
            On::JobFailed,
        ) => ended(EndState::Failed),
        (Ready { lost: 1.. } | InFlight { .. }, On::GivenUp) => ended(EndState::Unknown),
        (
            Ended {
                end,
                reported: false,
            },
            On::Reported,
        ) => Ended {
            end,
            reported: true,
        },
        _ => return Err(IllegalTransition { state, event }),
    })
}
