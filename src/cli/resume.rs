//! `mktoload resume`.

use std::time::Instant;

use super::import::{How, client, say_resume, tell};
use super::plan::{poll_interval, state_folder};
use super::progress::Progress;
use super::{Talk, say, signals, summary};
use crate::config::{Credentials, Endpoint, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{self, Imported, Left, Plan};
use crate::units::RunId;

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mktoload resume 20261124T203300Z-k3fa")]
pub(super) struct Args {
    /// The run, or a part of its name that no other has [default: the newest
    /// that is not finished]
    #[arg(value_name = "RUN")]
    run: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Runs the verb.
pub(super) async fn main(args: Args, talk: &Talk) -> Result<u8> {
    let (begun, json) = (Instant::now(), args.how.json);
    let mut run = RunId::default();
    let error = match run_to_end(args, &mut run, talk).await {
        Ok(resumed) => return tell(resumed, json, talk),
        Err(error) => error,
    };
    let found = run != RunId::default();
    let error = summary::before(error, json, run.clone(), begun.elapsed());
    say(&error.render());
    // Nothing was sent: it is as it was.
    if found && !talk.quiet {
        say_resume(&run);
    }
    Ok(error.kind().exit_code())
}

/// The run itself; `run` becomes its name once it is known.
async fn run_to_end(args: Args, run: &mut RunId, talk: &Talk) -> Result<Imported> {
    args.how.refuse_secret()?;
    let options = args.how.options;
    let state = state_folder(options.state_dir.as_deref())?;
    let mut left = Left::find(&state, args.run.as_deref()).await?;
    *run = left.plan.run.clone();
    let endpoint = endpoint(&left.plan, &options)?;
    let credentials =
        Credentials::find(options.client_id.clone(), |name| std::env::var(name).ok())?;
    change(&mut left.plan, options)?;
    left.enter_folder()?;
    let progress = Progress::new(talk, left.plan.target.describe());
    let client = client(endpoint, credentials, &left.plan, &progress)?;
    let signal = signals::listen()?;
    let result = pipeline::resume(left, client, progress.events(), signal).await;
    progress.finish();
    result
}

/// The endpoint of the run. One that is given must be the same: the jobs are
/// there.
fn endpoint(plan: &Plan, options: &Options) -> Result<Endpoint> {
    let insecure = options.allow_insecure_http.unwrap_or(false);
    let of_run = Endpoint::parse(&plan.instance, true)?;
    if let Some(given) = &options.endpoint
        && Endpoint::parse(given, insecure)? != of_run
    {
        return Err(Error::new(
            ErrorKind::Usage,
            format!(
                "run {} went to {}, not to `{given}`",
                plan.run, plan.instance
            ),
        )
        .hint("leave --endpoint and MKTO_ENDPOINT out, or name the run's own"));
    }
    Ok(of_run)
}

/// Lets the options change what may differ from the run's beginning.
///
/// # Errors
/// [`ErrorKind::Usage`] for what may not: it would cut other chunks or write
/// another report.
fn change(plan: &mut Plan, options: Options) -> Result<()> {
    let fixed = [
        ("--format", options.format.is_some()),
        ("--max-part-bytes", options.max_part_bytes.is_some()),
        ("--on-bad-row", options.on_bad_row.is_some()),
        ("--report-columns", options.report_columns.is_some()),
        ("--serialize-on", options.serialize_on.is_some()),
    ];
    if let Some((flag, _)) = fixed.iter().find(|(_, given)| *given) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{flag} stays as it was when the run began"),
        )
        .hint("leave it out, or begin a new run"));
    }
    if let Some(given) = options.poll_interval {
        plan.poll_interval = poll_interval(given)?;
    }
    if let Some(given) = options.max_in_flight {
        plan.max_in_flight = usize::try_from(given).unwrap_or(usize::MAX);
    }
    plan.rate = options.rate_limit.unwrap_or(plan.rate);
    plan.wait_for_quota = options.wait_for_quota.unwrap_or(plan.wait_for_quota);
    plan.max_errors = options.max_errors.or(plan.max_errors);
    plan.on_unknown = options.on_unknown.unwrap_or(plan.on_unknown);
    plan.job_timeout = options
        .job_timeout
        .map_or(plan.job_timeout, |given| given.0);
    // As seen from here; the run's own paths are from where it began.
    if let Some(report) = options.report {
        plan.report = std::path::absolute(&report).unwrap_or(report);
    }
    if let Some(rejects) = options.rejects {
        plan.rejects = std::path::absolute(&rejects).unwrap_or(rejects);
    }
    Ok(())
}
