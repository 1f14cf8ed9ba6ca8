//! `mktoload report`.

use std::path::{Path, PathBuf};

use super::plan::StateArgs;
use super::{Talk, say, stdout};
use crate::error::Result;
use crate::ledger::RunState;
use crate::pipeline::report_again;
use crate::report::{ReportFormat, ReportTo, check_writable};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mktoload report 20261124T203300Z-k3fa --output failures.jsonl")]
pub(super) struct Args {
    /// The run, or a part of its name that no other has [default: the newest]
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// The report's form [default: jsonl for a PATH that ends so, else csv]
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    /// Where it goes [default: stdout]
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the verb.
pub(super) async fn main(args: Args, talk: &Talk) -> Result<u8> {
    let state = args.state.folder()?;
    let output = args.output.filter(|path| path != Path::new("-"));
    let of_path = || output.as_deref().map(ReportFormat::of_path);
    let format = args.format.or_else(of_path).unwrap_or(ReportFormat::Csv);
    let to_stdout = output.is_none();
    let to = match output {
        Some(path) => {
            check_writable(&path)?;
            ReportTo::File(path)
        }
        None => ReportTo::Stream(Box::new(std::io::stdout())),
    };
    let known = match report_again(&state, args.run.as_deref(), format, to).await {
        Err(error) if to_stdout && stdout::is_closed(&error) => return Ok(0),
        result => result?,
    };
    if known.state != RunState::Finished && !talk.quiet {
        say(&format!(
            "run {} is {}: the report has what is known so far",
            known.run,
            known.state.name()
        ));
    }
    Ok(0)
}
