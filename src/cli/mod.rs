//! The command line, one file a verb.
//!
//! stdout carries data only; everything said to a person goes to stderr.

mod import;
mod logging;
mod plan;
mod progress;
mod report;
mod resume;
mod run;
mod runs;
mod sandbox;
mod signals;
mod split;
mod status;
mod stdout;
mod summary;
mod table;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::error::{Error, ErrorKind};
use crate::report::Summary;
use crate::units::RunId;

/// Streams CSV, SSV and TSV exports of any size into Marketo's Bulk Import API
/// and names the source row of every failure.
#[derive(Debug, Parser)]
#[command(name = "mktoload", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,

    #[command(flatten)]
    talk: Talk,
}

/// What every verb says of itself.
#[derive(Debug, Clone, clap::Args)]
struct Talk {
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true, help_heading = "Output")]
    quiet: bool,

    /// Log what is done; twice: every call
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    verbose: u8,

    /// The form of log lines
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        help_heading = "Output"
    )]
    log_format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// Lines for a person
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Import files or standard input
    Import(import::Args),
    /// Import what a pipeline file says
    Run(run::Args),
    /// Finish a run that was interrupted
    Resume(resume::Args),
    /// List the runs that are known, and forget old ones
    Runs(runs::Args),
    /// Show how far a run is
    Status(status::Args),
    /// Write a run's report again
    Report(report::Args),
    /// Only re-chunk: write chunk files to a folder
    Split(split::Args),
    /// Serve the embedded Marketo on its own
    Sandbox(sandbox::Args),
}

const EXIT_CODES: &str = "\
Exit codes:
    0  every row was accepted
    1  internal error
    2  usage or configuration
    3  finished; some rows failed or were rejected (see the report)
    4  stopped at --max-errors
    5  bad input
    6  authentication or permission
    7  finished, but the books do not balance or a chunk is unknown
    8  a chunk or job was refused for good by Marketo
   75  try later
  130  interrupted (SIGINT); 143 terminated (SIGTERM)";

/// The program: reads the command line, does what it says, and gives the exit
/// code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    logging::begin(&cli.talk);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("error: the runtime cannot be started: {error}"));
            return ExitCode::from(1);
        }
    };
    let code = runtime.block_on(async {
        match cli.verb {
            Verb::Import(args) => import::main(args, &cli.talk).await,
            Verb::Run(args) => run::main(args, &cli.talk).await,
            Verb::Resume(args) => resume::main(args, &cli.talk).await,
            Verb::Runs(args) => runs::main(args, &cli.talk).await,
            Verb::Status(args) => status::main(args).await,
            Verb::Report(args) => report::main(args, &cli.talk).await,
            Verb::Split(args) => split::main(args, &cli.talk).await,
            Verb::Sandbox(args) => sandbox::main(args, &cli.talk).await,
        }
    });
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error),
    }
}

/// Says something to a person, on stderr. Nobody may be there any more (`2>&1 |
/// head`): that is no reason to break off a run, as `eprintln` would.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Shows what clap says of a command line that it cannot read, or its help. It
/// exits with 2, as the contract has it.
fn unparsed(error: &clap::Error) -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let has = |word: &str| words.iter().any(|written| written == word);
    // Whoever asked for the summary gets it, whatever else the line says.
    if error.use_stderr() && has("--json") && (has("import") || has("run") || has("resume")) {
        let none = Summary::of_no_run(RunId::default(), ErrorKind::Usage, Duration::ZERO);
        if let Err(error) = summary::print(&none) {
            return fail(&error);
        }
    }
    // Nobody is left to be told that stderr is closed.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Shows an error and gives its exit code.
fn fail(error: &Error) -> ExitCode {
    say(&error.render());
    ExitCode::from(error.kind().exit_code())
}
