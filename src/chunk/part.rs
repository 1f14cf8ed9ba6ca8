//! A chunk: one import file, as bytes of the sources plus numbers.

use std::fmt;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::chunk::sent::{SentRow, SentRows};
use crate::rows::scan::{End, Record, Scanner};
use crate::units::{ChunkNumber, LineNumber, RowNumber, SourceIndex};

/// XXH3 (128 bits) of a chunk's rows as they stand in the sources. It says
/// whether a source that is read again is still the same; it is no defence
/// against a forger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Rows of a chunk that follow one another in one source without a gap. A
/// rejected row, an empty line or the next source ends a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The source.
    pub source: SourceIndex,
    /// The number of its first row in that source.
    pub first_row: RowNumber,
    /// The physical line on which that row starts.
    pub first_line: LineNumber,
    /// How many rows.
    pub rows: u64,
    /// Their bytes in the source, a byte order mark counted.
    pub range: Range<u64>,
}

/// One import file: the header, then whole rows in source order with their
/// bytes untouched.
///
/// The bytes are slices of the blocks that were read, so a clone shares them.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Its number in the run.
    pub number: ChunkNumber,
    /// The file's content, header first, in slices.
    pub segments: Vec<Bytes>,
    /// Bytes of the header among them.
    pub header_bytes: u64,
    /// Where its rows come from; at least one piece.
    pub pieces: Vec<Piece>,
    /// Its rows, the header not counted; at least one.
    pub rows: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Of its rows.
    pub digest: Digest,
}

impl Chunk {
    /// Its first piece, with its first row and line.
    ///
    /// # Panics
    /// Never: the cutter makes no chunk without a row.
    #[must_use]
    pub fn first(&self) -> &Piece {
        &self.pieces[0]
    }

    /// Reads the chunk again: its rows one by one with their numbers. Copies
    /// the rows once.
    #[must_use]
    pub fn sent_rows(&self, separator: u8) -> SentRows {
        let mut text = BytesMut::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        for segment in &self.segments {
            text.extend_from_slice(segment);
        }
        let text = text
            .freeze()
            .slice(usize::try_from(self.header_bytes).unwrap_or(0)..);
        let mut numbering = Numbering::new(&self.pieces);
        let mut rows = Vec::with_capacity(usize::try_from(self.rows).unwrap_or(0));
        let mut scanner = Scanner::new(separator);
        scanner.scan(&text, &mut |record| {
            rows.push(numbering.number(&text, record));
        });
        if let End::Record(record) = scanner.finish() {
            rows.push(numbering.number(&text, record));
        }
        SentRows { text, rows }
    }
}

/// Gives the records of a chunk their numbers in the sources.
struct Numbering<'a> {
    pieces: &'a [Piece],
    /// Rows of the first piece that have their number.
    numbered: u64,
    /// The line of the first piece's first row in the chunk's own text.
    line_in_text: u64,
}

impl<'a> Numbering<'a> {
    fn new(pieces: &'a [Piece]) -> Self {
        Self {
            pieces,
            numbered: 0,
            line_in_text: 1,
        }
    }

    fn number(&mut self, text: &[u8], record: Record) -> SentRow {
        while self.pieces.len() > 1 && self.numbered == self.pieces[0].rows {
            self.pieces = &self.pieces[1..];
            self.numbered = 0;
        }
        if self.numbered == 0 {
            self.line_in_text = record.line;
        }
        let piece = &self.pieces[0];
        let row = SentRow {
            source: piece.source,
            row: piece.first_row.plus(self.numbered),
            line: piece.first_line.plus(record.line - self.line_in_text),
            span: span(text, record),
        };
        self.numbered += 1;
        row
    }
}

/// A record's bytes without its end. A chunk is far below 4 GiB.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a chunk holds at most 10 MB, and never 4 GiB"
)]
fn span(text: &[u8], record: Record) -> Range<u32> {
    let (start, mut end) = (record.start as usize, record.end as usize);
    // An end is CR, LF or CR LF, so at most two bytes, in that order.
    if text[..end].ends_with(b"\n") && end > start {
        end -= 1;
    }
    if text[..end].ends_with(b"\r") && end > start {
        end -= 1;
    }
    start as u32..end as u32
}
