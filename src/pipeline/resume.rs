//! A run goes on where an earlier process left it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use crate::chunk::{Chunks, Outline, Spool};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events};
use crate::import::{Begin, outline};
use crate::ledger::{ChunkRecord, ChunkState, Ledger, RunLedger, RunState, SourceRecord};
use crate::marketo::Client;
use crate::pipeline::Plan;
use crate::pipeline::finish::Imported;
use crate::pipeline::import::read_settings;
use crate::pipeline::lock::RunLock;
use crate::pipeline::rest::{Rest, left_at};
use crate::pipeline::restore::Restore;
use crate::pipeline::run::{Read, Run, Signal};
use crate::pipeline::setup::{Arguments, untouched};
use crate::pipeline::task::Way;
use crate::report::{Key, Layout, check_writable};
use crate::source::Source;
use crate::units::{RowNumber, SourceIndex};

/// A run that an earlier process left, found and taken.
#[derive(Debug)]
pub struct Left {
    /// What it was asked for. What may differ in a resume can be changed here:
    /// limits, waits and what happens to lost answers.
    pub plan: Plan,
    folder: PathBuf,
    layout: Layout,
    ledger: RunLedger,
    sources: Vec<SourceRecord>,
    _lock: RunLock,
}

/// A chunk that is not done.
pub(super) struct Pending {
    pub(super) outline: Outline,
    pub(super) way: Way,
}

impl Left {
    /// Goes to where the run began: its relative paths are relative to that.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when there is no going there.
    pub fn enter_folder(&self) -> Result<()> {
        std::env::set_current_dir(&self.folder).map_err(|error| {
            let (run, folder) = (&self.plan.run, self.folder.display());
            Error::new(
                ErrorKind::Usage,
                format!("the folder in which run {run} began, `{folder}`, cannot be entered"),
            )
            .because(error)
        })
    }

    /// Finds the run named `name` in the state folder, or the newest one that is
    /// not finished, and takes it for this process. Relative paths of the run
    /// are relative to where it began: see [`enter_folder`](Self::enter_folder).
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when there is no such run or it is finished,
    /// [`ErrorKind::TryLater`] while another process works on it.
    pub async fn find(state: &Path, name: Option<&str>) -> Result<Self> {
        let ledger = Ledger::open(state).await?;
        let run = ledger.find(name).await?;
        let ledger = ledger.run(&run).await?;
        let (record, sources) = ledger.record().await?;
        let Arguments {
            mut plan,
            layout,
            folder,
        } = Arguments::of(&record)?;
        // The state folder may have been moved since.
        state.clone_into(&mut plan.state);
        let gate = plan.gate_folder.as_deref().and_then(Path::file_name);
        plan.gate_folder = gate.map(|instance| state.join("gates").join(instance));
        plan.folder = crate::config::state::run_folder(state, &run)?;
        let lock = RunLock::take(&plan.folder, &run)?;
        // Not before the lock: the process that had it may just have finished.
        if ledger.overview().await?.state == RunState::Finished {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("run {run} is finished: nothing of it is left to do"),
            )
            .hint(format!("`mktoload report {run}` writes its report again")));
        }
        if plan.embedded {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("run {run} imported into an embedded sandbox, which ended with it"),
            )
            .hint("run the import again"));
        }
        Ok(Self {
            plan,
            folder,
            layout,
            ledger,
            sources,
            _lock: lock,
        })
    }
}

