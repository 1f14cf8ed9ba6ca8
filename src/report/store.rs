//! Entries on disk until they are merged: one file for each chunk, one for
//! the rows rejected before any chunk. Records are `MessagePack`, each behind
//! its length in four little-endian bytes; the first record of a chunk's file
//! is the key of the chunk's first row. Files are 0600 (they hold row data).

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind as IoKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

use super::entry::{Entry, Key};
use crate::error::{Error, ErrorKind, Result};
use crate::units::ChunkNumber;

pub(super) const REJECTED: &str = "rejected.entries";

fn fault(
    what: &str,
    path: &Path,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("cannot {what} `{}`", path.display()),
    )
    .because(cause)
    .hint("is the disk full, or was the run's folder changed?")
}

/// Where the entries of a chunk are.
pub(crate) fn chunk_path(folder: &Path, chunk: ChunkNumber) -> PathBuf {
    folder.join(format!("chunk-{:06}.entries", chunk.get()))
}

/// Writes the entries of a chunk in source order; one without a row comes
/// after the chunk's last known row. Replaces what was there for that chunk.
/// Holds the entries encoded, with 40 bytes more for each.
pub(crate) fn write_chunk(
    folder: &Path,
    chunk: ChunkNumber,
    first: Key,
    entries: impl IntoIterator<Item = Result<Entry>>,
) -> Result<()> {
    let path = chunk_path(folder, chunk);
    let wrong = |cause| fault("write", &path, cause);
    let mut encoded = Vec::new();
    let mut places = Vec::new();
    for entry in entries {
        let entry = entry?;
        let start = encoded.len();
        write_record(&mut encoded, &entry).map_err(wrong)?;
        // `false` sorts before `true`: known rows first.
        places.push((entry.row.is_none(), entry.key(), start..encoded.len()));
    }
    if places.is_empty() {
        // A retried chunk may have left entries that no longer hold.
        return match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != IoKind::NotFound => Err(fault("remove", &path, cause)),
            _ => Ok(()),
        };
    }
    places.sort_by_key(|(unknown, key, _)| (*unknown, *key));
    let file = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
    let mut out = BufWriter::new(file);
    write_record(&mut out, &first).map_err(wrong)?;
    for (_, _, place) in places {
        out.write_all(&encoded[place]).map_err(wrong)?;
    }
    let file = out
        .into_inner()
        .map_err(|cause| wrong(cause.into_error()))?;
    file.as_file().sync_data().map_err(wrong)?;
    file.persist(&path).map_err(|cause| wrong(cause.error))?;
    // Its name as well: the ledger says next that nothing is left to do.
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(wrong)?;
    Ok(())
}

fn write_record(out: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    let record = rmp_serde::to_vec(value).map_err(std::io::Error::other)?;
    let length = u32::try_from(record.len()).map_err(std::io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&record)
}

/// The rows rejected before any chunk, appended in source order.
#[derive(Debug)]
pub(crate) struct RejectedFile {
    path: PathBuf,
    out: BufWriter<File>,
    last: Option<Key>,
    /// Whether rows were added since the last sync.
    unsynced: bool,
}

impl RejectedFile {
    /// Opens the folder's file. One that an interrupted run left is carried
    /// on after its last whole record.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(REJECTED);
        let wrong = |cause| fault("write", &path, cause);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(wrong)?;
        let mut records = Records::over(file, path.clone());
        let mut last = None;
        let mut whole = 0;
        loop {
            match records.read::<Entry>() {
                Ok(Some(entry)) => last = entry.key(),
                Ok(None) => break,
                // Only a crash in the middle of a write is mended; rows on a
                // disk that cannot be read are not thrown away.
                Err(_) if records.torn => break,
                Err(error) => return Err(error),
            }
            whole = records.offset;
        }
        let mut file = records.input.into_inner();
        file.set_len(whole).map_err(wrong)?;
        file.seek(SeekFrom::Start(whole)).map_err(wrong)?;
        Ok(Self {
            path,
            out: BufWriter::new(file),
            last,
            unsynced: false,
        })
    }

    /// How many of its rows come before `key`.
    pub(crate) fn count_before(&mut self, key: Key) -> Result<u64> {
        self.sync()?;
        let mut records = Records::open(&self.path)?;
        let mut count = 0;
        while let Some(entry) = records.read::<Entry>()? {
            if entry.key() >= Some(key) {
                break;
            }
            count += 1;
        }
        Ok(count)
    }

    /// Adds a row. One at or before the last is there already, from before an
    /// interruption, since rows come in source order; it is not added twice.
    pub(crate) fn push(&mut self, entry: &Entry) -> Result<()> {
        if entry.key().is_some() && entry.key() <= self.last {
            return Ok(());
        }
        write_record(&mut self.out, entry).map_err(|cause| fault("write", &self.path, cause))?;
        self.last = entry.key().or(self.last);
        self.unsynced = true;
        Ok(())
    }

    /// Puts all rows added so far on disk.
    pub(crate) fn sync(&mut self) -> Result<()> {
        if !self.unsynced {
            return Ok(());
        }
        self.out
            .flush()
            .and_then(|()| self.out.get_ref().sync_data())
            .map_err(|cause| fault("write", &self.path, cause))?;
        self.unsynced = false;
        Ok(())
    }
}

