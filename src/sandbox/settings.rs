//! What can be set on a sandbox.

use std::time::Duration;

use secrecy::SecretString;

use super::faults::FaultRule;
use super::route::Call;
use super::schema::Schema;

/// What can be set on a sandbox. The default is fit for `--endpoint sandbox`:
/// Marketo's documented limits, jobs that take no time, any credentials, any
/// custom object, program and list.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The only client id that identity knows; `None` takes any that is not
    /// empty.
    pub client_id: Option<String>,
    /// The only secret that identity takes; `None` takes any that is not empty.
    pub client_secret: Option<SecretString>,
    /// Life of a new token. Marketo's lives 3600 s (D).
    pub token_life: Duration,
    /// Kinds of calls that are answered with 603 "Access denied", as for a user
    /// whose role lacks the permission.
    pub denied: Vec<Call>,
    /// Jobs that are processed at once: 2 (D).
    pub running_jobs: usize,
    /// Jobs in the queue, those being processed included: 10; one more is
    /// answered with 1016 (D).
    pub queued_jobs: usize,
    /// Calls in [`rate_window`](Self::rate_window): 100; one more is answered
    /// with 606 (D). Identity calls do not count.
    pub rate_calls: usize,
    /// The window of [`rate_calls`](Self::rate_calls): 20 s (D).
    pub rate_window: Duration,
    /// Calls at once: 10; one more is answered with 615 (D). Identity calls do
    /// not count.
    pub calls_at_once: usize,
    /// Bytes of a create request, the multipart frame included; more is
    /// answered with HTTP 413. Adobe says "10 MB" (D) and never says how many
    /// bytes that is; this is the smaller reading.
    pub body_limit: u64,
    /// Rows that one job processes in a second; `None` means that rows take no
    /// time.
    pub rows_per_second: Option<u32>,
    /// Time that every job takes besides its rows.
    pub job_latency: Duration,
    /// Whether a create for a list that another job still imports into is
    /// answered with 1019.
    pub one_job_per_list: bool,
    /// How failure and warning files are written.
    pub files: FileStyle,
    /// Fields, objects, programs, lists and partitions.
    pub schema: Schema,
    /// Whether things that the schema does not name are taken as they come:
    /// every custom object whose name ends in `_c` (its fields are the strings
    /// of the upload's header, the first one its dedupe field; its describe call
    /// has an empty list of fields), every program
    /// with every status, every list and every partition. If not, they are
    /// answered with 1013, 1025 and 1008.
    pub open_objects: bool,
    /// Scripted faults; the first rule that applies to a call is the one.
    pub faults: Vec<FaultRule>,
    /// The seed of the odds in fault rules and of shuffled files.
    pub seed: u64,
    /// Whether the accepted rows are kept in memory for
    /// [`Inspection::accepted_rows`](super::Inspection::accepted_rows). For
    /// tests with small files.
    pub keep_accepted: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            token_life: Duration::from_secs(3600),
            denied: Vec::new(),
            running_jobs: 2,
            queued_jobs: 10,
            rate_calls: 100,
            rate_window: Duration::from_secs(20),
            calls_at_once: 10,
            body_limit: 10_000_000,
            rows_per_second: None,
            job_latency: Duration::ZERO,
            one_job_per_list: false,
            files: FileStyle::default(),
            schema: Schema::default(),
            open_objects: true,
            faults: Vec::new(),
            seed: 0,
            keep_accepted: false,
        }
    }
}

/// How failure and warning files are written. The default is how Marketo is
/// seen to write them (O): unquoted, LF, only the affected rows, the reason in
/// the last column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five independent switches, each on its own in the tests"
)]
pub struct FileStyle {
    /// Quote values that hold a separator, a quote or a line end (RFC 4180).
    pub quoted: bool,
    /// Leave out the columns that are empty in every row of the file (O).
    pub drop_empty_columns: bool,
    /// Begin with a UTF-8 byte order mark.
    pub bom: bool,
    /// End lines with CRLF.
    pub crlf: bool,
    /// Write the rows in another order than they were sent: none is promised
    /// (O).
    pub shuffled: bool,
}
