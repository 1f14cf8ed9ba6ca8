//! The rows of one chunk by their skeleton.
//!
//! Numbers only, no text: 24 bytes a row. A hash never decides by itself; what
//! is found by it is compared with the bytes.

use twox_hash::XxHash3_64;

use crate::chunk::SentRows;
use crate::failures::sent_row::SentRowReader;
use crate::failures::skeleton::Skeleton;
use crate::failures::writers::Blanks;

/// No row.
const NONE: u32 = u32::MAX;

/// The rows of a chunk by the skeletons that their text can have. Of rows with
/// the same values only the first is listed; the others are its copies.
#[derive(Debug)]
pub(super) struct SentIndex {
    entries: Vec<(Skeleton, u32)>,
    /// Beginnings of rows' skeletons at which a line ends.
    line_ends: Vec<Skeleton>,
    /// How many rows have the values of this one; 0 if it is not the first.
    copies: Vec<u32>,
    /// The next row with the same values.
    next_copy: Vec<u32>,
}

impl SentIndex {
    /// Reads all rows of the chunk.
    pub(super) fn build(rows: &SentRows, reader: &mut SentRowReader<'_>) -> Self {
        let count = rows.rows.len();
        let mut index = Self {
            entries: Vec::with_capacity(count),
            line_ends: Vec::new(),
            copies: vec![0; count],
            next_copy: vec![NONE; count],
        };
        let mut with_blanks = Vec::new();
        for row in 0..row_number(count) {
            if !reader.read(row as usize) || !Blanks::ALL.iter().any(|blanks| reader.fits(*blanks))
            {
                continue;
            }
            let skeleton = reader.skeleton(Blanks::Kept, |line_end| {
                push_new(&mut index.line_ends, line_end);
            });
            index.entries.push((skeleton, row));
            if reader.blanks_matter() {
                with_blanks.push(row);
            }
        }
        index.entries.sort_unstable();
        index.find_copies(rows, reader);
        index.add_cut_forms(&with_blanks, reader);
        index.line_ends.sort_unstable();
        index.line_ends.dedup();
        index
    }

    /// Links rows with equal values and keeps the first of them as an entry.
    fn find_copies(&mut self, rows: &SentRows, reader: &mut SentRowReader<'_>) {
        let entries = std::mem::take(&mut self.entries);
        self.entries.reserve(entries.len());
        let mut alike: Vec<(u64, u32)> = Vec::new();
        let mut other = SameValues::default();
        for run in entries.chunk_by(|a, b| a.0 == b.0) {
            if let [(_, row)] = run {
                self.copies[*row as usize] = 1;
                self.entries.push(run[0]);
                continue;
            }
            alike.clear();
            for &(_, row) in run {
                reader.read(row as usize);
                alike.push((other.hash(reader), row));
            }
            alike.sort_unstable();
            for same in alike.chunk_by(|a, b| a.0 == b.0) {
                self.link(run[0].0, same, rows, reader, &mut other);
            }
        }
        self.entries.sort_unstable();
    }

    /// Links rows whose values have one hash.
    fn link(
        &mut self,
        skeleton: Skeleton,
        same: &[(u64, u32)],
        rows: &SentRows,
        reader: &mut SentRowReader<'_>,
        other: &mut SameValues,
    ) {
        let first = same[0].1;
        let mut last = first;
        reader.read(first as usize);
        other.remember(reader);
        for &(_, row) in same {
            let equal = row == first
                || rows.bytes(row as usize) == rows.bytes(first as usize)
                || (reader.read(row as usize) && other.equals(reader));
            if equal {
                self.copies[first as usize] += 1;
                if row != first {
                    self.next_copy[last as usize] = row;
                    last = row;
                }
            } else {
                // One hash for different values: they stand for themselves,
                // and what they match is found to be ambiguous.
                self.copies[row as usize] = 1;
                self.entries.push((skeleton, row));
            }
        }
        self.entries.push((skeleton, first));
    }

    /// Adds the skeletons of rows that change when blanks are cut: a tab is a
    /// separator of TSV, and Unicode's blanks are bytes like others.
    fn add_cut_forms(&mut self, rows: &[u32], reader: &mut SentRowReader<'_>) {
        let mut forms = Vec::new();
        for &row in rows {
            if self.copies[row as usize] == 0 {
                continue;
            }
            reader.read(row as usize);
            forms.clear();
            for blanks in Blanks::ALL {
                let skeleton = reader.skeleton(blanks, |line_end| {
                    push_new(&mut self.line_ends, line_end);
                });
                if !forms.contains(&skeleton) {
                    forms.push(skeleton);
                }
            }
            // The first is that of the kept blanks, which is there.
            self.entries
                .extend(forms[1..].iter().map(|form| (*form, row)));
        }
        self.entries.sort_unstable();
    }

    /// The rows that may have this skeleton, each the first of its copies, `most`
    /// of them at most.
    pub(super) fn rows(&self, skeleton: Skeleton, most: usize) -> &[(Skeleton, u32)] {
        let from = self.entries.partition_point(|entry| entry.0 < skeleton);
        let length = self.entries[from..]
            .iter()
            .take(most)
            .take_while(|entry| entry.0 == skeleton)
            .count();
        &self.entries[from..from + length]
    }

    /// Whether some row's text begins with this skeleton and then a line end.
    pub(super) fn goes_on(&self, skeleton: Skeleton) -> bool {
        self.line_ends.binary_search(&skeleton).is_ok()
    }

    /// How many rows have the values of `first`.
    pub(super) fn copies(&self, first: u32) -> usize {
        self.copies[first as usize] as usize
    }

    /// All rows with the values of `first`, in the order sent.
    pub(super) fn rows_like(&self, first: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(first), |row| self.next_copy(*row))
    }

    /// The next row with the same values.
    pub(super) fn next_copy(&self, row: u32) -> Option<u32> {
        let next = self.next_copy[row as usize];
        (next != NONE).then_some(next)
    }
}

/// Spans are 32 bits wide, so a chunk has fewer rows than that.
fn row_number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NONE)
}

fn push_new(list: &mut Vec<Skeleton>, skeleton: Skeleton) {
    if list.last() != Some(&skeleton) {
        list.push(skeleton);
    }
}

/// All values of one row as one text, for comparison with another.
#[derive(Debug, Default)]
struct SameValues {
    text: Vec<u8>,
    other: Vec<u8>,
}

impl SameValues {
    fn write(reader: &SentRowReader<'_>, text: &mut Vec<u8>) {
        text.clear();
        for value in reader.sent_values().iter() {
            text.extend_from_slice(&value.len().to_le_bytes());
            text.extend_from_slice(value);
        }
    }

    fn hash(&mut self, reader: &SentRowReader<'_>) -> u64 {
        Self::write(reader, &mut self.other);
        XxHash3_64::oneshot(&self.other)
    }

    fn remember(&mut self, reader: &SentRowReader<'_>) {
        Self::write(reader, &mut self.text);
    }

    fn equals(&mut self, reader: &SentRowReader<'_>) -> bool {
        Self::write(reader, &mut self.other);
        self.text == self.other
    }
}
