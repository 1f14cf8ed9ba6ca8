//! What a chunk still needs that an earlier process of the run left.

use std::time::Duration;

use crate::config::choice::OnUnknown;
use crate::error::{Error, ErrorKind, Result};
use crate::import::{Begin, ChunkEnd, ChunkImport};
use crate::ledger::{ChunkEvent, ChunkRecord, ChunkState, EndState, Note, RunLedger};
use crate::pipeline::account::ChunkResult;
use crate::pipeline::task::Way;
use crate::units::BatchId;

/// "The batchId remains valid for seven days": so long Marketo tells how a job
/// went (Adobe, bulk import).
const KEPT_BY_MARKETO: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is left to do for a chunk.
pub(super) enum Rest {
    Done(Box<ChunkResult>),
    /// Its halves hold its rows.
    Parted,
    Way(Way),
}

/// Where the chunk of `record` was left, its state brought up to now: an intent
/// without an outcome is an answer that was lost.
pub(super) async fn left_at(
    ledger: &RunLedger,
    record: &ChunkRecord,
    on_unknown: OnUnknown,
) -> Result<Rest> {
    let mut state = record.state;
    if matches!(state, ChunkState::Submitting { .. }) {
        let note = Note::of("the process ended before the answer was written down");
        state = ledger.note(record.chunk, ChunkEvent::Lost, note).await?;
    }
    let job = record.submits.iter().rev().find_map(|submit| {
        let batch_id = submit.batch_id?;
        Some((batch_id, submit.at))
    });
    let ended = |end, batch_id| ended(record, end, batch_id);
    let why = || {
        let last = record.submits.last();
        last.map_or_else(String::new, |submit| submit.detail.clone())
    };
    Ok(Rest::Way(match (state, job) {
        (ChunkState::Halved, _) => return Ok(Rest::Parted),
        (ChunkState::Ended { reported: true, .. }, _) => {
            let text = record.result.as_deref().unwrap_or_default();
            let result = serde_json::from_str(text).map_err(|error| {
                Error::new(
                    ErrorKind::Internal,
                    format!(
                        "the ledger's result of chunk {} cannot be read",
                        record.chunk
                    ),
                )
                .because(error)
            })?;
            return Ok(Rest::Done(Box::new(result)));
        }
        (
            ChunkState::Ended {
                end: EndState::Refused,
                ..
            },
            _,
        ) => ended(ChunkEnd::Refused(why()), None),
        (
            ChunkState::Ended {
                end: EndState::Unknown,
                ..
            },
            job,
        ) => ended(ChunkEnd::Unknown(why()), job.map(|(batch_id, _)| batch_id)),
        (ChunkState::InFlight { batch_id }, Some((_, at))) if is_forgotten(at) => {
            given_up(ledger, record, Some(batch_id), FORGOTTEN).await?
        }
        (ChunkState::InFlight { batch_id }, _) => poll(record, batch_id),
        // Seen to end, and its failures not yet found: Marketo is asked again.
        (ChunkState::Ended { .. }, Some((batch_id, at))) if !is_forgotten(at) => {
            poll(record, batch_id)
        }
        (ChunkState::Ended { .. }, job) => ended(
            ChunkEnd::Unknown(FORGOTTEN.to_owned()),
            job.map(|(batch_id, _)| batch_id),
        ),
        (ChunkState::Ready { lost: 1.. }, _) if on_unknown == OnUnknown::Hold => {
            given_up(ledger, record, None, "the answer was lost").await?
        }
        (ChunkState::Ready { lost } | ChunkState::Submitting { lost }, _) => {
            Way::Import(Begin::Submit { lost })
        }
    }))
}

const FORGOTTEN: &str = "Marketo keeps a job's result for seven days, and this job is older: its rows may have been imported";

/// Whether Marketo no longer tells how a job went that it took at `at`. A clock
/// that was set back makes no job older.
fn is_forgotten(at: jiff::Timestamp) -> bool {
    let age = jiff::Timestamp::now().duration_since(at);
    age.unsigned_abs() > KEPT_BY_MARKETO && age.is_positive()
}

fn poll(record: &ChunkRecord, batch_id: BatchId) -> Way {
    Way::Import(Begin::Poll {
        batch_id,
        submits: record.possibly_taken(),
    })
}

async fn given_up(
    ledger: &RunLedger,
    record: &ChunkRecord,
    batch_id: Option<BatchId>,
    why: &str,
) -> Result<Way> {
    ledger
        .note(record.chunk, ChunkEvent::GivenUp, Note::of(why))
        .await?;
    Ok(ended(record, ChunkEnd::Unknown(why.to_owned()), batch_id))
}

fn ended(record: &ChunkRecord, end: ChunkEnd, batch_id: Option<BatchId>) -> Way {
    Way::Report(ChunkImport {
        end,
        batch_id,
        submits: record.possibly_taken(),
        fatal: None,
    })
}
