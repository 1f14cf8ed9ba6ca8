//! The bytes of a chunk, again.

use bytes::Bytes;

use crate::chunk::{Chunk, Outline, Spool, Start, plain_files};
use crate::error::Result;
use crate::pipeline::Plan;
use crate::report::Layout;
use crate::rows::record_end;
use crate::source::Source;

/// What a chunk's bytes are read again by.
pub(super) struct Restore<'a> {
    sources: &'a [Source],
    header: Bytes,
    record_end: Bytes,
}

impl<'a> Restore<'a> {
    pub(super) fn new(plan: &'a Plan, layout: &Layout) -> Self {
        let header = Bytes::from(layout.header.clone());
        Self {
            sources: &plan.sources,
            record_end: record_end(&header),
            header,
        }
    }

    /// Whether the rows of `outline` are in plain files.
    pub(super) fn is_plain(&self, outline: &Outline) -> bool {
        plain_files(&outline.pieces, self.sources).is_some()
    }

    /// Where the sources go on after `outline`, which is read again.
    pub(super) fn after(&self, outline: &Outline, spool: &Spool) -> Result<Start> {
        outline.after(&self.chunk(outline, spool)?, &self.record_end)
    }

    pub(super) fn chunk(&self, outline: &Outline, spool: &Spool) -> Result<Chunk> {
        outline.restore(self.sources, spool, &self.header, &self.record_end)
    }
}
