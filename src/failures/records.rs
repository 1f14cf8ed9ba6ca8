//! Where in the text a row that was sent begins.

use std::cmp::Reverse;

use crate::failures::fields::{FieldReader, Fields};
use crate::failures::header::{Layout, line};
use crate::failures::index::SentIndex;
use crate::failures::sent_row::SentRowReader;
use crate::failures::skeleton::Skeleton;
use crate::failures::writers::Writers;

/// The bytes that may be compared for each byte of text. Only text made for the
/// purpose needs more, and it must not hang us.
const COMPARED_PER_BYTE: usize = 64;

/// The bytes that may be compared for a text of any length: a short file may
/// answer a chunk of many similar rows.
const COMPARED_AT_LEAST: usize = 16 << 20;

/// One way to read a record: as this row, by one of these writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The first of the rows with these values.
    pub(super) row: u32,
    /// Where the row's text ends and, after a separator, the reason begins.
    pub(super) end: u32,
    /// Who may have written it.
    pub(super) writers: Writers,
    /// Whether the text has the very values of the row, character for character.
    pub(super) exact: bool,
}

/// A place in the text at which a row that was sent stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub(super) start: u32,
    /// The end of its reason, the line end not included.
    pub(super) end: u32,
    /// Its readings in [`Records::readings`], by row, the best first.
    pub(super) from: u32,
    pub(super) to: u32,
}

/// All records that were found, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) list: Vec<Record>,
    pub(super) readings: Vec<Reading>,
}

impl Records {
    pub(super) fn readings(&self, record: &Record) -> &[Reading] {
        &self.readings[record.from as usize..record.to as usize]
    }

    /// The writers that explain every record, or all of them where none does:
    /// then the file has more than one writer, and nothing is ruled out.
    pub(super) fn writers(&self) -> Writers {
        let common = self.list.iter().fold(Writers::ALL, |common, record| {
            let readings = self.readings(record).iter();
            common.and(readings.fold(Writers::NONE, |any, reading| any.or(reading.writers)))
        });
        if common.is_empty() {
            Writers::ALL
        } else {
            common
        }
    }

    /// Whether some record can end in two places.
    pub(super) fn overlap(&self) -> bool {
        self.list.iter().any(|record| {
            let readings = self.readings(record);
            readings
                .iter()
                .any(|reading| reading.end != readings[0].end)
        })
    }

    /// Drops readings by other writers.
    pub(super) fn keep(&mut self, writers: Writers) {
        let mut kept = Vec::with_capacity(self.readings.len());
        for record in &mut self.list {
            let from = kept.len();
            let readings = &self.readings[record.from as usize..record.to as usize];
            kept.extend(
                readings
                    .iter()
                    .filter(|reading| !reading.writers.and(writers).is_empty()),
            );
            record.from = offset(from);
            record.to = offset(kept.len());
        }
        self.readings = kept;
    }
}

/// Finds the rows of an index in a text.
pub(super) struct RecordFinder<'a> {
    index: &'a SentIndex,
    rows: SentRowReader<'a>,
    fields: FieldReader,
    read: Fields,
    separator: u8,
    width: usize,
    has_reason: bool,
    can_be_exact: bool,
    writers: Writers,
    /// Bytes that may still be compared.
    budget: usize,
    /// Beginnings of the text at hand that may be a row: where it ends.
    ends: Vec<(usize, Skeleton)>,
}

impl<'a> RecordFinder<'a> {
    pub(super) fn new(
        index: &'a SentIndex,
        rows: SentRowReader<'a>,
        layout: &Layout,
        separator: u8,
    ) -> Self {
        Self {
            index,
            rows,
            fields: FieldReader::new(separator),
            read: Fields::default(),
            separator,
            width: layout.width(),
            has_reason: layout.has_reason,
            can_be_exact: layout.by_name && layout.dropped().is_empty(),
            writers: Writers::ALL,
            budget: 0,
            ends: Vec::new(),
        }
    }

    /// All records of `text` that one of `writers` may have written.
    pub(super) fn find(&mut self, text: &[u8], writers: Writers) -> Records {
        self.writers = writers;
        self.budget = (text.len() * COMPARED_PER_BYTE).max(COMPARED_AT_LEAST);
        let mut records = Records::default();
        let mut start = 0;
        while start < text.len() {
            let from = records.readings.len();
            self.read_at(text, start, &mut records.readings);
            let Some(longest) = records.readings[from..].iter().map(|found| found.end).max() else {
                start = line(text, start).1;
                continue;
            };
            let readings = &mut records.readings[from..];
            readings.sort_unstable_by_key(|found| (found.row, !found.exact, Reverse(found.end)));
            let (end, next) = line(text, longest as usize);
            records.list.push(Record {
                start: offset(start),
                end: offset(end),
                from: offset(from),
                to: offset(records.readings.len()),
            });
            start = next;
        }
        records
    }

    /// Adds all rows that `text` can be read as from `start` on: all or none,
    /// because what is only one of several must not look like the only one.
    fn read_at(&mut self, text: &[u8], start: usize, readings: &mut Vec<Reading>) {
        let from = readings.len();
        if !(self.find_ends(text, start) && self.compare(text, start, readings)) {
            readings.truncate(from);
        }
    }

    /// Compares the text with each row that its skeleton may be; false where
    /// the budget does not allow it.
    fn compare(&mut self, text: &[u8], start: usize, readings: &mut Vec<Reading>) -> bool {
        let index = self.index;
        for &(end, skeleton) in &self.ends {
            let row_text = &text[start..end];
            let is_record = self.fields.read(row_text, &mut self.read);
            for &(_, row) in index.rows(skeleton) {
                let cost = row_text.len() + self.rows.length(row as usize);
                let Some(left) = self.budget.checked_sub(cost) else {
                    return false;
                };
                self.budget = left;
                if !self.rows.read(row as usize) {
                    continue;
                }
                let read = is_record.then_some(&self.read);
                let writers = self.rows.writers_of(row_text, read);
                if !writers.and(self.writers).is_empty() {
                    let end = offset(end);
                    let exact = self.can_be_exact
                        && self.rows.is_regular()
                        && !writers.and(Writers::FAITHFUL).is_empty();
                    readings.push(Reading {
                        row,
                        end,
                        writers,
                        exact,
                    });
                }
            }
        }
        true
    }

    /// Finds where a row that begins at `start` may end, by its skeleton; false
    /// where the budget does not allow it.
    fn find_ends(&mut self, text: &[u8], start: usize) -> bool {
        self.ends.clear();
        let mut skeleton = Skeleton::EMPTY;
        // A row of so many columns has one separator fewer within it, or more.
        let mut separators = 0;
        let mut line_start = start;
        for (at, &byte) in text.iter().enumerate().skip(start) {
            if byte == self.separator {
                separators += 1;
                if self.has_reason && separators >= self.width {
                    self.end_at(at, skeleton);
                }
            } else if byte == b'\n' || byte == b'\r' {
                if !self.has_reason && separators + 1 >= self.width {
                    self.end_at(at, skeleton);
                }
                if !self.index.goes_on(skeleton) {
                    return true;
                }
                let Some(left) = self.budget.checked_sub(at - line_start) else {
                    return false;
                };
                self.budget = left;
                line_start = at;
            }
            skeleton = skeleton.with(byte, self.separator);
        }
        true
    }

    fn end_at(&mut self, at: usize, skeleton: Skeleton) {
        if !self.index.rows(skeleton).is_empty() {
            self.ends.push((at, skeleton));
        }
    }
}

/// A place in a piece of text, which is shorter than 2^32 bytes.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
