//! The report of a run that was begun before, written again.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::RunState;
use crate::pipeline::account::{ChunkResult, Fate};
use crate::pipeline::history::KnownRun;
use crate::pipeline::setup::Arguments;
use crate::pipeline::status::{find, known, result};
use crate::report::{ReportFormat, ReportTo, has_chunk, has_entries, write_report};

/// Writes the report of the run `name`, found as [`status`](super::status())
/// does, from its entries: of a run that is not finished, what is known so far.
/// Gives the run.
///
/// # Errors
/// [`ErrorKind::Usage`] when there is no such run, or its entries are gone;
/// [`ErrorKind::Internal`] when the report cannot be written.
pub async fn report_again(
    state: &Path,
    name: Option<&str>,
    format: ReportFormat,
    to: ReportTo,
) -> Result<KnownRun> {
    let ledger = find(state, name).await?;
    let (known, entries) = known(state, &ledger, ledger.overview().await?).await?;
    let (record, _) = ledger.record().await?;
    let Arguments { layout, .. } = Arguments::of(&record)?;
    let lost = ledger
        .chunks()
        .await?
        .iter()
        .filter_map(result)
        .any(|chunk| has_lines(&chunk) && !has_chunk(&entries, chunk.summary.chunk));
    // A run that has only just begun has no entries yet.
    if lost || (known.state != RunState::Running && !has_entries(&entries)) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("the entries of run {} are gone", known.run),
        )
        .because(format!("`{}` does not hold them all", entries.display()))
        .hint("the report that the run wrote may still be where `mktoload status` says"));
    }
    tokio::task::spawn_blocking(move || write_report(&entries, &layout, format, to))
        .await
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "writing the report broke off").because(error)
        })??;
    Ok(known)
}

/// Whether the report has a line of the chunk.
fn has_lines(chunk: &ChunkResult) -> bool {
    match chunk.fate {
        Fate::Counted => chunk
            .book
            .received
            .is_some_and(|received| received.failed + received.warned > 0),
        Fate::Refused | Fate::JobFailed | Fate::Unknown => chunk.summary.rows > 0,
        Fate::NotSent => false,
    }
}
