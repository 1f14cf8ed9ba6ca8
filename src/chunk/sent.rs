//! The rows of a chunk one by one, for finding failures among them.

use std::ops::Range;

use bytes::Bytes;

use crate::units::{LineNumber, RowNumber, SourceIndex};

/// One row that was sent in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRow {
    /// The source it came from.
    pub source: SourceIndex,
    /// Its number in that source.
    pub row: RowNumber,
    /// The physical line on which it starts in that source.
    pub line: LineNumber,
    /// Its bytes in [`SentRows::text`], without the record's end.
    pub span: Range<u32>,
}

/// A chunk read again: all its rows in the order sent, without the header.
#[derive(Debug, Clone)]
pub struct SentRows {
    /// The chunk's rows as sent, one after another.
    pub text: Bytes,
    /// Where each row lies in `text`, in the order sent.
    pub rows: Vec<SentRow>,
}

impl SentRows {
    /// The bytes of row `index`, without the record's end.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn bytes(&self, index: usize) -> &[u8] {
        let span = &self.rows[index].span;
        &self.text[span.start as usize..span.end as usize]
    }
}
