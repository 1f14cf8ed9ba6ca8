//! Blocks that were read and whose bytes may still be needed.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

/// Blocks that may still be needed, each with the offset of its first byte.
#[derive(Debug, Default)]
pub(super) struct Held(pub(super) VecDeque<(u64, Bytes)>);

impl Held {
    /// The bytes of `range` in slices; none if they are no longer all held.
    pub(super) fn slices(&self, range: &Range<u64>) -> Option<impl Iterator<Item = Bytes>> {
        let (first, _) = self.0.front()?;
        (*first <= range.start).then(|| {
            self.0.iter().filter_map(move |(base, block)| {
                let from = range.start.max(*base);
                let to = range.end.min(*base + block.len() as u64);
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "offsets inside one block in memory"
                )]
                (from < to).then(|| block.slice((from - base) as usize..(to - base) as usize))
            })
        })
    }

    /// Lets go of what lies before `offset`.
    pub(super) fn release(&mut self, offset: u64) {
        while self
            .0
            .front()
            .is_some_and(|(base, block)| base + block.len() as u64 <= offset)
        {
            self.0.pop_front();
        }
    }
}
