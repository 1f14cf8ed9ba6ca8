//! Records that may be something else than the rows that they are read as.
//!
//! A row whose value Marketo changed is not found in the text, and then what it
//! holds can look like another row; so can what a reason holds. Such a record is
//! contested, as where the text can be divided in several ways.

use twox_hash::XxHash3_64;

use crate::chunk::SentRows;
use crate::failures::fields::quoted_end;
use crate::failures::header::{Layout, line, line_end};
use crate::failures::index::SentIndex;
use crate::failures::records::{Reading, Records, offset};
use crate::failures::sent_row::SentRowReader;
use crate::failures::skeleton::Skeleton;
use crate::failures::writers::{Blanks, LineEnds, Writers};

/// The most rows that one doubt adds to what a record may be. There are more
/// only in a chunk made for the purpose.
const MOST_ADDED: usize = 64;

/// What stands before a line end within a value and what after it, each up to
/// the nearest separator or line end. Both are of one value, which has several
/// lines and so is no number or date, the only values that are seen to change.
type Joint = (Skeleton, Skeleton);

/// What about the sent rows gives rise to doubt.
pub(super) struct Doubts {
    separator: u8,
    has_reason: bool,
    /// The line ends within values, each with its row.
    joints: Vec<(Joint, u32)>,
    any_order: Option<AnyOrder>,
}

/// The rows by their values in any order.
struct AnyOrder {
    /// For each row a hash of its values, whatever their order.
    of_row: Vec<u64>,
    rows: Vec<(u64, u32)>,
}

impl Doubts {
    pub(super) fn of(
        rows: &SentRows,
        index: &SentIndex,
        reader: &mut SentRowReader<'_>,
        layout: &Layout,
        separator: u8,
    ) -> Self {
        let mut joints = Vec::new();
        let all = || (0..u32::MAX).take(rows.rows.len());
        for row in all().filter(|row| index.copies(*row) > 0) {
            if LineEnds::matter(rows.bytes(row as usize)) && reader.read(row as usize) {
                for value in reader.values().filter(|value| LineEnds::matter(value)) {
                    for blanks in Blanks::ALL {
                        let value = blanks.cut(value);
                        let starts = line_starts(value);
                        joints.extend(starts.map(|start| (joint(value, start, separator), row)));
                    }
                }
            }
        }
        joints.sort_unstable();
        joints.dedup();
        let any_order = layout.is_guessed().then(|| {
            let mut hash = |row: u32| {
                let is_row = reader.read(row as usize);
                is_row.then(|| of_any_order(reader, separator))
            };
            let of_row: Vec<u64> = all().map(|row| hash(row).unwrap_or(0)).collect();
            let first = all().filter(|row| index.copies(*row) > 0);
            let mut rows: Vec<_> = first.map(|row| (of_row[row as usize], row)).collect();
            rows.sort_unstable();
            AnyOrder { of_row, rows }
        });
        Self {
            separator,
            has_reason: layout.has_reason,
            joints,
            any_order,
        }
    }

    /// Contests what is in doubt among `records`, of which there should be
    /// `expected`, if that is known.
    pub(super) fn raise(&self, text: &[u8], records: &mut Records, expected: Option<u64>) {
        self.doubt_lines_of_rows(text, records);
        self.doubt_order(records);
        if expected.is_some_and(|expected| self.are_too_many(text, records, expected)) {
            Self::doubt_parts_of_reasons(text, records);
        }
    }

    /// A record after text that is not read may be a line of a row that begins
    /// in that text.
    fn doubt_lines_of_rows(&self, text: &[u8], records: &mut Records) {
        if self.joints.is_empty() {
            return;
        }
        let mut before = 0;
        for at in 0..records.list.len() {
            let record = records.list[at];
            let start = record.start as usize;
            let unread = text.get(before..start).unwrap_or_default();
            let is_after_unread = unread.iter().any(|byte| !b"\r\n".contains(byte));
            let is_after_doubt = before == start && at > 0 && records.list[at - 1].goes_back;
            before = line(text, record.end as usize).1;
            if !(is_after_unread || is_after_doubt) {
                continue;
            }
            let joint = joint(text, start, self.separator);
            let from = self.joints.partition_point(|(other, _)| *other < joint);
            let alike = self.joints[from..]
                .iter()
                .take_while(|(other, _)| *other == joint);
            let rows: Vec<u32> = alike.map(|(_, row)| *row).take(MOST_ADDED).collect();
            records.list[at].goes_back = contest(records, at, &rows);
        }
    }

    /// Where columns are known by their position alone, a row with the same
    /// values in another order may be meant.
    fn doubt_order(&self, records: &mut Records) {
        let Some(any_order) = &self.any_order else {
            return;
        };
        for at in 0..records.list.len() {
            let mut others = Vec::new();
            for reading in records.readings(&records.list[at]) {
                let hash = any_order.of_row[reading.row as usize];
                let from = any_order.rows.partition_point(|(other, _)| *other < hash);
                let alike = any_order.rows[from..]
                    .iter()
                    .take_while(|(other, _)| *other == hash);
                others.extend(alike.map(|(_, row)| *row).take(MOST_ADDED));
            }
            others.truncate(MOST_ADDED);
            contest(records, at, &others);
        }
    }

