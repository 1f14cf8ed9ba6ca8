//! Where in the text a row that was sent begins.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::failures::fields::{FieldReader, Fields, quoted_end};
use crate::failures::gaps::QuotedReader;
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

/// What a comparison with one more row of the same skeleton costs beside its
/// bytes: their blanks or quotes differ, so that all writers are tried.
const COMPARED_FOR_MORE: usize = 256;

/// The most rows of one skeleton that are compared. A text that may be more of
/// them is taken for none.
const MOST_ALIKE: usize = 100;

/// One way to read a record: as this row, by one of these writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The first of the rows with these values.
    pub(super) row: u32,
    /// Where the row's text ends and, after a separator, the reason begins.
    pub(super) end: u32,
    /// The end of the line that the record reaches at least: a reason within
    /// quotes may hold line ends, and then lines that look like rows.
    pub(super) reaches: u32,
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
    /// All readings of the stretch of text that it lies in. They are more than
    /// its own where that can be divided into records in several ways.
    pub(super) among: (u32, u32),
    /// Whether it may be a part of a row that begins in the text before it.
    pub(super) goes_back: bool,
}

impl Record {
    /// Whether it may also be no record, or one that goes on to elsewhere.
    pub(super) fn is_contested(&self) -> bool {
        self.among != (self.from, self.to)
    }

    /// Whether a record begins here however the text is divided.
    pub(super) fn begins_for_sure(&self) -> bool {
        self.from == self.among.0
    }
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

    /// The records that begin at such a place.
    pub(super) fn only_where(&self, begins: impl Fn(usize) -> bool) -> Self {
        let mut records = Self::default();
        for record in &self.list {
            if begins(record.start as usize) {
                let from = offset(records.readings.len());
                records.readings.extend_from_slice(self.readings(record));
                let to = offset(records.readings.len());
                records.list.push(Record {
                    from,
                    to,
                    among: (from, to),
                    ..*record
                });
            }
        }
        records
    }

    /// Says of the records from number `first` on that they lie in one stretch of
    /// text, whose readings begin with number `from`.
    pub(super) fn join(&mut self, first: usize, from: u32) {
        let among = (from, offset(self.readings.len()));
        for record in &mut self.list[first..] {
            record.among = among;
        }
    }

    /// All that a record that is contested may be.
    pub(super) fn among(&self, record: &Record) -> &[Reading] {
        &self.readings[record.among.0 as usize..record.among.1 as usize]
    }
}

/// Finds the rows of an index in a text.
pub(super) struct RecordFinder<'a> {
    index: &'a SentIndex,
    rows: SentRowReader<'a>,
    fields: FieldReader,
    read: Fields,
    separator: u8,
    layout: &'a Layout,
    width: usize,
    has_reason: bool,
    can_be_exact: bool,
    quoted: QuotedReader,
    /// Bytes that may still be compared. Once it is exceeded nothing more is
    /// read: a line of a row that was given up must not be taken for another.
    budget: usize,
    /// Beginnings of the text at hand that may be a row: where it ends, and the
    /// rows with its skeleton.
    ends: Vec<(usize, &'a [(Skeleton, u32)])>,
}

impl<'a> RecordFinder<'a> {
    pub(super) fn new(
        index: &'a SentIndex,
        rows: SentRowReader<'a>,
        layout: &'a Layout,
        separator: u8,
    ) -> Self {
        Self {
            index,
            rows,
            fields: FieldReader::new(separator),
            read: Fields::default(),
            separator,
            layout,
            width: layout.width(),
            has_reason: layout.has_reason,
            can_be_exact: layout.by_name && layout.dropped().is_empty(),
            quoted: QuotedReader::new(layout, separator),
            budget: 0,
            ends: Vec::new(),
        }
    }

