//! The runs that are known, as they stand now.

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use crate::config::state::runs_folder;
use crate::error::Result;
use crate::ledger::{Ledger, RunLedger, RunOverview, RunState};
use crate::pipeline::lock::RunLock;
use crate::pipeline::plan::EMBEDDED;
use crate::report::Rows;
use crate::units::RunId;

/// A run as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRun {
    /// Its name.
    pub run: RunId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended last; none while it runs and where its process died.
    pub ended: Option<Timestamp>,
    /// What it imports into.
    pub target: String,
    /// Marketo's base URL.
    pub endpoint: String,
    /// Where it stands. A run whose process died is interrupted.
    pub state: RunState,
    /// The exit code with which it ended last.
    pub exit_code: Option<u8>,
    /// What became of its rows, by the summary with which it ended last.
    pub rows: Option<Rows>,
}

/// The part of a summary that no version changes.
#[derive(Deserialize)]
struct Counted {
    rows: Rows,
}

impl KnownRun {
    /// Whether a resume can go on with it.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.state == RunState::Interrupted && self.endpoint != EMBEDDED
    }

    /// The run of `overview`, of which a process may be at work.
    pub(super) async fn of(
        state: &Path,
        ledger: &RunLedger,
        overview: RunOverview,
    ) -> Result<Self> {
        let folder = runs_folder(state).join(overview.run.as_str());
        let mut overview = overview;
        if overview.state == RunState::Running && !RunLock::is_taken(&folder) {
            // It may have ended between the two looks, or gone on after them.
            overview = ledger.overview().await?;
            if overview.state == RunState::Running && !RunLock::is_taken(&folder) {
                overview.state = RunState::Interrupted;
            }
        }
        let summary = overview.summary.as_deref().unwrap_or_default();
        Ok(Self {
            run: overview.run,
            started: overview.started,
            ended: overview.ended,
            target: overview.target,
            endpoint: overview.endpoint,
            state: overview.state,
            exit_code: overview.exit_code,
            rows: serde_json::from_str(summary)
                .ok()
                .map(|Counted { rows }| rows),
        })
    }
}

/// All runs of a state folder, newest first.
///
/// # Errors
/// When the ledger cannot be read. That there is none is no error.
pub async fn runs(state: &Path) -> Result<Vec<KnownRun>> {
    let Some(ledger) = Ledger::open_existing(state).await? else {
        return Ok(Vec::new());
    };
    let mut runs = Vec::new();
    for overview in ledger.runs().await? {
        let run = ledger.run(&overview.run).await?;
        runs.push(KnownRun::of(state, &run, overview).await?);
    }
    Ok(runs)
}
