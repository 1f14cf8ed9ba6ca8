//! The rules of cutting: which row goes into which chunk, and which into none.
//!
//! Pure: blocks go in, [`Cut`]s come out, nothing is read or awaited. A row's
//! bytes are not copied; a chunk holds slices of the blocks.

use std::collections::VecDeque;

use bytes::Bytes;
use twox_hash::XxHash3_128;

use crate::chunk::part::{Chunk, Digest, Piece};
use crate::config::choice::OnBadRow;
use crate::error::{Error, ErrorKind, Place};
use crate::rows::Utf8Check;
use crate::rows::scan::{End, Record, Scanner};
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
    /// Bytes of the source before the scanner's first: a byte order mark.
    skipped: u64,
    header_passed: bool,
    next_row: RowNumber,
    read: u64,
    /// Offsets of bytes that are not UTF-8 and belong to no row yet.
    not_utf8: VecDeque<u64>,
    held: Held,
    /// Rows accepted and not yet taken over into `open`, as offsets.
    accepted: std::ops::Range<u64>,
    open: Open,
    next_chunk: ChunkNumber,
    cuts: VecDeque<Cut>,
    stop: Option<Error>,
}

/// Blocks that may still be needed, each with the offset of its first byte.
#[derive(Debug, Default)]
struct Held(VecDeque<(u64, Bytes)>);

impl Held {
    /// The bytes of `range` in slices; none if they are no longer all held.
    fn slices(&self, range: &std::ops::Range<u64>) -> Option<impl Iterator<Item = Bytes>> {
        let (first, _) = self.0.front()?;
        (*first <= range.start).then(|| {
            self.0.iter().filter_map(move |(base, block)| {
                let from = range.start.max(*base);
                let to = range.end.min(*base + block.len() as u64);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "offsets inside one block in memory"
                )]
                (from < to).then(|| block.slice((from - base) as usize..(to - base) as usize))
            })
        })
    }

    /// Lets go of what lies before `offset`.
    fn release(&mut self, offset: u64) {
        while self
            .0
            .front()
            .is_some_and(|(base, block)| base + block.len() as u64 <= offset)
        {
            self.0.pop_front();
        }
    }
}

