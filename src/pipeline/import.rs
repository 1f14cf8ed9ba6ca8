//! A run from its sources to its report.

use tokio::sync::watch;

use crate::chunk::{Chunks, ReadSettings, RejectedRow};
use crate::config::Format;
use crate::error::Result;
use crate::event::{Event, Events};
use crate::import::file_name;
use crate::ledger::Ledger;
use crate::marketo::{self, Client};
use crate::pipeline::Plan;
use crate::pipeline::finish::Imported;
use crate::pipeline::gate::serial;
use crate::pipeline::lock::RunLock;
use crate::pipeline::restore::Restore;
use crate::pipeline::run::{Run, Signal};
use crate::pipeline::setup::{layout, run_record, seen};
use crate::report::{Entry, Status, check_writable};
use crate::source::Source;
use crate::units::ChunkNumber;

/// Imports what `plan` says and reports on it. `signal` becomes `Some` when the
/// user wants to stop.
///
/// Once anything may have been sent the summary tells of everything that
/// happened, faults included; with it comes the error that ended the run early,
/// if one did, and whether [`resume`](super::resume()) can go on from there.
///
/// # Errors
/// What is wrong before anything is sent: a source or its header, a path that
/// cannot be written.
pub async fn import(
    plan: Plan,
    client: Client,
    events: Events,
    signal: watch::Receiver<Option<Signal>>,
) -> Result<Imported> {
    for path in [&plan.report, &plan.rejects] {
        check_writable(path)?;
    }
    let _lock = RunLock::take(&plan.folder, &plan.run)?;
    let ledger = Ledger::open(&plan.state).await?;
    let sources = seen(&plan.sources);
    let chunks = Chunks::open(plan.sources.clone(), read_settings(&plan)).await?;
    client.log_in().await?;
    let layout = layout(&plan, &chunks);
    // A column that is not there is said before there is a run to go on with.
    serial(&plan, &layout, &events)?;
    let begun = ledger
        .begin_run(run_record(&plan, &layout)?, sources)
        .await?;
    events.emit(Event::RunStarted {
        run: plan.run.clone(),
        bytes_total: plan.sources.iter().map(Source::size).sum(),
    });
    let mut run = match Run::new(&plan, &layout, begun, client, events, signal) {
        Ok(run) => run,
        Err(error) => {
            // Nothing was sent, so there is nothing to go on with.
            ledger.forget(&plan.run).await?;
            return Err(error);
        }
    };
    let restore = Restore::new(&plan, &layout);
    let halt = run.send(Vec::new(), Some(chunks), &restore, &plan).await;
    Ok(run.finish(&plan, halt).await)
}

/// How the sources of `plan` are read.
pub(super) fn read_settings(plan: &Plan) -> ReadSettings {
    ReadSettings {
        format: plan.format,
        chunk_bytes: chunk_bytes(plan.max_part_bytes),
        on_bad_row: plan.on_bad_row,
    }
}

/// Bytes that a chunk may have so that its whole request, the multipart frame
/// round it included, stays within `max_part_bytes`.
pub(super) fn chunk_bytes(max_part_bytes: u64) -> u64 {
    // The longest name that a chunk's file can have: it stands in the frame.
    let name = file_name(ChunkNumber::new(u32::MAX), Format::Csv);
    max_part_bytes.saturating_sub(marketo::frame_len(&name))
}

/// A row that came into no chunk, as a line of the report.
pub(super) fn rejected(row: RejectedRow) -> Entry {
    Entry {
        source: row.source,
        row: Some(row.row),
        line: Some(row.line),
        chunk: None,
        batch_id: None,
        status: Status::Rejected,
        matched: None,
        job_failed: false,
        only_candidate: false,
        reason: row.reason,
        candidates: Vec::new(),
        raw: Vec::new(),
        bytes: row.bytes,
    }
}
