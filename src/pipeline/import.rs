//! A run from its sources to its report.

use std::time::Instant;

use tokio::sync::watch;

use crate::chunk::{Chunks, ReadSettings, RejectedRow};
use crate::config::Format;
use crate::error::{Error, Result};
use crate::event::{Event, Events};
use crate::import::file_name;
use crate::marketo::{self, Client};
use crate::pipeline::Plan;
use crate::pipeline::run::{Run, Signal};
use crate::report::{Entry, Status, Summary, check_writable};
use crate::source::Source;
use crate::units::ChunkNumber;

/// Imports what `plan` says and reports on it. `signal` becomes `Some` when the
/// user wants to stop.
///
/// The summary tells of everything that happened once anything was sent,
/// faults included; with it comes the error that ended the run early, if one
/// did.
///
/// # Errors
/// What is wrong before anything is sent: a source or its header, a path that
/// cannot be written.
pub async fn import(
    plan: Plan,
    client: Client,
    events: Events,
    signal: watch::Receiver<Option<Signal>>,
) -> Result<(Summary, Option<Error>)> {
    let started = Instant::now();
    for path in [&plan.report, &plan.rejects] {
        check_writable(path)?;
    }
    let settings = ReadSettings {
        format: plan.format,
        chunk_bytes: chunk_bytes(plan.max_part_bytes),
        on_bad_row: plan.on_bad_row,
    };
    let chunks = Chunks::open(plan.sources.clone(), settings).await?;
    client.log_in().await?;
    events.emit(Event::RunStarted {
        run: plan.run.clone(),
        bytes_total: plan.sources.iter().map(Source::size).sum(),
    });
    let mut run = Run::new(&plan, client, events, &chunks, signal)?;
    let halt = run.send(chunks, &plan).await;
    run.finish(&plan, started, halt).await
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