/// The records of one file, one at a time.
struct Records {
    input: BufReader<File>,
    path: PathBuf,
    record: Vec<u8>,
    /// Bytes of the whole records read.
    offset: u64,
    /// Whether the file ended in the middle of a record, or in the zeros that
    /// some file systems leave after a crash.
    torn: bool,
}

impl Records {
    fn over(file: File, path: PathBuf) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, file),
            path,
            record: Vec::new(),
            offset: 0,
            torn: false,
        }
    }

    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|cause| fault("read", path, cause))?;
        Ok(Self::over(file, path.to_owned()))
    }

    fn read<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let Self {
            input,
            path,
            record,
            offset,
            torn,
        } = self;
        let wrong = |cause| fault("read", path, cause);
        record.clear();
        input.by_ref().take(4).read_to_end(record).map_err(wrong)?;
        if record.is_empty() {
            return Ok(None);
        }
        let length = <[u8; 4]>::try_from(record.as_slice()).map_or(0, u32::from_le_bytes);
        *torn = length == 0;
        record.clear();
        input
            .by_ref()
            .take(u64::from(length))
            .read_to_end(record)
            .map_err(wrong)?;
        *torn |= record.len() != length as usize;
        if *torn {
            return Err(wrong(IoKind::UnexpectedEof.into()));
        }
        *offset += 4 + u64::from(length);
        rmp_serde::from_slice(record)
            .map(Some)
            .map_err(|cause| fault("read", path, cause))
    }
}

/// How a file ends that rows are appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// With a whole record.
    Whole,
    /// Perhaps with a part of one: it is being written, or its writer died.
    Growing,
}

/// The entries of one file in its order; holds one of them.
pub(crate) struct Entries {
    records: Records,
    tail: Tail,
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.records.read();
        if self.records.torn && self.tail == Tail::Growing {
            return None;
        }
        read.transpose()
    }
}

/// The rows in `folder` that were rejected before any chunk, so far.
pub(crate) fn rejected(folder: &Path) -> Result<Entries> {
    Ok(Entries {
        records: Records::open(&folder.join(REJECTED))?,
        tail: Tail::Growing,
    })
}

/// A file that is not open: its first key and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredFile {
    /// No entry of the file comes before it.
    pub(crate) first: Key,
    path: PathBuf,
    headed: bool,
    tail: Tail,
}

impl StoredFile {
    /// Opens the file for reading.
    pub(crate) fn open(self) -> Result<Entries> {
        let mut records = Records::open(&self.path)?;
        if self.headed {
            records.read::<Key>()?;
        }
        Ok(Entries {
            records,
            tail: self.tail,
        })
    }
}

/// The files of a folder, none of them open; the rejected rows' one ends with
/// `tail`.
pub(crate) fn list(folder: &Path, tail: Tail) -> Result<Vec<StoredFile>> {
    let wrong = |cause| fault("read", folder, cause);
    let mut files = Vec::new();
    for item in std::fs::read_dir(folder).map_err(wrong)? {
        let path = item.map_err(wrong)?.path();
        if path.extension().is_none_or(|end| end != "entries") {
            continue;
        }
        let headed = path.file_name().is_none_or(|name| name != REJECTED);
        let mut records = Records::open(&path)?;
        // A chunk's file comes to its name as a whole.
        let tail = if headed { Tail::Whole } else { tail };
        let first = if headed {
            records.read::<Key>()?
        } else {
            let mut entries = Entries { records, tail };
            entries.next().transpose()?.and_then(|entry| entry.key())
        };
        if let Some(first) = first {
            files.push(StoredFile {
                first,
                path,
                headed,
                tail,
            });
        }
    }
    files.sort_by(|a, b| (a.first, &a.path).cmp(&(b.first, &b.path)));
    Ok(files)
}
