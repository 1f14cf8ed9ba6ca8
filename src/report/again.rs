//! The report alone, written from what a run left on disk or has put there so
//! far. Changes nothing of the run's.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::lines::{Lines, ReportFormat};
use super::merge::merge;
use super::output::Output;
use super::reporter::Layout;
use super::store::{self, Tail};
use crate::error::Result;
use crate::units::ChunkNumber;

/// Where a report goes.
pub enum ReportTo {
    /// To a file, which has its name when it is whole.
    File(PathBuf),
    /// To an open stream.
    Stream(Box<dyn Write + Send>),
}

/// Whether a run has its entries in `folder`.
#[must_use]
pub fn has_entries(folder: &Path) -> bool {
    folder.join(store::REJECTED).exists()
}

/// Whether there are entries of `chunk` in `folder`.
#[must_use]
pub fn has_chunk(folder: &Path, chunk: ChunkNumber) -> bool {
    store::chunk_path(folder, chunk).exists()
}

/// How many rows the run in `folder` has rejected so far before they came into
/// a chunk.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if they cannot be read.
pub fn rejected_so_far(folder: &Path) -> Result<u64> {
    let mut rejected = 0;
    if has_entries(folder) {
        for entry in store::rejected(folder)? {
            entry?;
            rejected += 1;
        }
    }
    Ok(rejected)
}

/// Writes the report of the entries in `folder`, also while the run still adds
/// to them: then of those that are there.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal) if the entries cannot be
/// read or the report not be written.
pub fn write_report(
    folder: &Path,
    layout: &Layout,
    format: ReportFormat,
    to: ReportTo,
) -> Result<()> {
    let files = if has_entries(folder) {
        store::list(folder, Tail::Growing)?
    } else {
        Vec::new()
    };
    let files = files.into_iter().map(|file| (file.first, file)).collect();
    let out = match to {
        ReportTo::File(path) => Output::create(&path)?,
        ReportTo::Stream(stream) => Output::over(stream),
    };
    let mut lines = Lines::new(layout, format, out)?;
    for entry in merge(files, store::StoredFile::open) {
        let entry = entry?;
        if !entry.only_candidate {
            lines.push(&entry)?;
        }
    }
    lines.finish()
}
