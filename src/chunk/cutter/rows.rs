//! The rules, row by row: what is wrong with it, and where it goes.

use crate::chunk::cutter::{Cut, RECORD_END_BYTES, RejectedRow, Rows};
use crate::chunk::part::{Chunk, Digest, Piece};
use crate::config::choice::OnBadRow;
use crate::error::{Error, ErrorKind, Place};
use crate::rows::is_ended;
use crate::rows::scan::Record;
use crate::units::LineNumber;

impl Rows {
    /// Takes one record of the source.
    #[inline]
    pub(super) fn record(&mut self, record: Record) {
        if record.start == self.accepted.end
            && record.end <= self.clear_until
            && record.fields == self.fields
        {
            self.accepted.end = record.end;
            self.uncounted += 1;
        } else {
            self.look_at(record);
        }
    }

    /// Takes one record that needs a closer look.
    fn look_at(&mut self, record: Record) {
        self.count();
        self.clear_until = 0;
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
            self.clear_until = self.clear_until();
        }
        self.next_row = self.next_row.plus(1);
        self.read += 1;
    }

    /// More bytes of the source are read, of which these are not UTF-8.
    pub(super) fn add_not_utf8(&mut self, offsets: &[u64]) {
        if !offsets.is_empty() {
            self.not_utf8.extend(offsets);
            self.clear_until = 0;
        }
    }

    /// The end of the rows after the last accepted one, as long as they are UTF-8
    /// and the chunk has room.
    fn clear_until(&self) -> u64 {
        let full = self.accepted.start + self.limit().saturating_sub(self.open.bytes);
        self.not_utf8
            .front()
            .map_or(full, |offset| full.min(*offset))
    }

    /// Counts the rows that needed no closer look.
    fn count(&mut self) {
        let rows = std::mem::take(&mut self.uncounted);
        if rows == 0 {
            return;
        }
        if let Some(piece) = self.open.pieces.last_mut() {
            piece.rows += rows;
            piece.range.end = self.accepted.end + self.skipped;
        }
        self.open.rows += rows;
        self.next_row = self.next_row.plus(rows);
        self.read += rows;
    }

    /// Why the row cannot be sent.
    pub(super) fn fault(&mut self, record: &Record) -> Option<String> {
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

    /// The line of the source that is the scanner's `line`.
    pub(super) fn line(&self, line: u64) -> LineNumber {
        LineNumber::new(self.lines_skipped + line)
    }

    /// Bytes that a chunk has for rows.
    pub(super) fn room(&self) -> u64 {
        self.rules
            .chunk_bytes
            .saturating_sub(self.header.len() as u64 + RECORD_END_BYTES)
    }

    /// Bytes of rows that the open chunk has room for: as many as it had when it
    /// was cut before, else as many as fit.
    fn limit(&self) -> u64 {
        self.again.front().copied().unwrap_or_else(|| self.room())
    }

    pub(super) fn accept(&mut self, record: &Record) {
        let length = record.end - record.start;
        let pending = self.accepted.end - self.accepted.start;
        if self.open.bytes + pending + length > self.limit() {
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
                first_line: self.line(record.line),
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

    pub(super) fn reject(&mut self, record: &Record, reason: String) {
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
            line: self.line(record.line),
            reason,
            bytes,
        }));
    }

    pub(super) fn stop_at(&mut self, record: &Record, reason: &str) {
        self.stop = Some(
            Error::new(ErrorKind::Input, reason)
                .at(Place {
                    source: Some(self.source_name.clone()),
                    line: Some(self.line(record.line)),
                    row: Some(self.next_row),
                    column: None,
                })
                .hint("--on-bad-row reject leaves such rows out and lists them in the report"),
        );
    }

    /// Takes the accepted bytes over into the open chunk, while they are still
    /// in the processor's cache.
    pub(super) fn take_over(&mut self) {
        self.count();
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
    pub(super) fn cut(&mut self) {
        if self.open.rows == 0 {
            return;
        }
        let open = std::mem::take(&mut self.open);
        self.again.pop_front();
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
    pub(super) fn give_record_end(&mut self) {
        let ended = self.open.segments.last().is_none_or(|last| is_ended(last));
        if !ended {
            self.open.bytes += self.record_end.len() as u64;
            self.open.segments.push(self.record_end.clone());
        }
    }
}
