//! The bytes of a chunk, again.

use bytes::Bytes;

use crate::chunk::{Chunk, Outline, Spool, Start};
use crate::error::Result;
use crate::pipeline::Plan;
use crate::report::Layout;
use crate::source::Source;
use crate::units::SourceIndex;

/// What a chunk's bytes are read again by.
pub(super) struct Restore<'a> {
    sources: &'a [Source],
    header: Bytes,
    record_end: Bytes,
}

impl<'a> Restore<'a> {
    pub(super) fn new(plan: &'a Plan, layout: &Layout) -> Self {
        let header = Bytes::from(layout.header.clone());
        let content = header
            .iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        Self {
            sources: &plan.sources,
            record_end: header.slice(content.map_or(0, |last| last + 1)..),
            header,
        }
    }

    /// Whether the rows of `outline` are in plain files.
    pub(super) fn is_plain(&self, outline: &Outline) -> bool {
        let file = |source: SourceIndex| self.sources.get(source.get() as usize)?.plain_file();
        let mut pieces = outline.pieces.iter();
        pieces.all(|piece| file(piece.source).is_some())
    }

    /// Where the sources go on after `outline`, which is read again.
    pub(super) fn after(&self, outline: &Outline, spool: &Spool) -> Result<Start> {
        outline.after(&self.chunk(outline, spool)?, &self.record_end)
    }

    pub(super) fn chunk(&self, outline: &Outline, spool: &Spool) -> Result<Chunk> {
        outline.restore(self.sources, spool, &self.header, &self.record_end)
    }
}
