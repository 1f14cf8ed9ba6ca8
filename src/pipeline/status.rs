//! How far one run is, by what the ledger and its folder say.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::config::state::runs_folder;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{
    ChunkRecord, ChunkState, Ledger, RunLedger, RunOverview, RunTotals, SourceRecord,
};
use crate::pipeline::account::{Account, ChunkResult};
use crate::pipeline::history::KnownRun;
use crate::pipeline::setup::{Arguments, entries_folder};
use crate::report::{Rows, rejected_so_far};
use crate::units::{BatchId, ChunkNumber};

/// How far a run is.
#[derive(Debug)]
pub struct RunStatus {
    /// The run itself.
    pub known: KnownRun,
    /// The version of mktoload that began it.
    pub tool_version: String,
    /// Its sources, in the order given, with their sizes as it found them.
    pub sources: Vec<SourceRecord>,
    /// Whether they were read to their end.
    pub read_to_end: bool,
    /// What became of its rows: as its summary says, or so far.
    pub rows: Rows,
    /// Its chunks by where they stand; states without a chunk are left out.
    pub chunks: Vec<InState>,
    /// The jobs that Marketo is not known to have ended.
    pub in_flight: Vec<Batch>,
    /// How often a chunk may have been taken by Marketo.
    pub submits: u64,
    /// How many of those were not a chunk's first.
    pub repeated: u64,
    /// What was used up until a process of the run ended last.
    pub totals: RunTotals,
    /// Where it writes its report; none if another version wrote that down.
    pub report: Option<PathBuf>,
    /// Where it writes its rejects.
    pub rejects: Option<PathBuf>,
}

/// The chunks that stand at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InState {
    /// The word for it, `ended` for a chunk whose failures are not yet found.
    pub state: &'static str,
    /// How many chunks.
    pub chunks: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A job that Marketo is not known to have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Its chunk.
    pub chunk: ChunkNumber,
    /// The chunk's rows.
    pub rows: u64,
    /// Marketo's number of it.
    pub batch_id: BatchId,
    /// When its chunk was sent.
    pub since: Timestamp,
}

/// The words for where a chunk stands, in the order of its life. One that was
/// sent in halves stands nowhere: they do.
const STATES: [&str; 8] = [
    "ready",
    "submitting",
    "in flight",
    "ended",
    "complete",
    "failed",
    "refused",
    "unknown",
];

/// How far the run `name` is, or a part of whose name that is; the newest one
/// without a name.
///
/// # Errors
/// [`ErrorKind::Usage`] when there is no such run, or more than one.
pub async fn status(state: &Path, name: Option<&str>) -> Result<RunStatus> {
    let ledger = find(state, name).await?;
    let (known, entries) = known(state, &ledger, ledger.overview().await?).await?;
    let (record, sources) = ledger.record().await?;
    let chunks = ledger.chunks().await?;
    let arguments = Arguments::of(&record).ok();
    let path = |of: fn(&Arguments) -> &PathBuf| {
        let arguments = arguments.as_ref()?;
        Some(arguments.folder.join(of(arguments)))
    };
    let taken = chunks.iter().map(|chunk| u64::from(chunk.possibly_taken()));
    Ok(RunStatus {
        rows: match known.rows {
            Some(rows) => rows,
            None => so_far(&chunks, entries).await?,
        },
        known,
        tool_version: record.tool_version.clone(),
        sources,
        read_to_end: ledger.bytes_at_end().await?.is_some(),
        in_flight: chunks.iter().filter_map(in_flight).collect(),
        submits: taken.clone().sum(),
        repeated: taken.map(|taken| taken.saturating_sub(1)).sum(),
        chunks: by_state(&chunks),
        totals: ledger.totals().await?,
        report: path(|arguments| &arguments.plan.report),
        rejects: path(|arguments| &arguments.plan.rejects),
    })
}

/// The run that a person means; see [`status`].
pub(super) async fn find(state: &Path, name: Option<&str>) -> Result<RunLedger> {
    let none = || {
        let state = state.display();
        Error::new(ErrorKind::Usage, format!("no run is known in `{state}`"))
            .hint("name another folder with --state-dir or MKTOLOAD_STATE_DIR")
    };
    let ledger = Ledger::open_existing(state).await?.ok_or_else(none)?;
    let run = match name {
        Some(_) => ledger.find(name).await?,
        None => ledger.newest().await?.ok_or_else(none)?,
    };
    ledger.run(&run).await
}

/// The run of `overview`, and the folder of its entries.
pub(super) async fn known(
    state: &Path,
    ledger: &RunLedger,
    overview: RunOverview,
) -> Result<(KnownRun, PathBuf)> {
    let known = KnownRun::of(state, ledger, overview).await?;
    let folder = runs_folder(state).join(known.run.as_str());
    Ok((known, entries_folder(&folder)))
}

/// What a reported chunk came to; none if it is not reported, or by another
/// version.
pub(super) fn result(chunk: &ChunkRecord) -> Option<ChunkResult> {
    serde_json::from_str(chunk.result.as_deref()?).ok()
}

/// Rows of a run without a summary.
async fn so_far(chunks: &[ChunkRecord], entries: PathBuf) -> Result<Rows> {
    let rejected = tokio::task::spawn_blocking(move || rejected_so_far(&entries))
        .await
        .map_err(|error| {
            Error::new(ErrorKind::Internal, "counting rows broke off").because(error)
        })??;
    let mut account = Account::default();
    account.rejected(rejected);
    chunks
        .iter()
        .filter_map(result)
        .for_each(|result| account.chunk(result));
    let cuts = chunks.iter().filter(|chunk| chunk.parent.is_none());
    Ok(Rows {
        read: rejected + cuts.map(|cut| cut.rows).sum::<u64>(),
        ..account.rows
    })
}

fn by_state(chunks: &[ChunkRecord]) -> Vec<InState> {
    let count = |state| {
        let mut count = InState {
            state,
            chunks: 0,
            rows: 0,
            bytes: 0,
        };
        for chunk in chunks.iter().filter(|chunk| word(chunk.state) == state) {
            count.chunks += 1;
            count.rows += chunk.rows;
            count.bytes += chunk.bytes;
        }
        count
    };
    let mut counts: Vec<InState> = STATES.into_iter().map(count).collect();
    counts.retain(|count| count.chunks > 0);
    counts
}

fn word(state: ChunkState) -> &'static str {
    match state {
        ChunkState::Ended {
            reported: false, ..
        } => "ended",
        other => other.name(),
    }
}

fn in_flight(chunk: &ChunkRecord) -> Option<Batch> {
    let ChunkState::InFlight { batch_id } = chunk.state else {
        return None;
    };
    Some(Batch {
        chunk: chunk.chunk,
        rows: chunk.rows,
        batch_id,
        since: chunk.submits.last()?.at,
    })
}
