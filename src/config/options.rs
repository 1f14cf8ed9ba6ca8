//! The options of an import as written: by flag, environment or pipeline file.
//!
//! One type for all three, so that a name means the same everywhere. Nothing
//! here has a default; [`Options::over`] lays one layer over another, and the
//! defaults come last.

#![expect(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "the fields' comments are help texts"
)]

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::config::choice::{MaxErrors, OnBadRow, OnUnknown, ReportColumns, Time, from_text};
use crate::config::{CallRate, Format};

/// Options as written; what is `None` was not.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Options of the import")]
pub struct Options {
    /// Marketo's endpoint: https://123-ABC-456.mktorest.com (with or without
    /// /rest), the bare Munchkin id, or `sandbox` for an embedded Marketo
    #[arg(long, env = "MKTO_ENDPOINT", value_name = "URL")]
    pub endpoint: Option<String>,

    /// The custom service's client id; its secret is read from
    /// MKTO_CLIENT_SECRET or the file that MKTO_CLIENT_SECRET_FILE names
    #[arg(
        long,
        env = "MKTO_CLIENT_ID",
        value_name = "ID",
        hide_env_values = true
    )]
    pub client_id: Option<String>,

    /// Let plain http reach a host that is not this machine
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
    pub allow_insecure_http: Option<bool>,

    /// The sources' format: csv, ssv or tsv [default: by extension, else sniffed]
    #[arg(long, value_enum, hide_possible_values = true)]
    pub format: Option<Format>,

    /// Bytes of one request at most, multipart frame included [default: 10000000]
    #[arg(long, value_name = "BYTES")]
    pub max_part_bytes: Option<u64>,

    /// Jobs submitted and not yet finished at most, 1 to 10 [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10))]
    pub max_in_flight: Option<u64>,

    /// Time between two looks at a job, 10ms at least [default: 5s]
    #[arg(long, value_name = "TIME")]
    #[serde(deserialize_with = "from_text")]
    pub poll_interval: Option<Time>,

    /// Calls in a window of time, over all endpoints but identity [default: 50/20s]
    #[arg(long, value_name = "CALLS/TIME")]
    #[serde(deserialize_with = "from_text")]
    pub rate_limit: Option<CallRate>,

    /// Stop when more rows than this failed or were rejected: a number, or a
    /// share of the rows whose fate is known, such as 2% [default: no limit]
    #[arg(long, value_name = "N|N%")]
    #[serde(deserialize_with = "from_text")]
    pub max_errors: Option<MaxErrors>,

    /// Never have two chunks in flight that share a value of this column; case
    /// and blanks round a value make no difference [default: off]
    #[arg(long, value_name = "COLUMN")]
    pub serialize_on: Option<String>,

    /// Rows with too many or too few fields: reject them, stop before the
    /// first, or send them as they are [default: reject]
    #[arg(
        long,
        value_name = "reject|stop|send",
        value_enum,
        hide_possible_values = true
    )]
    pub on_bad_row: Option<OnBadRow>,

    /// A chunk whose POST got no answer: resend it, or hold it and report its
    /// rows as unknown [default: resend]
    #[arg(
        long,
        value_name = "resend|hold",
        value_enum,
        hide_possible_values = true
    )]
    pub on_unknown: Option<OnUnknown>,

    /// How long a job may take before its rows are called unknown [default: 24h]
    #[arg(long, value_name = "TIME")]
    #[serde(deserialize_with = "from_text")]
    pub job_timeout: Option<Time>,

    /// When the daily call quota is used up, wait for its reset at midnight US
    /// Central time instead of ending with exit code 75
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
    pub wait_for_quota: Option<bool>,

    /// Where runs keep their files [default: $XDG_STATE_HOME/mktoload]
    #[arg(long, env = "MKTOLOAD_STATE_DIR", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// Write the report here, as JSON lines if it ends in .jsonl [default: in
    /// the run's folder]
    #[arg(long, value_name = "PATH")]
    pub report: Option<PathBuf>,

    /// Write rejected and failed rows here, ready to be imported again
    /// [default: in the run's folder]
    #[arg(long, value_name = "PATH")]
    pub rejects: Option<PathBuf>,

    /// How much of a row the report shows: all columns, the key, or none
    /// [default: all]
    #[arg(
        long,
        value_name = "all|key|none",
        value_enum,
        hide_possible_values = true
    )]
    pub report_columns: Option<ReportColumns>,
}

impl Options {
    /// The keys that a pipeline file's `[options]` takes.
    pub const KEYS: &[&str] = &[
        "endpoint",
        "client_id",
        "allow_insecure_http",
        "format",
        "max_part_bytes",
        "max_in_flight",
        "poll_interval",
        "rate_limit",
        "max_errors",
        "serialize_on",
        "on_bad_row",
        "on_unknown",
        "job_timeout",
        "wait_for_quota",
        "state_dir",
        "report",
        "rejects",
        "report_columns",
    ];

    /// These options, and where they say nothing, those of `below`.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            endpoint: self.endpoint.or(below.endpoint),
            client_id: self.client_id.or(below.client_id),
            allow_insecure_http: self.allow_insecure_http.or(below.allow_insecure_http),
            format: self.format.or(below.format),
            max_part_bytes: self.max_part_bytes.or(below.max_part_bytes),
            max_in_flight: self.max_in_flight.or(below.max_in_flight),
            poll_interval: self.poll_interval.or(below.poll_interval),
            rate_limit: self.rate_limit.or(below.rate_limit),
            max_errors: self.max_errors.or(below.max_errors),
            serialize_on: self.serialize_on.or(below.serialize_on),
            on_bad_row: self.on_bad_row.or(below.on_bad_row),
            on_unknown: self.on_unknown.or(below.on_unknown),
            job_timeout: self.job_timeout.or(below.job_timeout),
            wait_for_quota: self.wait_for_quota.or(below.wait_for_quota),
            state_dir: self.state_dir.or(below.state_dir),
            report: self.report.or(below.report),
            rejects: self.rejects.or(below.rejects),
            report_columns: self.report_columns.or(below.report_columns),
        }
    }
}
