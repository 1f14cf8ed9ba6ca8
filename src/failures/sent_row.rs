//! One sent row under the columns of a failure file.

use crate::failures::Sent;
use crate::failures::fields::{FieldReader, Fields};
use crate::failures::header::Layout;
use crate::failures::skeleton::Skeleton;
use crate::failures::writers::{self, Blanks, LineEnds, Writers};

/// Reads sent rows one after another, each in place of the one before.
pub(super) struct SentRowReader<'a> {
    sent: &'a Sent<'a>,
    columns: &'a [usize],
    dropped: &'a [usize],
    reader: FieldReader,
    fields: Fields,
}

impl<'a> SentRowReader<'a> {
    /// None where the file's columns are not known, so that no row can be
    /// looked for.
    pub(super) fn new(sent: &'a Sent<'a>, layout: &'a Layout) -> Option<Self> {
        let columns = layout.known_columns()?;
        Some(Self {
            sent,
            columns,
            dropped: layout.dropped(),
            reader: FieldReader::new(sent.format.separator()),
            fields: Fields::default(),
        })
    }

    /// Reads row `index`; false where it is no record.
    pub(super) fn read(&mut self, index: usize) -> bool {
        self.reader
            .read(self.sent.rows.bytes(index), &mut self.fields)
    }

    /// The length in bytes of row `index`.
    pub(super) fn length(&self, index: usize) -> usize {
        self.sent.rows.bytes(index).len()
    }

    /// All values as sent.
    pub(super) fn sent_values(&self) -> &Fields {
        &self.fields
    }

    /// Whether the row has a value for each column of the upload and no more.
    pub(super) fn is_regular(&self) -> bool {
        self.fields.len() == self.sent.header.len()
    }

    /// The values in the order of the file; what a too wide row has more
    /// follows.
    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        let more = self.sent.header.len()..self.fields.len();
        self.columns
            .iter()
            .copied()
            .chain(more)
            .map(|column| self.fields.get(column))
    }

    /// Whether a file without the dropped columns can hold the row, if its
    /// writer treats blanks so: a column vanishes only where it is empty.
    pub(super) fn fits(&self, blanks: Blanks) -> bool {
        self.dropped
            .iter()
            .all(|&column| blanks.cut(self.fields.get(column)).is_empty())
    }

    /// The skeleton of the row's text; `at_line_end` sees each beginning of it
    /// at which a line ends.
    pub(super) fn skeleton(
        &self,
        blanks: Blanks,
        mut at_line_end: impl FnMut(Skeleton),
    ) -> Skeleton {
        let separator = self.sent.format.separator();
        let mut skeleton = Skeleton::EMPTY;
        for (position, value) in self.values().enumerate() {
            if position > 0 {
                skeleton = skeleton.with(separator, separator);
            }
            let value = blanks.cut(value);
            if !LineEnds::matter(value) {
                skeleton = skeleton.with_all(value, separator);
                continue;
            }
            for &byte in value {
                if byte == b'\n' || byte == b'\r' {
                    at_line_end(skeleton);
                }
                skeleton = skeleton.with(byte, separator);
            }
        }
        skeleton
    }

    /// Whether writers differ over the blanks round its values.
    pub(super) fn blanks_matter(&self) -> bool {
        self.fields.iter().any(Blanks::matter)
    }

    /// The writers that turn the row into exactly `text`; `read` is the same
    /// text read as a record, where it is one.
    pub(super) fn writers_of(&self, text: &[u8], read: Option<&Fields>) -> Writers {
        let blanks_matter = self.blanks_matter();
        let ends_matter = self.fields.iter().any(LineEnds::matter);
        if !blanks_matter && !ends_matter {
            return self.writers_with(text, read, Blanks::Kept, LineEnds::Kept);
        }
        let mut found = Writers::NONE;
        for blanks in Blanks::ALL {
            for ends in LineEnds::ALL {
                if self.fits(blanks) {
                    let habits = Writers::with_habits(blanks, ends);
                    found = found.or(self.writers_with(text, read, blanks, ends).and(habits));
                }
            }
        }
        found
    }

    /// The writers of `text`, as if all had these habits.
    fn writers_with(
        &self,
        text: &[u8],
        read: Option<&Fields>,
        blanks: Blanks,
        ends: LineEnds,
    ) -> Writers {
        let mut found = Writers::NONE;
        if self.is_joined(text, blanks, ends) {
            found = found.or(Writers::PLAIN);
        }
        if let Some(read) = read {
            let mut values = self.values();
            let agree = read.iter().all(|field| match values.next() {
                Some(value) => *field == *writers::write(value, blanks, ends),
                None => false,
            });
            if agree && values.next().is_none() {
                found = found.or(Writers::QUOTING);
            }
        }
        found
    }

    /// Whether `text` is the row's values with the separator between them.
    fn is_joined(&self, text: &[u8], blanks: Blanks, ends: LineEnds) -> bool {
        let separator = self.sent.format.separator();
        let mut rest = text;
        for (position, value) in self.values().enumerate() {
            if position > 0 {
                let Some((&first, after)) = rest.split_first() else {
                    return false;
                };
                if first != separator {
                    return false;
                }
                rest = after;
            }
            let Some(after) = rest.strip_prefix(&*writers::write(value, blanks, ends)) else {
                return false;
            };
            rest = after;
        }
        rest.is_empty()
    }
}
