//! `mktoload run`.

use std::path::PathBuf;
use std::time::Duration;

use super::import::{How, import};
use super::plan::{Ready, resolve};
use super::{Talk, summary};
use crate::config::PipelineFile;
use crate::error::Result;
use crate::units::RunId;

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
    let json = args.how.json;
    let ready = ready(args)
        .map_err(|error| summary::before(error, json, RunId::default(), Duration::ZERO))?;
    import(ready, json, talk).await
}

fn ready(args: Args) -> Result<Ready> {
    args.how.refuse_secret()?;
    let file = PipelineFile::read(&args.pipeline)?;
    let options = args.how.options.over(file.options);
    resolve(file.target.into(), &file.source.files, options)
}