/// The chunk that is being filled.
#[derive(Default)]
struct Open {
    segments: Vec<Bytes>,
    pieces: Vec<Piece>,
    rows: u64,
    bytes: u64,
    digest: XxHash3_128,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open")
            .field("rows", &self.rows)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
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
                header_passed: false,
                next_row: RowNumber::new(1),
                read: 0,
                not_utf8: VecDeque::new(),
                held: Held::default(),
                accepted: 0..0,
                open: Open::default(),
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
        rows.header_passed = false;
        rows.next_row = RowNumber::new(1);
        rows.not_utf8.clear();
        rows.held = Held::default();
        rows.accepted = 0..0;
        rows.give_record_end();
    }

    /// Takes the next block of the source, which begins `base` bytes after the
    /// source's first block began. Cuts are then ready in [`next_cut`](Self::next_cut).
    pub fn push(&mut self, base: u64, block: &Bytes) {
        let rows = &mut self.rows;
        let mut bad = Vec::new();
        self.utf8.check(block, base, &mut bad);
        rows.not_utf8.extend(bad);
        rows.held.0.push_back((base, block.clone()));
        self.scanner.scan(block, &mut |record| rows.record(record));
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
        rows.not_utf8.extend(bad);
        let scanner = std::mem::replace(&mut self.scanner, Scanner::new(rows.rules.separator));
        match scanner.finish() {
            End::Clean => {}
            End::Record(record) => rows.record(record),
            End::OpenQuote(quote) => {
                rows.stop.get_or_insert_with(|| {
                    Error::new(ErrorKind::Input, "a quote opens here and never closes")
                        .at(Place {
                            source: Some(rows.source_name.clone()),
                            line: Some(LineNumber::new(quote.line)),
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

impl Rows {
    /// Takes one record of the source.
    fn record(&mut self, record: Record) {
        if self.stop.is_some() {
            return;
        }
        if !self.header_passed {
            self.header_passed = true;
            self.not_utf8.retain(|offset| *offset >= record.end);
            return;
        }
        if let Some(reason) = self.fault(&record) {
            if self.rules.on_bad_row == OnBadRow::Stop {
                self.stop_at(&record, &reason);
                return;
            }
            self.reject(&record, reason);
        } else {
            self.accept(&record);
        }
        self.next_row = self.next_row.plus(1);
        self.read += 1;
    }

    /// Why the row cannot be sent.
    fn fault(&mut self, record: &Record) -> Option<String> {
        let length = record.end - record.start;
        if let Some(offset) = self
            .not_utf8
            .front()
            .copied()
            .filter(|offset| *offset < record.end)
        {
            while self
                .not_utf8
                .front()
                .is_some_and(|offset| *offset < record.end)
            {
                self.not_utf8.pop_front();
            }
            return Some(format!(
                "not UTF-8: byte {} of the row begins no valid character",
                offset - record.start + 1
            ));
        }
        if record.fields != self.fields && self.rules.on_bad_row != OnBadRow::Send {
            return Some(format!(
                "the row has {} fields, the header {}",
                record.fields, self.fields
            ));
        }
        if length > self.room() {
            return Some(format!(
                "the row has {length} bytes; with the header it cannot fit into one request of Marketo's, where {} are left for it",
                self.room()
            ));
        }
        None
    }

    /// Bytes that a chunk has for rows.
    fn room(&self) -> u64 {
        self.rules
            .chunk_bytes
            .saturating_sub(self.header.len() as u64 + RECORD_END_BYTES)
    }

    fn accept(&mut self, record: &Record) {
        let length = record.end - record.start;
        let pending = self.accepted.end - self.accepted.start;
        if self.open.bytes + pending + length > self.room() {
            self.take_over();
            self.cut();
        }
        let range = record.start + self.skipped..record.end + self.skipped;
        match self.open.pieces.last_mut() {
            Some(piece) if piece.range.end == range.start && piece.source == self.source => {
                piece.rows += 1;
                piece.range.end = range.end;
            }
            _ => self.open.pieces.push(Piece {
                source: self.source,
                first_row: self.next_row,
                first_line: LineNumber::new(record.line),
                rows: 1,
                range,
            }),
        }
        self.open.rows += 1;
        if self.accepted.end != record.start {
            self.take_over();
            self.accepted = record.start..record.start;
        }
        self.accepted.end = record.end;
    }

    fn reject(&mut self, record: &Record, reason: String) {
        let bytes = self.held.slices(&(record.start..record.end)).map(|slices| {
            slices.fold(Vec::new(), |mut row, slice| {
                row.extend_from_slice(&slice);
                row
            })
        });
        let reason = if bytes.is_some() {
            reason
        } else {
            format!("{reason}; its bytes are not in the rejects file")
        };
        // Cuts come in source order, and the rows before this one are in a
        // chunk that is still open: the report puts both in order.
        self.cuts.push_back(Cut::Rejected(RejectedRow {
            source: self.source,
            row: self.next_row,
            line: LineNumber::new(record.line),
            reason,
            bytes,
        }));
    }

    fn stop_at(&mut self, record: &Record, reason: &str) {
        self.stop = Some(
            Error::new(ErrorKind::Input, reason)
                .at(Place {
                    source: Some(self.source_name.clone()),
                    line: Some(LineNumber::new(record.line)),
                    row: Some(self.next_row),
                    column: None,
                })
                .hint("--on-bad-row reject leaves such rows out and lists them in the report"),
        );
    }

    /// Takes the accepted bytes over into the open chunk, while they are still
    /// in the processor's cache.
    fn take_over(&mut self) {
        let range = self.accepted.clone();
        if range.is_empty() {
            return;
        }
        self.accepted.start = range.end;
        for slice in self.held.slices(&range).into_iter().flatten() {
            self.open.digest.write(&slice);
            self.open.bytes += slice.len() as u64;
            self.open.segments.push(slice);
        }
    }

    /// The open chunk is whole.
    fn cut(&mut self) {
        if self.open.rows == 0 {
            return;
        }
        let open = std::mem::take(&mut self.open);
        let mut segments = Vec::with_capacity(open.segments.len() + 1);
        segments.push(self.header.clone());
        segments.extend(open.segments);
        self.cuts.push_back(Cut::Chunk(Chunk {
            number: self.next_chunk,
            segments,
            header_bytes: self.header.len() as u64,
            pieces: open.pieces,
            rows: open.rows,
            bytes: open.bytes + self.header.len() as u64,
            digest: Digest(open.digest.finish_128()),
        }));
        self.next_chunk = self.next_chunk.plus(1);
    }

    /// Another source follows: a last row without an end gets one, or it would
    /// run into the next source's first.
    fn give_record_end(&mut self) {
        let ended = self
            .open
            .segments
            .last()
            .is_none_or(|last| last.ends_with(b"\n") || last.ends_with(b"\r"));
        if !ended {
            self.open.bytes += self.record_end.len() as u64;
            self.open.segments.push(self.record_end.clone());
        }
    }
}

#[cfg(test)]
mod tests;
