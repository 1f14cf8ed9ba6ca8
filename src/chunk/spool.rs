//! Rows of chunks on disk, for sources that cannot be read again.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;

use crate::chunk::part::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::units::ChunkNumber;

/// How the name of a file begins whose chunk is done.
const FREE: &str = "free";

/// Rows of chunks that cannot be read from their source again, on disk until
/// their chunk is done. The files hold personal data: 0600 in a folder of 0700.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    /// One chunk is kept at a time: two would take the same free file.
    keeping: Arc<Mutex<()>>,
}

impl Spool {
    /// A spool in `folder`, which is made when something is kept.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            keeping: Arc::default(),
        }
    }

    /// Keeps the rows of `chunk` as they are sent. They are on disk when this
    /// returns, which takes its time: it is done on a thread for that.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if the disk does not take them.
    pub async fn keep(&self, chunk: &Chunk) -> Result<()> {
        let path = self.path(chunk.number);
        let (spool, kept, to) = (self.clone(), chunk.clone(), path.clone());
        let written = tokio::task::spawn_blocking(move || spool.write(&kept, &to)).await;
        written.unwrap_or_else(|error| Err(error.into())).map_err(|error| {
            Error::new(
                ErrorKind::Internal,
                format!("a chunk cannot be kept in `{}`", path.display()),
            )
            .because(error)
            .hint("make room on the disk, or name another place with --state-dir; what was sent is in the ledger")
        })
    }

    fn write(&self, chunk: &Chunk, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        builder.create(&self.folder)?;
        // A file that another chunk is done with is written over: its pages are
        // there, and making and freeing them is half of what a write costs.
        let _one = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.free().unwrap_or_else(|| self.folder.join(FREE));
        let mut out = options.open(&free)?;
        // The header leads, in a segment of its own.
        for segment in chunk.segments.iter().skip(1) {
            out.write_all(segment)?;
        }
        out.set_len(chunk.bytes - chunk.header_bytes)?;
        // The ledger says next that the source was read beyond these rows.
        out.sync_data()?;
        std::fs::rename(free, path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Appends the rows of a chunk that was kept.
    pub(super) fn read(&self, chunk: ChunkNumber, text: &mut BytesMut) -> io::Result<()> {
        let mut file = File::open(self.path(chunk))?;
        let mut rows = Vec::new();
        file.read_to_end(&mut rows)?;
        text.extend_from_slice(&rows);
        Ok(())
    }

    /// Whether the rows of a chunk are kept.
    #[must_use]
    pub fn holds(&self, chunk: ChunkNumber) -> bool {
        self.path(chunk).exists()
    }

    /// Lets go of a chunk that is done.
    pub fn release(&self, chunk: ChunkNumber) {
        // It is not there for a chunk of a plain file; and what stays is
        // removed with the spool.
        let free = self.folder.join(format!("{FREE}-{:06}", chunk.get()));
        let _ = std::fs::rename(self.path(chunk), free);
    }

    /// Removes the spool, with all that is in it.
    pub fn remove(&self) {
        // It is not there if nothing was kept.
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// A file of a chunk that is done.
    fn free(&self) -> Option<PathBuf> {
        let files = std::fs::read_dir(&self.folder).ok()?;
        let mut paths = files.filter_map(|file| Some(file.ok()?.path()));
        paths.find(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(FREE))
        })
    }

    fn path(&self, chunk: ChunkNumber) -> PathBuf {
        self.folder.join(format!("chunk-{:06}", chunk.get()))
    }
}
