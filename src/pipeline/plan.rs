//! A run as it is going to be: everything resolved, nothing left to default.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::choice::{MaxErrors, OnBadRow, OnUnknown, ReportColumns};
use crate::config::{CallRate, Format, Target};
use crate::source::Source;
use crate::units::RunId;

/// The [`instance`](Plan::instance) of a run into an embedded sandbox.
pub const EMBEDDED: &str = "sandbox";

/// A run as it is going to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// The run's name.
    pub run: RunId,
    /// The state folder, which holds the ledger.
    pub state: PathBuf,
    /// The folder of the run, for its entries, report and rejects.
    pub folder: PathBuf,
    /// The instance's base URL.
    pub instance: String,
    /// Whether the instance is an embedded sandbox, which ends with this
    /// process: there is nothing to resume then.
    pub embedded: bool,
    /// The call budget.
    pub rate: CallRate,
    /// Where the processes that import into the same instance share their
    /// slots; none: the run has a gate of its own.
    pub gate_folder: Option<PathBuf>,
    /// Whether a used-up daily quota is waited for instead of stopping.
    pub wait_for_quota: bool,
    /// What is imported into.
    pub target: Target,
    /// What is read, in order.
    pub sources: Vec<Source>,
    /// The sources' format; none: by name, else sniffed.
    pub format: Option<Format>,
    /// Bytes of a create request at most, multipart frame included.
    pub max_part_bytes: u64,
    /// Jobs in flight at most.
    pub max_in_flight: usize,
    /// Time between two looks at a job.
    pub poll_interval: Duration,
    /// How long a job may take.
    pub job_timeout: Duration,
    /// The column of which no two chunks in flight share a value.
    pub serialize_on: Option<String>,
    /// Failed and rejected rows after which nothing more is sent.
    pub max_errors: Option<MaxErrors>,
    /// What happens to a row that breaks a rule.
    pub on_bad_row: OnBadRow,
    /// What happens to a chunk whose POST got no answer.
    pub on_unknown: OnUnknown,
    /// Where the report goes; `.jsonl` by its extension.
    pub report: PathBuf,
    /// Where the rejects go.
    pub rejects: PathBuf,
    /// How much of a row the report shows.
    pub report_columns: ReportColumns,
}
