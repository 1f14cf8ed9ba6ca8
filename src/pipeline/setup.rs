//! What a run begins with, as the ledger keeps it, and the sources as they were
//! when it began.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::chunk::Chunks;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::ledger::{RunRecord, SourceRecord};
use crate::pipeline::Plan;
use crate::report::Layout;
use crate::source::Source;
use crate::units::SourceIndex;

/// Bytes of a source's beginning that are remembered by their digest.
const BEGINNING: u64 = 64 * 1024;

/// All that a run was asked for. Secrets are not part of it: they come from the
/// environment again.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Arguments {
    pub(super) plan: Plan,
    pub(super) layout: Layout,
    /// What relative paths in the plan are relative to.
    pub(super) folder: PathBuf,
}

impl Arguments {
    /// What the run of `record` was asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when another version wrote it in another form.
    pub(super) fn of(record: &RunRecord) -> Result<Self> {
        serde_json::from_str(&record.arguments).map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!(
                    "run {} was begun by version {} and cannot be read by this one",
                    record.run, record.tool_version
                ),
            )
            .because(error)
            .hint("use the version that began it")
        })
    }
}

/// Where in its folder a run keeps its entries.
pub(super) fn entries_folder(folder: &Path) -> PathBuf {
    folder.join("entries")
}

/// The report's layout for a run of `plan` over `chunks`.
pub(super) fn layout(plan: &Plan, chunks: &Chunks) -> Layout {
    let header = chunks.header();
    Layout {
        sources: chunks.source_names().to_vec(),
        header: header.bytes().to_vec(),
        names: header.names().to_vec(),
        format: chunks.format(),
        key_columns: header.positions(&plan.target.key_columns()),
        columns: plan.report_columns,
    }
}

/// The ledger's record of a run that begins.
///
/// # Errors
/// [`ErrorKind::Internal`] when there is no current folder.
pub(super) fn run_record(plan: &Plan, layout: &Layout) -> Result<RunRecord> {
    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Internal, "the run cannot be written down").because(error)
    };
    let arguments = Arguments {
        plan: plan.clone(),
        layout: layout.clone(),
        folder: std::env::current_dir().map_err(|error| wrong(error.into()))?,
    };
    Ok(RunRecord {
        run: plan.run.clone(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        started: jiff::Timestamp::now(),
        arguments: serde_json::to_string(&arguments).map_err(|error| wrong(error.into()))?,
        target: plan.target.describe(),
        endpoint: plan.instance.clone(),
    })
}

/// The sources as they are now.
pub(super) fn seen(sources: &[Source]) -> Vec<SourceRecord> {
    (0..)
        .map(SourceIndex::new)
        .zip(sources)
        .map(|(index, source)| {
            let file = source.plain_file();
            let modified = file.and_then(|path| path.metadata().ok()?.modified().ok());
            SourceRecord {
                source: index,
                name: source.name(),
                size: file.and_then(|_| source.size()),
                modified: modified.and_then(|time| time.try_into().ok()),
                beginning: file.and_then(|path| beginning(path).ok()),
            }
        })
        .collect()
}

fn beginning(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BEGINNING).read_to_end(&mut bytes)?;
    Ok(format!("{:032x}", XxHash3_128::oneshot(&bytes)))
}

/// Whether the sources that were `then` are untouched; if they may have been
/// touched, all that was read of them has to be compared.
///
/// # Errors
/// [`ErrorKind::Input`] when one is gone or is seen to be another than it was.
pub(super) fn untouched(then: &[SourceRecord], sources: &[Source]) -> Result<bool> {
    let mut untouched = true;
    for (was, is) in then.iter().zip(seen(sources)) {
        let changed = |what: String| {
            Err(Error::new(ErrorKind::Input, what)
                .at(Place {
                    source: Some(was.name.clone()),
                    ..Place::default()
                })
                .hint("put the source back as it was and resume again, or begin a new run"))
        };
        match (was.size, is.size) {
            (Some(_), None) => {
                return changed("the source is gone, or is no plain file any more".to_owned());
            }
            (Some(was), Some(is)) if was != is => {
                return changed(format!(
                    "the source is not what it was when the run began: it had {was} bytes and now has {is}"
                ));
            }
            _ => {}
        }
        if was.beginning != is.beginning {
            return changed(
                "the source is not what it was when the run began: it begins otherwise".to_owned(),
            );
        }
        untouched &= was.size.is_some() && was.modified == is.modified;
    }
    Ok(untouched)
}
