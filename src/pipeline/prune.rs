//! Runs that are forgotten.
//!
//! A run's rows in the ledger go first, its folder after them. A crash in
//! between leaves a folder that no run claims, which the next pruning takes
//! with it. The other way round it would leave a run whose entries are gone in
//! part: a resume would go on with it, and its report would lack rows.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::state::runs_folder;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::Ledger;
use crate::pipeline::history::{KnownRun, runs};
use crate::pipeline::lock::RunLock;
use crate::units::RunId;

/// An import makes its folder a moment before it locks it. No folder as young
/// as this is taken for one that was left behind.
const BEGINNING: Duration = Duration::from_secs(60);

/// What became of the runs that are old enough.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Runs that were forgotten.
    pub pruned: Vec<Old>,
    /// Runs at which a process is at work.
    pub at_work: Vec<RunId>,
    /// How many runs are too young.
    pub younger: usize,
    /// What could not be removed, and why.
    pub faults: Vec<Error>,
}

/// A run that is old enough to be forgotten.
#[derive(Debug)]
pub struct Old {
    /// Its name.
    pub run: RunId,
    /// What the ledger knew of it; none for a folder that an import left which
    /// never began.
    pub known: Option<KnownRun>,
}

/// Forgets the runs of a state folder that ended more than `age` ago, or began
/// so long ago if their process died: what the ledger knows of them, and their
/// folders with the entries and with the report and the rejects, unless those
/// were put elsewhere. A run at which a process is at work stays.
///
/// # Errors
/// When the ledger cannot be read. What cannot be removed is among the
/// [`faults`](Pruned::faults).
pub async fn prune(state: &Path, age: Duration) -> Result<Pruned> {
    let limit = before_now(age);
    let mut result = Pruned::default();
    // First the folders: one that an import makes after this has a younger run.
    let folders = folders(state)?;
    let mut known: HashMap<RunId, KnownRun> = runs(state)
        .await?
        .into_iter()
        .map(|known| (known.run.clone(), known))
        .collect();
    let mut all: Vec<Old> = folders
        .into_iter()
        .map(|run| Old {
            known: known.remove(&run),
            run,
        })
        .collect();
    all.extend(known.into_values().map(|known| Old {
        run: known.run.clone(),
        known: Some(known),
    }));
    all.sort_by(|a, b| a.run.cmp(&b.run));
    let ledger = Ledger::open_existing(state).await?;
    for old in all {
        let since = match &old.known {
            Some(known) => Some(known.ended.unwrap_or(known.started)),
            None => old
                .run
                .began()
                .filter(|began| *began < before_now(BEGINNING)),
        };
        if since.is_none_or(|since| since >= limit) {
            result.younger += 1;
            continue;
        }
        match forget(state, ledger.as_ref(), &old.run).await {
            Ok(()) => result.pruned.push(old),
            Err(error) if error.kind() == ErrorKind::TryLater => result.at_work.push(old.run),
            Err(error) => result.faults.push(error),
        }
    }
    Ok(result)
}

fn before_now(age: Duration) -> Timestamp {
    Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// The runs that have a folder. What else lies there is not ours.
fn folders(state: &Path) -> Result<Vec<RunId>> {
    let folder = runs_folder(state);
    let read = || -> std::io::Result<Vec<RunId>> {
        let mut runs = Vec::new();
        for entry in folder.read_dir()? {
            let entry = entry?;
            if let (true, Ok(name)) = (entry.file_type()?.is_dir(), entry.file_name().into_string())
            {
                runs.push(RunId::known(name));
            }
        }
        runs.retain(|run| run.began().is_some());
        Ok(runs)
    };
    match read() {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::new(
            ErrorKind::Internal,
            format!("`{}` cannot be read", folder.display()),
        )
        .because(error)),
        found => Ok(found.unwrap_or_default()),
    }
}

/// # Errors
/// [`ErrorKind::TryLater`] while a process is at work on it.
async fn forget(state: &Path, ledger: Option<&Ledger>, run: &RunId) -> Result<()> {
    let folder = runs_folder(state).join(run.as_str());
    // Held until both are gone, so that no resume begins meanwhile.
    let _lock = if folder.exists() {
        Some(RunLock::take(&folder, run)?)
    } else {
        None
    };
    if let Some(ledger) = ledger {
        ledger.forget(run).await?;
    }
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::new(
            ErrorKind::Internal,
            format!("the folder `{}` cannot be removed", folder.display()),
        )
        .because(error)
        .hint("remove it yourself, or prune again")),
        _ => Ok(()),
    }
}