    /// Whether there are more records than there should be; text before the first
    /// of them is one too.
    fn are_too_many(&self, text: &[u8], records: &Records, expected: u64) -> bool {
        let first = records.list.first().filter(|first| !first.goes_back);
        let first = first.map_or(0, |first| first.start as usize);
        let is_led = text[..first].iter().any(|byte| !b"\r\n".contains(byte));
        self.has_reason && records.list.len() as u64 + u64::from(is_led) > expected
    }

    /// Where there are more records than Marketo counted, a record may be a part
    /// of the reason before it. Only where all is written by one that quotes, it
    /// is none after a reason that ends with its line.
    fn doubt_parts_of_reasons(text: &[u8], records: &mut Records) {
        let all = records.list.iter().map(|record| {
            let readings = records.readings(record).iter();
            readings.fold(Writers::NONE, |any, reading| any.or(reading.writers))
        });
        let common = all.fold(Writers::ALL, Writers::and);
        let quotes = !common.is_empty() && common.and(Writers::PLAIN).is_empty();
        for at in 1..records.list.len() {
            let before = records.list[at - 1];
            let readings = records.readings(&before);
            let ends = |reading: &Reading| {
                let reason = text.get(reading.end as usize + 1..).unwrap_or_default();
                reason.first() != Some(&b'"') || quoted_end(reason).is_some()
            };
            if !(quotes && readings.iter().all(ends)) {
                let rows: Vec<u32> = readings.iter().map(|reading| reading.row).collect();
                let also = &rows[..rows.len().min(MOST_ADDED)];
                contest(records, at, also);
                doubt(records, at);
            }
        }
    }
}

/// Contests a record that may as well be one of `rows`; false where they are no
/// others than it is read as.
fn contest(records: &mut Records, at: usize, rows: &[u32]) -> bool {
    let record = records.list[at];
    let is_own = |row: &u32| {
        let own = records.readings(&record);
        own.iter().any(|reading| reading.row == *row)
    };
    let mut others: Vec<u32> = rows.iter().copied().filter(|row| !is_own(row)).collect();
    others.sort_unstable();
    others.dedup();
    if others.is_empty() {
        return false;
    }
    let Some(from) = doubt(records, at) else {
        return true;
    };
    records
        .readings
        .extend(others.into_iter().map(|row| Reading {
            row,
            end: record.start,
            reaches: record.start,
            writers: Writers::NONE,
            exact: false,
        }));
    records.list[at].among = (from, offset(records.readings.len()));
    true
}

/// Contests a record: what it may be is listed anew from here on. None where so
/// much is listed already that one more list of it would help nobody.
fn doubt(records: &mut Records, at: usize) -> Option<u32> {
    let record = &mut records.list[at];
    let (from, to) = (record.among.0 as usize, record.among.1 as usize);
    if record.is_contested() && to - from > 2 * MOST_ADDED {
        return None;
    }
    let start = offset(records.readings.len());
    records.readings.extend_from_within(from..to);
    record.among = (start, offset(records.readings.len()));
    Some(start)
}

/// Where lines begin within a value, but for its first.
fn line_starts(value: &[u8]) -> impl Iterator<Item = usize> {
    let next = |start: usize| {
        let (end, next) = line(value, start);
        (next > end).then_some(next)
    };
    std::iter::successors(next(0), move |start| next(*start))
}

/// What stands on both sides of the line end before `start`.
fn joint(text: &[u8], start: usize, separator: u8) -> Joint {
    let ends = |byte: &u8| *byte == separator || *byte == b'\n' || *byte == b'\r';
    let before = &text[..start - line_end(&text[..start]).len()];
    let from = before.iter().rposition(&ends);
    let after = &text[start..];
    let to = after.iter().position(ends);
    (
        Skeleton::EMPTY.with_all(&before[from.map_or(0, |at| at + 1)..], separator),
        Skeleton::EMPTY.with_all(&after[..to.unwrap_or(after.len())], separator),
    )
}

/// A hash of the row's values in any order. Values are taken apart at their
/// separators, which unquoted cannot be told from those between them.
fn of_any_order(reader: &SentRowReader<'_>, separator: u8) -> u64 {
    let parts = reader
        .values()
        .flat_map(|value| value.split(|&byte| byte == separator));
    parts.fold(0, |all: u64, part| {
        let skeleton = Skeleton::EMPTY.with_all(Blanks::Unicode.cut(part), separator);
        all.wrapping_add(XxHash3_64::oneshot(&skeleton.number().to_le_bytes()))
    })
}
