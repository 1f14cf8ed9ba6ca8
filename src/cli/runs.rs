//! `mktoload runs`.

use serde::Serialize;

use super::plan::StateArgs;
use super::table::Side::{Left, Right};
use super::table::{table, time};
use super::{Talk, say, stdout};
use crate::config::choice::Time;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{KnownRun, Old, Pruned, prune, runs};
use crate::report::Rows;
use crate::units::RunId;

/// Arguments of `runs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mktoload runs --json")]
pub(super) struct Args {
    /// Print one JSON array on stdout
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// First forget the runs that ended longer ago, such as 30d: what is known
    /// of them, and their folders with reports and rejects. Runs that could
    /// still be resumed are forgotten, too; one that is running is not
    #[arg(long, value_name = "TIME")]
    prune_older_than: Option<Time>,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the verb.
pub(super) async fn main(args: Args, talk: &Talk) -> Result<u8> {
    let state = args.state.folder()?;
    let faults = match args.prune_older_than {
        Some(age) => {
            let pruned = prune(&state, age.0).await?;
            if !talk.quiet {
                say(told(&pruned).trim_end());
            }
            pruned.faults
        }
        None => Vec::new(),
    };
    let runs = runs(&state).await?;
    if runs.is_empty() && !talk.quiet {
        say(&format!("no run is known in {}", state.display()));
    }
    if args.json {
        stdout::write(&json(&runs.iter().map(Shown::of).collect::<Vec<_>>())?)?;
    } else if !runs.is_empty() {
        stdout::write(&text(&runs))?;
    }
    for fault in &faults {
        say(&fault.render());
    }
    Ok(faults.first().map_or(0, |fault| fault.kind().exit_code()))
}

/// Which runs were forgotten, and why others were not.
fn told(pruned: &Pruned) -> String {
    let mut text = String::new();
    for Old { run, known } in &pruned.pruned {
        let what = match known {
            None => "an import that never began".to_owned(),
            Some(known) => {
                let (word, when) = match known.ended {
                    Some(ended) => ("ended", ended),
                    None => ("began", known.started),
                };
                let resumable = if known.is_resumable() {
                    "; it could have been resumed"
                } else {
                    ""
                };
                let state = known.state.name();
                format!("{state}, {word} {} UTC{resumable}", time(when))
            }
        };
        text += &format!("pruned {run}: {what}\n");
    }
    for run in &pruned.at_work {
        text += &format!("spared {run}: a process is working on it\n");
    }
    if pruned.younger > 0 {
        text += &format!("spared {} younger\n", pruned.younger);
    }
    text
}

/// A run in JSON. Scripts read these keys.
#[derive(Serialize)]
struct Shown<'a> {
    run_id: &'a RunId,
    started: String,
    ended: Option<String>,
    target: &'a str,
    endpoint: &'a str,
    state: &'a str,
    resumable: bool,
    exit_code: Option<u8>,
    rows: Option<Rows>,
}

impl<'a> Shown<'a> {
    fn of(run: &'a KnownRun) -> Self {
        Self {
            run_id: &run.run,
            started: run.started.to_string(),
            ended: run.ended.map(|ended| ended.to_string()),
            target: &run.target,
            endpoint: &run.endpoint,
            state: run.state.name(),
            resumable: run.is_resumable(),
            exit_code: run.exit_code,
            rows: run.rows,
        }
    }
}

/// One line of JSON.
fn json(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(value).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            "what is known cannot be written as JSON",
        )
        .because(error)
    })?;
    Ok(text + "\n")
}

fn text(runs: &[KnownRun]) -> String {
    let heads = [
        "run",
        "started (UTC)",
        "state",
        "exit",
        "read",
        "accepted",
        "failed",
        "target",
        "endpoint",
    ];
    let line = |run: &KnownRun| {
        let count = |of: fn(&Rows) -> u64| {
            let rows = run.rows.as_ref();
            rows.map_or_else(String::new, |rows| of(rows).to_string())
        };
        [
            run.run.to_string(),
            time(run.started),
            run.state.name().to_owned(),
            run.exit_code
                .map_or_else(String::new, |code| code.to_string()),
            count(|rows| rows.read),
            count(|rows| rows.accepted),
            count(|rows| rows.failed),
            run.target.clone(),
            run.endpoint.clone(),
        ]
    };
    let lines: Vec<_> = std::iter::once(heads.map(str::to_owned))
        .chain(runs.iter().map(line))
        .collect();
    table(
        [Left, Left, Left, Right, Right, Right, Right, Left, Left],
        &lines,
    )
}
