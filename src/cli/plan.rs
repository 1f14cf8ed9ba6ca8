//! From options as written to a plan: the one place that knows the defaults.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::choice::Time;
use crate::config::limits;
use crate::config::{Credentials, Endpoint, Options, Target, state};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{EMBEDDED, Plan};
use crate::source;
use crate::units::RunId;

/// An import ready to begin.
pub(super) struct Ready {
    pub(super) plan: Plan,
    pub(super) endpoint: Endpoint,
    pub(super) credentials: Option<Credentials>,
}

/// The embedded sandbox's jobs take no time, so looking at them often costs
/// nobody anything.
const SANDBOX_POLL: Duration = Duration::from_millis(50);

/// Shortest time between two looks at a job (contract).
const SHORTEST_POLL: Duration = Duration::from_millis(10);

/// Resolves `options` for an import of `sources` into `target`.
///
/// # Errors
/// [`ErrorKind::Usage`] for what is missing or out of range.
pub(super) fn resolve(target: Target, names: &[String], options: Options) -> Result<Ready> {
    let environment = |name: &str| std::env::var(name).ok();
    let written = options.endpoint.as_deref().ok_or_else(|| {
        Error::new(ErrorKind::Usage, "no endpoint is given")
            .hint("pass --endpoint or set MKTO_ENDPOINT (Admin > Web Services > REST API shows it), or try `--endpoint sandbox`")
    })?;
    let endpoint = Endpoint::parse(written, options.allow_insecure_http.unwrap_or(false))?;
    let credentials = match &endpoint {
        Endpoint::Sandbox => None,
        Endpoint::Instance(_) => Some(Credentials::find(options.client_id, environment)?),
    };
    let poll_interval = match options.poll_interval {
        Some(given) => poll_interval(given)?,
        None if endpoint == Endpoint::Sandbox => SANDBOX_POLL,
        None => limits::POLL_INTERVAL,
    };
    let max_in_flight = options.max_in_flight.map_or(limits::RUNNING_JOBS, |given| {
        usize::try_from(given).unwrap_or(usize::MAX)
    });
    if !(1..=limits::QUEUED_JOBS).contains(&max_in_flight) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "--max-in-flight {max_in_flight} is not from 1 to {}",
                limits::QUEUED_JOBS
            ),
        )
        .hint("Marketo runs 2 import jobs at once and queues 10, shared with all other imports"));
    }
    let sources = source::expand(&with_default(names)?)?;
    if options.report.is_some() && options.report == options.rejects {
        return Err(Error::new(
            ErrorKind::Usage,
            "--report and --rejects name the same file",
        ));
    }
    // A command that cannot run leaves no folder behind.
    let run = RunId::generate(jiff::Timestamp::now());
    let state = state_folder(options.state_dir.as_deref())?;
    let folder = state::run_folder(&state, &run)?;
    let report = options.report.unwrap_or_else(|| folder.join("report.csv"));
    let rejects = options
        .rejects
        .unwrap_or_else(|| folder.join("rejects.csv"));
    let gate_folder = match &endpoint {
        // Nobody else imports into this one.
        Endpoint::Sandbox => None,
        Endpoint::Instance(instance) => Some(state::gate_folder(&state, instance)),
    };
    let plan = Plan {
        run,
        state,
        folder,
        instance: match &endpoint {
            Endpoint::Sandbox => EMBEDDED.to_owned(),
            Endpoint::Instance(instance) => instance.base().to_owned(),
        },
        embedded: endpoint == Endpoint::Sandbox,
        rate: options.rate_limit.unwrap_or_default(),
        wait_for_quota: options.wait_for_quota.unwrap_or(false),
        gate_folder,
        target,
        sources,
        format: options.format,
        max_part_bytes: options.max_part_bytes.unwrap_or(limits::REQUEST_BODY_BYTES),
        max_in_flight,
        poll_interval,
        job_timeout: options
            .job_timeout
            .map_or(limits::JOB_TIMEOUT, |given| given.0),
        serialize_on: options.serialize_on,
        max_errors: options.max_errors,
        on_bad_row: options.on_bad_row.unwrap_or_default(),
        on_unknown: options.on_unknown.unwrap_or_default(),
        report,
        rejects,
        report_columns: options.report_columns.unwrap_or_default(),
    };
    Ok(Ready {
        plan,
        endpoint,
        credentials,
    })
}

/// # Errors
/// [`ErrorKind::Usage`] for one that would spend the call budget on looking.
pub(super) fn poll_interval(given: Time) -> Result<Duration> {
    if given.0 < SHORTEST_POLL {
        return Err(
            Error::new(ErrorKind::Usage, "--poll-interval is shorter than 10ms")
                .hint("Adobe advises 5s to 30s"),
        );
    }
    Ok(given.0)
}

/// Which state folder a verb reads.
#[derive(Debug, clap::Args)]
pub(super) struct StateArgs {
    /// Where runs keep their files [default: `$XDG_STATE_HOME/mktoload`]
    #[arg(long, env = "MKTOLOAD_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

impl StateArgs {
    /// The folder; see [`state_folder`].
    pub(super) fn folder(&self) -> Result<PathBuf> {
        state_folder(self.state_dir.as_deref())
    }
}

/// The state folder as an absolute path: a resume leaves the current folder.
///
/// # Errors
/// [`ErrorKind::Usage`] when there is none.
pub(super) fn state_folder(given: Option<&Path>) -> Result<PathBuf> {
    let folder = state::folder(given, |name| std::env::var(name).ok())?;
    std::path::absolute(&folder).map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("the state folder `{}` cannot be found", folder.display()),
        )
        .because(error)
    })
}

/// Standard input where no source is named and it is not a terminal.
///
/// # Errors
/// [`ErrorKind::Usage`] where it is one: the command would seem to hang.
pub(super) fn with_default(names: &[String]) -> Result<Vec<String>> {
    if !names.is_empty() {
        return Ok(names.to_vec());
    }
    if std::io::stdin().is_terminal() {
        return Err(Error::new(ErrorKind::Usage, "no source is given")
            .hint("name a file, or pipe one in: `COMMAND | mktoload …`"));
    }
    Ok(vec!["-".to_owned()])
}
