//! `mktoload status`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};
use serde_json::{Value, json};

use super::plan::StateArgs;
use super::stdout;
use super::table::Side::{Left, Right};
use super::table::{shown, table, time};
use crate::error::Result;
use crate::pipeline::{RunStatus, status};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mktoload status 20261124T203300Z-k3fa")]
pub(super) struct Args {
    /// The run, or a part of its name that no other has [default: the newest]
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Print one JSON document on stdout
    #[arg(long, help_heading = "Output")]
    json: bool,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the verb.
pub(super) async fn main(args: Args) -> Result<u8> {
    let state = args.state.folder()?;
    let status = status(&state, args.run.as_deref()).await?;
    let text = if args.json {
        format!("{}\n", document(&status))
    } else {
        text(&status)
    };
    stdout::write(&text)?;
    Ok(0)
}

/// The document of `--json`. Scripts read these keys.
fn document(status: &RunStatus) -> Value {
    let run = &status.known;
    let path = |path: &Option<std::path::PathBuf>| {
        let path = path.as_deref().map(Path::display);
        path.map(|path| path.to_string())
    };
    let sources = status
        .sources
        .iter()
        .map(|source| json!({ "name": source.name, "bytes": source.size }));
    let chunks = status.chunks.iter().map(|count| {
        json!({
            "state": count.state,
            "chunks": count.chunks,
            "rows": count.rows,
            "bytes": count.bytes,
        })
    });
    let in_flight = status.in_flight.iter().map(|batch| {
        json!({
            "chunk": batch.chunk,
            "rows": batch.rows,
            "batch_id": batch.batch_id,
            "since": batch.since.to_string(),
        })
    });
    json!({
        "run_id": run.run,
        "state": run.state.name(),
        "resumable": run.is_resumable(),
        "started": run.started.to_string(),
        "ended": run.ended.map(|ended| ended.to_string()),
        "exit_code": run.exit_code,
        "version": status.tool_version,
        "target": run.target,
        "endpoint": run.endpoint,
        "sources": sources.collect::<Vec<_>>(),
        "read_to_end": status.read_to_end,
        "rows": status.rows,
        "chunks": chunks.collect::<Vec<_>>(),
        "in_flight": in_flight.collect::<Vec<_>>(),
        "submits": { "all": status.submits, "repeated": status.repeated },
        "totals": {
            "api_calls": status.totals.api_calls,
            "bytes_sent": status.totals.bytes_sent,
            "elapsed_ms": status.totals.elapsed_ms,
        },
        "report": path(&status.report),
        "rejects": path(&status.rejects),
    })
}

fn text(status: &RunStatus) -> String {
    let run = &status.known;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<9}  {}", shown(&value));
    };
    line("run", run.run.to_string());
    line("state", run.state.name().to_owned());
    line("started", format!("{} UTC", time(run.started)));
    if let (Some(ended), Some(code)) = (run.ended, run.exit_code) {
        line("ended", format!("{} UTC, exit code {code}", time(ended)));
    }
    line("target", run.target.clone());
    line("endpoint", run.endpoint.clone());
    for source in &status.sources {
        let size = source.size.map(|size| format!(", {}", HumanBytes(size)));
        let size = size.unwrap_or_default();
        line("source", format!("{}{size}", source.name));
    }
    line("rows", rows(status));
    for batch in &status.in_flight {
        line(
            "in flight",
            format!(
                "chunk {}, {} rows, as job {} since {} UTC",
                batch.chunk,
                HumanCount(batch.rows),
                batch.batch_id,
                time(batch.since)
            ),
        );
    }
    line(
        "submits",
        format!("{}, {} of them repeated", status.submits, status.repeated),
    );
    let totals = &status.totals;
    if totals.api_calls > 0 {
        line(
            "used",
            format!(
                "{} calls, {} sent, {}",
                HumanCount(totals.api_calls),
                HumanBytes(totals.bytes_sent),
                humantime::format_duration(Duration::from_millis(totals.elapsed_ms))
            ),
        );
    }
    for (name, path) in [("report", &status.report), ("rejects", &status.rejects)] {
        if let Some(path) = path {
            line(name, path.display().to_string());
        }
    }
    if !status.chunks.is_empty() {
        text += "\n";
        text += &chunks(status);
    }
    if run.is_resumable() {
        text += &format!("\nmktoload resume {}\n", run.run);
    }
    text
}

fn rows(status: &RunStatus) -> String {
    let rows = &status.rows;
    let so_far = if status.read_to_end { "" } else { " so far" };
    format!(
        "{} read{so_far}, {} accepted, {} failed, {} rejected, {} unknown",
        HumanCount(rows.read),
        HumanCount(rows.accepted),
        HumanCount(rows.failed),
        HumanCount(rows.rejected),
        HumanCount(rows.unknown)
    )
}

fn chunks(status: &RunStatus) -> String {
    let heads = ["state", "chunks", "rows", "bytes"].map(str::to_owned);
    let counts = status.chunks.iter().map(|count| {
        [
            count.state.to_owned(),
            count.chunks.to_string(),
            count.rows.to_string(),
            count.bytes.to_string(),
        ]
    });
    let lines: Vec<_> = std::iter::once(heads).chain(counts).collect();
    table([Left, Right, Right, Right], &lines)
}