/// Goes on with `left` until it is done or stopped, as [`import`](super::import)
/// does. Summary, report and books cover the whole run.
///
/// # Errors
/// What is wrong before anything is sent: a source that is no longer what it
/// was, credentials that are refused.
pub async fn resume(
    left: Left,
    client: Client,
    events: Events,
    signal: watch::Receiver<Option<Signal>>,
) -> Result<Imported> {
    let Left {
        plan,
        layout,
        ledger,
        sources,
        folder: _,
        _lock,
    } = &left;
    let read_to_end = ledger.bytes_at_end().await?;
    let untouched = match read_to_end {
        // Chunks that are read again are compared one by one.
        Some(_) => true,
        None => untouched(sources, &plan.sources)?,
    };
    for path in [&plan.report, &plan.rejects] {
        check_writable(path)?;
    }
    let records = ledger.chunks().await?;
    let restore = Restore::new(plan, layout);
    let spool = Spool::new(plan.folder.join("spool"));
    compare(&records, untouched, &restore, &spool)?;
    client.log_in().await?;
    events.emit(Event::RunStarted {
        run: plan.run.clone(),
        bytes_total: plan.sources.iter().map(Source::size).sum(),
    });
    let mut run = Run::new(plan, layout, ledger.clone(), client, events, signal)?;
    let cuts: VecDeque<Outline> = records
        .iter()
        .filter(|record| record.parent.is_none())
        .map(outline)
        .collect();
    let chunks = match read_to_end {
        Some(bytes) => {
            let rejected = run.rejected_before(END)?;
            let rows = cuts.iter().map(|cut| cut.rows).sum::<u64>() + rejected;
            run.read_before(Read { rows, bytes }, rejected, VecDeque::new());
            None
        }
        None => Some(
            read_on(
                &mut run,
                plan,
                layout,
                cuts,
                untouched.then_some((&restore, &spool)),
            )
            .await?,
        ),
    };
    let mut pending = Vec::new();
    for record in records {
        run.number_used(record.chunk, record.cut);
        match left_at(ledger, &record, plan.on_unknown).await? {
            Rest::Done(result) => run.done(*result),
            Rest::Parted => {}
            Rest::Way(way) => pending.push(Pending {
                outline: outline(&record),
                way,
            }),
        }
    }
    // Jobs in flight hold their places, and their values, before more is sent.
    pending.sort_by_key(|left| !matches!(left.way, Way::Import(Begin::Poll { .. })));
    ledger.reopen().await?;
    let halt = run.send(pending, chunks, &restore, plan).await;
    Ok(run.finish(plan, halt).await)
}

/// After every row there can be.
pub(super) const END: Key = Key {
    source: SourceIndex::new(u32::MAX),
    row: RowNumber::new(u64::MAX),
};

/// Whether the sources still hold the chunks that they held, before anything is
/// sent: the chunks to be sent, and all others where a source may have been
/// touched.
fn compare(
    records: &[ChunkRecord],
    untouched: bool,
    restore: &Restore<'_>,
    spool: &Spool,
) -> Result<()> {
    for record in records {
        let is_done = matches!(
            record.state,
            ChunkState::Halved | ChunkState::Ended { reported: true, .. }
        );
        let outline = outline(record);
        // A chunk that is done is no longer in the spool.
        if !is_done || (!untouched && restore.is_plain(&outline)) {
            restore.chunk(&outline, spool)?;
        }
    }
    Ok(())
}

/// The sources after the last cut, by `seek`; where they may have been touched,
/// or there is no going to a place in them, from the beginning: `cuts` are then
/// made again, and have to come out the same.
async fn read_on(
    run: &mut Run,
    plan: &Plan,
    layout: &Layout,
    mut cuts: VecDeque<Outline>,
    seek: Option<(&Restore<'_>, &Spool)>,
) -> Result<Chunks> {
    let mut chunks = Chunks::open(plan.sources.clone(), read_settings(plan)).await?;
    if chunks.header().bytes() != &layout.header {
        return Err(Error::new(
            ErrorKind::Input,
            "the source is not what it was when the run began: it has another header",
        )
        .hint("give it the source as it was and resume again, or begin a new run"));
    }
    let (mut rows, mut rejected) = (0, 0);
    if let (Some((restore, spool)), Some(last)) = (seek, cuts.back()) {
        let start = restore.after(last, spool)?;
        chunks.skip_to(start)?;
        rejected = run.rejected_before(Key {
            source: start.source,
            row: start.row,
        })?;
        rows = cuts.drain(..).map(|cut| cut.rows).sum::<u64>() + rejected;
    }
    let header = layout.header.len() as u64;
    chunks.cut_again(cuts.iter().map(|cut| cut.bytes - header));
    run.read_before(Read { rows, bytes: 0 }, rejected, cuts);
    Ok(chunks)
}
