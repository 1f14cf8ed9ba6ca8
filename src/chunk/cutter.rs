//! The rules of cutting: which row goes into which chunk, and which into none.
//!
//! Pure: blocks go in, [`Cut`]s come out, nothing is read or awaited. A row's
//! bytes are not copied; a chunk holds slices of the blocks.

mod held;
mod open;
mod rows;

use std::collections::VecDeque;

use bytes::Bytes;

use self::held::Held;
use self::open::Open;
use crate::chunk::part::Chunk;
use crate::config::choice::OnBadRow;
use crate::error::{Error, ErrorKind, Place};
use crate::rows::Utf8Check;
use crate::rows::scan::{End, Record, Scanner, Sink};
use crate::units::{ChunkNumber, LineNumber, RowNumber, SourceIndex};

/// What a chunk and a row must keep to.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The byte between fields.
    pub separator: u8,
    /// Bytes of a chunk at most, header included.
    pub chunk_bytes: u64,
    /// What happens to a row that breaks a rule.
    pub on_bad_row: OnBadRow,
}

/// A row that goes into no chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Its source.
    pub source: SourceIndex,
    /// Its number there.
    pub row: RowNumber,
    /// The physical line on which it starts.
    pub line: LineNumber,
    /// Why.
    pub reason: String,
    /// Its bytes; none if it is longer than a chunk, which is the most that is
    /// ever held.
    pub bytes: Option<Vec<u8>>,
}

/// Where a row begins in the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The source.
    pub source: SourceIndex,
    /// The row's first byte in it, a byte order mark counted.
    pub offset: u64,
    /// The row's number.
    pub row: RowNumber,
    /// The physical line on which it starts.
    pub line: LineNumber,
}

/// What the cutter hands out, in source order.
#[derive(Debug, Clone)]
pub enum Cut {
    /// A chunk to be sent.
    Chunk(Chunk),
    /// A row that cannot be.
    Rejected(RejectedRow),
}

/// Bytes that a row without an end may be given when another source follows.
const RECORD_END_BYTES: u64 = 2;

/// Cuts the rows of one source after another into chunks.
#[derive(Debug)]
pub struct Cutter {
    scanner: Scanner,
    utf8: Utf8Check,
    rows: Rows,
}

/// All but the scanner, which hands records to it.
#[derive(Debug)]
struct Rows {
    rules: Rules,
    header: Bytes,
    fields: u32,
    record_end: Bytes,
    source: SourceIndex,
    source_name: String,
    /// Bytes of the source before the scanner's first: a byte order mark, or
    /// all that was cut by an earlier process.
    skipped: u64,
    /// Physical lines of the source in those bytes.
    lines_skipped: u64,
    header_passed: bool,
    next_row: RowNumber,
    read: u64,
    /// Offsets of bytes that are not UTF-8 and belong to no row yet.
    not_utf8: VecDeque<u64>,
    held: Held,
    /// Rows accepted and not yet taken over into `open`, as offsets.
    accepted: std::ops::Range<u64>,
    /// A row of the right width that follows these and ends here at the latest
    /// breaks no rule and belongs to the piece of the row before.
    clear_until: u64,
    /// How many such rows are accepted and not counted.
    uncounted: u64,
    open: Open,
    /// Bytes of rows of chunks that are cut again.
    again: VecDeque<u64>,
    next_chunk: ChunkNumber,
    cuts: VecDeque<Cut>,
    stop: Option<Error>,
}

/// A block on its way through the scanner. Its encoding is checked a few
/// thousand bytes at a time, as the scanner comes to them: it has asked for
/// them, so that none of this waits for memory.
struct Reading<'a> {
    utf8: &'a mut Utf8Check,
    rows: &'a mut Rows,
    /// Offset of the next byte.
    base: u64,
}

impl Sink for Reading<'_> {
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        let mut bad = Vec::new();
        self.utf8.check(bytes, self.base, &mut bad);
        self.rows.add_not_utf8(&bad);
        self.base += bytes.len() as u64;
    }

    #[inline]
    fn record(&mut self, record: Record) {
        self.rows.record(record);
    }
}

impl Cutter {
    /// A cutter for sources with this header: `header` as its bytes with its
    /// record end, `fields` its number of columns.
    #[must_use]
    pub fn new(rules: Rules, header: Bytes, record_end: Bytes, fields: usize) -> Self {
        Self {
            scanner: Scanner::new(rules.separator),
            utf8: Utf8Check::default(),
            rows: Rows {
                rules,
                header,
                fields: u32::try_from(fields).unwrap_or(u32::MAX),
                record_end,
                source: SourceIndex::new(0),
                source_name: String::new(),
                skipped: 0,
                lines_skipped: 0,
                header_passed: false,
                next_row: RowNumber::new(1),
                read: 0,
                not_utf8: VecDeque::new(),
                held: Held::default(),
                accepted: 0..0,
                clear_until: 0,
                uncounted: 0,
                open: Open::default(),
                again: VecDeque::new(),
                next_chunk: ChunkNumber::new(1),
                cuts: VecDeque::new(),
                stop: None,
            },
        }
    }

