//! `mktoload split`.

use std::path::PathBuf;

use super::plan::with_default;
use super::progress::Progress;
use super::{Talk, say};
use crate::config::choice::OnBadRow;
use crate::config::{Format, limits};
use crate::error::Result;
use crate::pipeline::{SplitPlan, split};
use crate::source;

/// Arguments of `split`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mktoload split leads.csv --out chunks")]
pub(super) struct Args {
    /// Files, globs, or `-` for standard input (the default when it is no
    /// terminal), read as one stream in this order
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
    /// The folder for chunk-000001.csv, chunk-000002.csv, …; rows that fit into
    /// none are in rejects.csv there, and report.csv says why
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The sources' format [default: by extension, else sniffed]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Bytes of a request that a chunk has to fit into, multipart frame included
    #[arg(long, value_name = "BYTES", default_value_t = limits::REQUEST_BODY_BYTES)]
    max_part_bytes: u64,
    /// What to do with rows of too many or too few fields
    #[arg(long, value_enum, default_value = "reject")]
    on_bad_row: OnBadRow,
}

/// Runs the verb.
pub(super) async fn main(args: Args, talk: &Talk) -> Result<u8> {
    let sources = source::expand(&with_default(&args.sources)?)?;
    let progress = Progress::new(talk, "chunks".to_owned());
    let plan = SplitPlan {
        sources,
        format: args.format,
        max_part_bytes: args.max_part_bytes,
        on_bad_row: args.on_bad_row,
        out: args.out.clone(),
    };
    let result = split(plan, &progress.events()).await;
    progress.finish();
    let (count, fault) = result?;
    if !talk.quiet {
        say(&format!(
            "{} rows in {} chunks in {}",
            count.rows - count.rejected,
            count.chunks,
            args.out.display()
        ));
        if count.rejected > 0 {
            say(&format!(
                "{} rows rejected: see report.csv and rejects.* there",
                count.rejected
            ));
        }
    }
    match fault {
        Some(error) => Err(error),
        None if count.rejected > 0 => Ok(3),
        None => Ok(0),
    }
}
