//! The rejects file: the source's header, and rows as their original bytes.

use std::io::Write;

use super::entry::{Entry, Key};

/// Writes rows that can be imported again, each once.
pub(crate) struct Rejects<'a, W> {
    out: W,
    record_end: &'a [u8],
    last: Option<Key>,
    /// Rows written.
    pub(crate) rows: u64,
    /// Entries that belong here and whose row is not known.
    pub(crate) missing: u64,
    /// Rows written that are only candidates of an ambiguous entry.
    pub(crate) candidates: u64,
}

/// The record end of `record`, if it has one.
fn record_end(record: &[u8]) -> Option<&[u8]> {
    let ends: [&[u8]; 3] = [b"\r\n", b"\n", b"\r"];
    ends.into_iter().find(|end| record.ends_with(end))
}

impl<'a, W: Write> Rejects<'a, W> {
    /// Begins with the header; rows without a record end get the header's.
    pub(crate) fn new(mut out: W, header: &'a [u8]) -> std::io::Result<Self> {
        let end = record_end(header).unwrap_or(b"\n");
        out.write_all(header)?;
        if record_end(header).is_none() {
            out.write_all(end)?;
        }
        Ok(Self {
            out,
            record_end: end,
            last: None,
            rows: 0,
            missing: 0,
            candidates: 0,
        })
    }

    /// Writes the entry's row if it belongs here. Entries come in source order.
    pub(crate) fn push(&mut self, entry: &Entry) -> std::io::Result<()> {
        if !entry.is_reject() {
            return Ok(());
        }
        let (Some(key), Some(bytes)) = (entry.key(), &entry.bytes) else {
            self.missing += 1;
            return Ok(());
        };
        if self.last == Some(key) {
            return Ok(());
        }
        self.last = Some(key);
        self.rows += 1;
        self.candidates += u64::from(entry.only_candidate);
        self.out.write_all(bytes)?;
        if record_end(bytes).is_none() {
            self.out.write_all(self.record_end)?;
        }
        Ok(())
    }

    /// The writer below.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }
}
