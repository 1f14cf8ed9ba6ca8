//! Failure and warning files, on disk: a run in which every row fails needs no
//! memory in proportion.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Mutex;

use csv_async::ByteRecord;
use serde_bytes::{ByteBuf, Bytes};

use super::settings::FileStyle;
use super::world::locked;

/// Where a file lies on the [`Shelf`], in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// All failure and warning files in one anonymous file: one handle, however
/// many jobs there are.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<Option<File>>);

impl Shelf {
    fn with<T>(&self, work: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let mut file = locked(&self.0);
        let file = match &mut *file {
            Some(file) => file,
            empty => empty.insert(tempfile::tempfile()?),
        };
        work(file)
    }

    /// At most `most` bytes of `span`, from its start.
    pub(super) fn read(&self, span: Span, most: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(span.end - span.start).unwrap_or(usize::MAX);
        let mut block = vec![0; left.min(most)];
        self.with(|file| {
            file.seek(SeekFrom::Start(span.start))?;
            file.read_exact(&mut block)
        })?;
        Ok(block)
    }
}

/// Rows with a reason each, collected while an upload is read.
#[derive(Debug)]
pub(super) struct Remarks {
    /// The last column's name.
    title: &'static str,
    width: usize,
    /// Whether a column has a value in any of the rows.
    filled: Vec<bool>,
    rows: u64,
    spool: Option<BufWriter<File>>,
    /// Where each row begins in the spool; kept only to shuffle them.
    starts: Option<Vec<u64>>,
}

impl Remarks {
    /// `title` is `Import Failure Reason` or `Import Warning Reason` (D).
    pub(super) fn new(title: &'static str, width: usize, style: FileStyle) -> Self {
        Self {
            title,
            width,
            filled: vec![false; width],
            rows: 0,
            spool: None,
            starts: style.shuffled.then(Vec::new),
        }
    }

    pub(super) fn push(&mut self, row: &ByteRecord, reason: &str) -> io::Result<()> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            empty => empty.insert(BufWriter::new(tempfile::tempfile()?)),
        };
        if let Some(starts) = &mut self.starts {
            starts.push(spool.stream_position()?);
        }
        for (value, filled) in row.iter().zip(&mut self.filled) {
            *filled |= !value.is_empty();
        }
        let cells: Vec<&Bytes> = row.iter().map(Bytes::new).collect();
        rmp_serde::encode::write(spool, &(cells, reason)).map_err(io::Error::other)?;
        self.rows += 1;
        Ok(())
    }

    /// Writes the file to the shelf; `None` if there are no rows.
    pub(super) fn shelve(
        self,
        store: &Shelf,
        header: &[String],
        separator: u8,
        style: FileStyle,
        dice: &mut fastrand::Rng,
    ) -> io::Result<Option<Span>> {
        let Some(spool) = self.spool else {
            return Ok(None);
        };
        let mut rows = BufReader::new(spool.into_inner().map_err(io::IntoInnerError::into_error)?);
        rows.rewind()?;
        let mut starts = self.starts;
        if let Some(starts) = &mut starts {
            dice.shuffle(starts);
        }
        let kept = |column: usize| {
            !style.drop_empty_columns || self.filled.get(column).is_none_or(|filled| *filled)
        };
        store.with(|file| {
            let start = file.seek(SeekFrom::End(0))?;
            let mut out = Pen {
                out: BufWriter::new(file),
                separator,
                style,
            };
            if style.bom {
                out.out.write_all("\u{feff}".as_bytes())?;
            }
            let names = header.iter().map(String::as_bytes).enumerate();
            out.row(names.filter(|(at, _)| kept(*at)), self.title)?;
            for nth in 0..self.rows {
                let start = usize::try_from(nth)
                    .ok()
                    .and_then(|nth| starts.as_ref()?.get(nth));
                if let Some(start) = start {
                    rows.seek(SeekFrom::Start(*start))?;
                }
                let (mut cells, reason): (Vec<ByteBuf>, String) =
                    rmp_serde::from_read(&mut rows).map_err(io::Error::other)?;
                if cells.len() < self.width {
                    cells.resize(self.width, ByteBuf::new());
                }
                let values = cells.iter().map(|cell| cell.as_slice()).enumerate();
                out.row(values.filter(|(at, _)| kept(*at)), &reason)?;
            }
            out.out.flush()?;
            let end = out.out.get_mut().stream_position()?;
            Ok(Some(Span { start, end }))
        })
    }
}

/// Writes rows in a style.
struct Pen<W: Write> {
    out: BufWriter<W>,
    separator: u8,
    style: FileStyle,
}

impl<W: Write> Pen<W> {
    fn row<'a>(
        &mut self,
        cells: impl Iterator<Item = (usize, &'a [u8])>,
        reason: &str,
    ) -> io::Result<()> {
        for (_, value) in cells {
            self.cell(value)?;
            self.out.write_all(&[self.separator])?;
        }
        self.cell(reason.as_bytes())?;
        self.out
            .write_all(if self.style.crlf { b"\r\n" } else { b"\n" })
    }

    /// Unquoted unless asked: so does Marketo (O).
    fn cell(&mut self, value: &[u8]) -> io::Result<()> {
        let special = |&byte: &u8| byte == self.separator || b"\"\r\n".contains(&byte);
        if !(self.style.quoted && value.iter().any(special)) {
            return self.out.write_all(value);
        }
        self.out.write_all(b"\"")?;
        for part in value.split_inclusive(|&byte| byte == b'"') {
            self.out.write_all(part)?;
            if part.ends_with(b"\"") {
                self.out.write_all(b"\"")?;
            }
        }
        self.out.write_all(b"\"")
    }
}