    /// All places in `text` at which a row can be read, if all before it is read
    /// in some way too. A place may lie within the row that is read at another:
    /// what of this are the records is for [`settle`](super::paths::settle).
    pub(super) fn find(&mut self, text: &[u8]) -> Records {
        self.budget = (text.len() * COMPARED_PER_BYTE).max(COMPARED_AT_LEAST);
        let mut records = Records::default();
        let mut starts = BTreeSet::from([0]);
        while let Some(start) = starts.pop_first() {
            if start == text.len() {
                break;
            }
            let from = records.readings.len();
            self.read_at(text, start, &mut records.readings);
            let readings = &mut records.readings[from..];
            let Some(longest) = readings.iter().map(|found| found.reaches).max() else {
                // What is well written as a whole holds no records.
                let end = self.quoted.end(text, start).unwrap_or(start);
                starts.insert(line(text, end).1);
                continue;
            };
            readings.sort_unstable_by_key(|found| (found.row, !found.exact, Reverse(found.end)));
            let (end, next) = line(text, longest as usize);
            starts.insert(next);
            for shorter in readings.chunk_by(|a, b| a.reaches == b.reaches) {
                if shorter[0].reaches != longest {
                    starts.insert(line(text, shorter[0].reaches as usize).1);
                }
            }
            let (from, to) = (offset(from), offset(records.readings.len()));
            records.list.push(Record {
                start: offset(start),
                end: offset(end),
                from,
                to,
                among: (from, to),
                goes_back: false,
            });
        }
        records
    }

    /// Adds all rows that `text` can be read as from `start` on: all or none,
    /// because what is only one of several must not look like the only one.
    fn read_at(&mut self, text: &[u8], start: usize, readings: &mut Vec<Reading>) {
        if self.layout.is_at(text, start) {
            return;
        }
        let from = readings.len();
        if !(self.find_ends(text, start) && self.compare(text, start, readings)) {
            readings.truncate(from);
            self.budget = 0;
        }
    }

    /// Compares the text with each row that its skeleton may be; false where
    /// the budget does not allow it.
    fn compare(&mut self, text: &[u8], start: usize, readings: &mut Vec<Reading>) -> bool {
        if let Some((end, _)) = self.ends.iter().find(|(_, rows)| rows.len() > MOST_ALIKE) {
            // Only of a row of one line the others are sure to be no part.
            return line(text, start).0 >= *end;
        }
        for &(end, rows) in &self.ends {
            let row_text = &text[start..end];
            let is_record = self.fields.read(row_text, &mut self.read);
            for (number, &(_, row)) in rows.iter().enumerate() {
                let more = if number > 0 { COMPARED_FOR_MORE } else { 0 };
                let cost = row_text.len() + self.rows.length(row as usize) + more;
                let Some(left) = self.budget.checked_sub(cost) else {
                    return false;
                };
                self.budget = left;
                if !self.rows.read(row as usize) {
                    continue;
                }
                let read = is_record.then_some(&self.read);
                let writers = self.rows.writers_of(row_text, read);
                for (writers, reaches) in self.reaches(text, end, writers) {
                    let exact = self.can_be_exact
                        && self.rows.is_regular()
                        && !writers.and(Writers::FAITHFUL).is_empty();
                    readings.push(Reading {
                        row,
                        end: offset(end),
                        reaches: offset(reaches),
                        writers,
                        exact,
                    });
                }
            }
        }
        true
    }

    /// How far a record reaches at least whose row ends at `end`, by its writer:
    /// for one that quotes, a reason that begins with a quote goes on to where
    /// that closes.
    fn reaches(
        &self,
        text: &[u8],
        end: usize,
        writers: Writers,
    ) -> impl Iterator<Item = (Writers, usize)> {
        let line_end = line(text, end).0;
        let reason = text.get(end + 1..).filter(|_| self.has_reason);
        let quoted = reason
            .and_then(quoted_end)
            .map(|length| end + 1 + length)
            .filter(|closed| *closed > line_end);
        let ways = match quoted {
            None => [(writers, line_end), (Writers::NONE, line_end)],
            Some(closed) => [
                (writers.and(Writers::QUOTING), closed),
                (writers.and(Writers::PLAIN), line_end),
            ],
        };
        ways.into_iter().filter(|(writers, _)| !writers.is_empty())
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
        let rows = self.index.rows(skeleton, MOST_ALIKE + 1);
        if !rows.is_empty() {
            self.ends.push((at, rows));
        }
    }
}

/// A place in a piece of text, which is shorter than 2^32 bytes.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
