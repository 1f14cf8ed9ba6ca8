//! `mktoload run`.

use std::path::PathBuf;

use super::Talk;
use super::import::{How, import};
use super::plan::resolve;
use crate::config::PipelineFile;
use crate::error::Result;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mktoload run pipelines/quickstart.toml")]
pub(super) struct Args {
    /// The pipeline file; flags and environment go before what it says
    #[arg(value_name = "PIPELINE.toml")]
    pipeline: PathBuf,
    #[command(flatten)]
    how: How,
}

/// Runs the verb.
pub(super) async fn main(args: Args, talk: &Talk) -> Result<u8> {
    args.how.refuse_secret()?;
    let file = PipelineFile::read(&args.pipeline)?;
    let options = args.how.options.over(file.options);
    let ready = resolve(file.target.into(), &file.source.files, options)?;
    import(ready, args.how.json, talk).await
}