    /// The next blocks are those of `source`, from its header on; `skipped`
    /// bytes (a byte order mark) lie before the first.
    pub fn begin_source(&mut self, source: SourceIndex, name: &str, skipped: u64) {
        self.scanner = Scanner::new(self.rows.rules.separator);
        self.utf8 = Utf8Check::default();
        let rows = &mut self.rows;
        rows.source = source;
        name.clone_into(&mut rows.source_name);
        rows.skipped = skipped;
        rows.lines_skipped = 0;
        rows.header_passed = false;
        rows.next_row = RowNumber::new(1);
        rows.not_utf8.clear();
        rows.held = Held::default();
        rows.accepted = 0..0;
        rows.clear_until = 0;
        rows.give_record_end();
    }

    /// The next blocks are those of `source` from `start` on, where a row
    /// begins: its header lies before.
    pub fn begin_at(&mut self, start: Start, name: &str) {
        self.begin_source(start.source, name, start.offset);
        self.rows.header_passed = true;
        self.rows.next_row = start.row;
        self.rows.lines_skipped = start.line.get() - 1;
    }

    /// The first chunks are to be cut again as they were before, with so many
    /// bytes of rows each. One that was cut because its source broke off is
    /// shorter than it had to be.
    pub fn cut_again(&mut self, bytes: impl IntoIterator<Item = u64>) {
        self.rows.again.extend(bytes);
    }

    /// Takes the next block of the source, which begins `base` bytes after the
    /// source's first block began. Cuts are then ready in [`next_cut`](Self::next_cut).
    pub fn push(&mut self, base: u64, block: &Bytes) {
        let rows = &mut self.rows;
        rows.held.0.push_back((base, block.clone()));
        let mut reading = Reading {
            utf8: &mut self.utf8,
            rows,
            base,
        };
        self.scanner.scan_into(block, &mut reading);
        rows.take_over();
        let end = base + block.len() as u64;
        let pending = self.scanner.open_start().unwrap_or(end);
        // A row longer than a chunk cannot be sent, so its bytes are not held:
        // memory stays within one chunk though a quote never closes.
        let needed = if end - pending > rows.rules.chunk_bytes {
            end
        } else {
            pending
        };
        rows.held.release(needed);
    }

    /// The source has ended after `end` bytes. `last` says that no source
    /// follows: what is open becomes a chunk.
    pub fn end_source(&mut self, end: u64, last: bool) {
        let rows = &mut self.rows;
        let mut bad = Vec::new();
        self.utf8.finish(end, &mut bad);
        rows.add_not_utf8(&bad);
        let scanner = std::mem::replace(&mut self.scanner, Scanner::new(rows.rules.separator));
        match scanner.finish() {
            End::Clean => {}
            End::Record(record) => rows.record(record),
            End::OpenQuote(quote) => {
                let line = rows.line(quote.line);
                rows.stop.get_or_insert_with(|| {
                    Error::new(ErrorKind::Input, "a quote opens here and never closes")
                        .at(Place {
                            source: Some(rows.source_name.clone()),
                            line: Some(line),
                            row: rows.header_passed.then_some(rows.next_row),
                            column: None,
                        })
                        .hint("close the quote, or double a quote that is part of the value; the rows before it were taken")
                });
            }
        }
        rows.take_over();
        if last || rows.stop.is_some() {
            rows.cut();
        }
    }

    /// The source broke off: the rows that ended before become a chunk, and the
    /// begun one is not taken.
    pub fn break_off(&mut self) {
        self.rows.take_over();
        self.rows.cut();
    }

    /// The next cut that is ready.
    pub fn next_cut(&mut self) -> Option<Cut> {
        self.rows.cuts.pop_front()
    }

    /// Why cutting stopped, once all cuts before that are handed out.
    pub fn take_stop(&mut self) -> Option<Error> {
        if self.rows.cuts.is_empty() {
            self.rows.stop.take()
        } else {
            None
        }
    }

    /// Whether cutting stopped: no further block is of use.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.rows.stop.is_some()
    }

    /// Rows read so far, rejected ones included.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.rows.read
    }

    /// Rows among them that were not handed out: those of cuts that are ready,
    /// and of the chunk that is being filled.
    #[must_use]
    pub fn rows_waiting(&self) -> u64 {
        let of_cut = |cut: &Cut| match cut {
            Cut::Chunk(chunk) => chunk.rows,
            Cut::Rejected(_) => 1,
        };
        self.rows.cuts.iter().map(of_cut).sum::<u64>() + self.rows.open.rows
    }
}

#[cfg(test)]
mod tests;
