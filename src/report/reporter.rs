//! The station's entry point: takes entries during a run, writes the files at
//! its end. Synchronous; call it where blocking is allowed
//! (`spawn_blocking`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Key, Status};
use super::lines::{Lines, ReportFormat};
use super::merge::merge;
use super::output::Output;
use super::reasons::{Reason, Reasons};
use super::rejects::Rejects;
use super::store;
use crate::config::Format;
use crate::config::choice::ReportColumns;
use crate::error::{Error, ErrorKind, Result};
use crate::units::ChunkNumber;

/// What the report knows of the sources.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Layout {
    /// The sources' names, in the order given.
    pub sources: Vec<String>,
    /// The sources' header as its original bytes, with or without a record end.
    pub header: Vec<u8>,
    /// The columns' names as in that header.
    pub names: Vec<String>,
    /// The sources' dialect.
    pub format: Format,
    /// The key columns as indexes into `names`.
    pub key_columns: Vec<usize>,
    /// How much of a row the report shows.
    pub columns: ReportColumns,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Lines with the status `failed`.
    pub failed: u64,
    /// Lines with the status `warning`.
    pub warned: u64,
    /// Lines with the status `rejected`.
    pub rejected: u64,
    /// Lines with the status `unknown`.
    pub unknown: u64,
    /// Rows in the rejects file.
    pub rejects: u64,
    /// Lines that belong into the rejects file and whose source row was not
    /// found, so that they are not in it.
    pub rejects_missing: u64,
    /// Rows in the rejects file that are only candidates of an ambiguous line:
    /// they cannot be told apart from the row that the report names.
    pub rejects_candidates: u64,
    /// Why, the most frequent first. At most 1,000 reasons; the rows of
    /// further ones are counted under one that says so.
    pub reasons: Vec<Reason>,
}

/// Writes the entries of chunks; see [`Reporter::chunk_writer`].
#[derive(Debug, Clone)]
pub struct ChunkWriter {
    folder: PathBuf,
}

impl ChunkWriter {
    /// Takes all entries of a chunk, in any order, in place of those taken for
    /// it before; they are on disk when this returns. `first` is the chunk's
    /// first row, failed or not.
    ///
    /// # Errors
    /// An error of `entries`, or [`ErrorKind::Internal`] if the disk does not
    /// take them.
    pub fn chunk(
        &self,
        chunk: ChunkNumber,
        first: Key,
        entries: impl IntoIterator<Item = Result<Entry>>,
    ) -> Result<()> {
        store::write_chunk(&self.folder, chunk, first, entries)
    }
}

/// Takes what became of rows and writes the report and the rejects file.
#[derive(Debug)]
pub struct Reporter {
    folder: PathBuf,
    layout: Layout,
    rejected: store::RejectedFile,
}

impl Reporter {
    /// Keeps its entries in `folder`, which it makes (0700) if it is missing.
    /// What an interrupted run left there is carried on.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the folder cannot be made or written to.
    pub fn new(folder: impl Into<PathBuf>, layout: Layout) -> Result<Self> {
        let folder = folder.into();
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|cause| {
            Error::new(
                ErrorKind::Internal,
                format!("cannot make the folder `{}`", folder.display()),
            )
            .because(cause)
            .hint("--state-dir names another place")
        })?;
        let rejected = store::RejectedFile::open(&folder)?;
        Ok(Self {
            folder,
            layout,
            rejected,
        })
    }

    /// Takes a row that came into no chunk. Such rows come in source order.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the disk does not take it.
    pub fn rejected(&mut self, entry: &Entry) -> Result<()> {
        self.rejected.push(entry)
    }

    /// How many rejected rows taken so far, by this run's earlier processes
    /// too, come before `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if they cannot be read.
    pub fn rejected_before(&mut self, key: Key) -> Result<u64> {
        self.rejected.count_before(key)
    }

    /// Puts the rejected rows taken so far on disk; to be called before the
    /// ledger says that the source was read beyond them.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the disk does not take them.
    pub fn sync(&mut self) -> Result<()> {
        self.rejected.sync()
    }

    /// Writes the entries of chunks, also from other threads and while rows are
    /// still rejected.
    #[must_use]
    pub fn chunk_writer(&self) -> ChunkWriter {
        ChunkWriter {
            folder: self.folder.clone(),
        }
    }

    /// Writes both files, also when there is nothing to tell: a header alone
    /// then replaces what an earlier run left at that path. May be called
    /// again, to write another report of the same run.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the entries cannot be read or a file not be
    /// written; a file that was not finished does not have its name.
    pub fn finish(
        &mut self,
        report: &Path,
        format: ReportFormat,
        rejects_path: &Path,
    ) -> Result<Tally> {
        self.sync()?;
        let files = store::list(&self.folder, store::Tail::Whole)?;
        let files = files.into_iter().map(|file| (file.first, file)).collect();
        let mut lines = Lines::new(&self.layout, format, Output::create(report)?)?;
        let fault = |cause| {
            let path = rejects_path.display();
            Error::new(ErrorKind::Internal, format!("cannot write `{path}`")).because(cause)
        };
        let out = Output::create(rejects_path)?;
        let mut rejects = Rejects::new(out, &self.layout.header).map_err(fault)?;
        let mut reasons = Reasons::default();
        let mut tally = Tally::default();
        for entry in merge(files, store::StoredFile::open) {
            let entry = entry?;
            rejects.push(&entry).map_err(fault)?;
            if entry.only_candidate {
                continue;
            }
            lines.push(&entry)?;
            reasons.push(&entry);
            *match entry.status {
                Status::Failed => &mut tally.failed,
                Status::Warning => &mut tally.warned,
                Status::Rejected => &mut tally.rejected,
                Status::Unknown => &mut tally.unknown,
            } += 1;
        }
        tally.rejects = rejects.rows;
        tally.rejects_missing = rejects.missing;
        tally.rejects_candidates = rejects.candidates;
        tally.reasons = reasons.into_sorted();
        rejects.into_inner().finish()?;
        lines.finish()?;
        Ok(tally)
    }
}
