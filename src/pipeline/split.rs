//! Only re-chunking: sources in, chunk files out.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;

use crate::chunk::{Chunk, Chunks, Cut, ReadSettings};
use crate::config::choice::{OnBadRow, ReportColumns};
use crate::config::{Format, limits};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Events};
use crate::import::file_name;
use crate::pipeline::import::{chunk_bytes, rejected};
use crate::report::{Layout, ReportFormat, Reporter};
use crate::source::Source;

/// What is split, and where to.
#[derive(Debug, Clone)]
pub struct SplitPlan {
    /// What is read, in order.
    pub sources: Vec<Source>,
    /// The sources' format; none: by name, else sniffed.
    pub format: Option<Format>,
    /// Bytes of a create request that a chunk file has to fit into.
    pub max_part_bytes: u64,
    /// What happens to a row that breaks a rule.
    pub on_bad_row: OnBadRow,
    /// The folder of the chunk files; made if it is missing.
    pub out: PathBuf,
}

impl SplitPlan {
    /// A plan with the limits of an import.
    #[must_use]
    pub fn new(sources: Vec<Source>, out: PathBuf) -> Self {
        Self {
            sources,
            format: None,
            max_part_bytes: limits::REQUEST_BODY_BYTES,
            on_bad_row: OnBadRow::Reject,
            out,
        }
    }
}

/// What a split came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SplitCount {
    /// Chunk files.
    pub chunks: u64,
    /// Rows read, rejected ones included.
    pub rows: u64,
    /// Rows in no chunk file; they are in `rejects.csv` beside them.
    pub rejected: u64,
    /// Bytes read.
    pub bytes: u64,
}

/// Splits the sources. Where a source's fault ends it early, the rows before
/// are in chunk files, and the fault is returned beside the count.
///
/// # Errors
/// [`ErrorKind::Usage`] for a folder that holds chunks already or cannot be
/// written, [`ErrorKind::Input`] for a source that cannot be read at all.
pub async fn split(plan: SplitPlan, events: &Events) -> Result<(SplitCount, Option<Error>)> {
    prepare(&plan.out)?;
    let settings = ReadSettings {
        format: plan.format,
        chunk_bytes: chunk_bytes(plan.max_part_bytes),
        on_bad_row: plan.on_bad_row,
    };
    let mut chunks = Chunks::open(plan.sources, settings).await?;
    let mut rejects = Rejects::new(&plan.out);
    let mut count = SplitCount::default();
    // One chunk is written while the next is read and scanned.
    let mut writing: Option<JoinHandle<Result<()>>> = None;
    let fault = loop {
        match chunks.next().await {
            Ok(Some(Cut::Chunk(chunk))) => {
                finished(writing.take()).await?;
                events.emit(Event::ChunkRead {
                    chunk: chunk.number,
                    rows: chunk.rows,
                    bytes_read: chunks.bytes_read(),
                });
                count.chunks += 1;
                let path = plan.out.join(file_name(chunk.number, chunks.format()));
                writing = Some(tokio::task::spawn_blocking(move || write(&chunk, &path)));
            }
            Ok(Some(Cut::Rejected(row))) => {
                count.rejected += 1;
                rejects.reporter(&chunks)?.rejected(&rejected(row))?;
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    finished(writing).await?;
    rejects.finish()?;
    count.rows = chunks.rows_read();
    count.bytes = chunks.bytes_read();
    Ok((count, fault))
}

async fn finished(writing: Option<JoinHandle<Result<()>>>) -> Result<()> {
    match writing {
        Some(writing) => writing.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "writing a chunk broke off").because(error)
        })?,
        None => Ok(()),
    }
}

/// Writes a chunk file whole: under another name first, so that half a chunk
/// is never taken for one.
fn write(chunk: &Chunk, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        for segment in &chunk.segments {
            file.write_all(segment)?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            format!("`{}` cannot be written", path.display()),
        )
        .because(error)
        .hint("is the disk full?")
    })
}

/// Makes the folder, and refuses one in which old chunks would mix with new
/// ones.
fn prepare(out: &Path) -> Result<()> {
    let wrong = |error| {
        Error::new(
            ErrorKind::Usage,
            format!("the folder `{}` cannot be used", out.display()),
        )
        .because(error)
    };
    std::fs::create_dir_all(out).map_err(wrong)?;
    for entry in std::fs::read_dir(out).map_err(wrong)? {
        let name = entry.map_err(wrong)?.file_name();
        if name.to_string_lossy().starts_with("chunk-") {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the folder `{}` holds chunks already", out.display()),
            )
            .hint("name an empty folder with --out, or remove them"));
        }
    }
    Ok(())
}

/// The rejected rows of a split; no file is made where there are none.
struct Rejects {
    out: PathBuf,
    open: Option<(Reporter, tempfile::TempDir, Format)>,
}

impl Rejects {
    fn new(out: &Path) -> Self {
        Self {
            out: out.to_owned(),
            open: None,
        }
    }

    fn reporter(&mut self, chunks: &Chunks) -> Result<&mut Reporter> {
        let open = if let Some(open) = self.open.take() {
            open
        } else {
            let folder = tempfile::Builder::new()
                .prefix(".entries-")
                .tempdir_in(&self.out)
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Internal,
                        format!("`{}` cannot be written to", self.out.display()),
                    )
                    .because(error)
                })?;
            let layout = Layout {
                sources: chunks.source_names().to_vec(),
                header: chunks.header().bytes().to_vec(),
                names: chunks.header().names().to_vec(),
                format: chunks.format(),
                key_columns: Vec::new(),
                columns: ReportColumns::All,
            };
            (
                Reporter::new(folder.path(), layout)?,
                folder,
                chunks.format(),
            )
        };
        Ok(&mut self.open.insert(open).0)
    }

    fn finish(self) -> Result<()> {
        let Some((mut reporter, folder, format)) = self.open else {
            return Ok(());
        };
        let rejects = self.out.join(format!("rejects.{format}"));
        reporter.finish(&self.out.join("report.csv"), ReportFormat::Csv, &rejects)?;
        drop(reporter);
        folder.close().map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                format!("`{}` cannot be tidied", self.out.display()),
            )
            .because(error)
        })
    }
}
