//! The text between the records that were found: the rest of a reason that
//! spans lines, or records that no sent row explains.

use std::ops::Range;

use memchr::memchr_iter;

use crate::failures::fields::{FieldReader, Fields, quoted_end};
use crate::failures::header::{Layout, line};
use crate::failures::records::{Record, Records, offset};

/// Divides gaps into the ends of reasons and unexplained records.
pub(super) struct GapReader {
    separator: u8,
    /// The fewest separators of a record.
    fewest: usize,
    quoted: QuotedReader,
    /// Records that Marketo counted and that are not found yet.
    missing: u64,
    unexplained: Vec<Range<usize>>,
}

impl GapReader {
    pub(super) fn new(layout: &Layout, separator: u8) -> Self {
        let columns = layout.width() + usize::from(layout.has_reason);
        Self {
            separator,
            fewest: columns.saturating_sub(1),
            quoted: QuotedReader::new(layout, separator),
            missing: 0,
            unexplained: Vec::new(),
        }
    }

    /// Sets the true end of each record's reason and returns the unexplained
    /// records in the order of the text. `expected` is how many records the
    /// text should hold: where that many were found, all else is the rest of a
    /// reason that is still open.
    pub(super) fn read(
        &mut self,
        text: &[u8],
        records: &mut Records,
        expected: u64,
    ) -> Vec<Range<usize>> {
        self.missing = expected.saturating_sub(records.list.len() as u64);
        self.unexplained.clear();
        let first = records
            .list
            .first()
            .map_or(text.len(), |record| record.start as usize);
        self.divide(text, 0..first, false, records.list.first_mut());
        for at in 0..records.list.len() {
            let record = records.list[at];
            let (end, from) = line(text, record.end as usize);
            let to = records
                .list
                .get(at + 1)
                .map_or(text.len(), |next| next.start as usize);
            if from >= to {
                continue;
            }
            let next_goes_back = records.list.get(at + 1).is_some_and(|next| next.goes_back);
            // Readings end at the reason's separator; the one that reaches
            // farthest decided where the record's line ends.
            let readings = records.readings(&record).iter();
            let reason = readings.map(|reading| reading.end as usize + 1).max();
            let closed = reason
                .filter(|reason| *reason < to)
                .and_then(|reason| Some(reason + quoted_end(&text[reason..to])?));
            let end = match closed {
                Some(closed) => {
                    let gap = line(text, closed).1..to;
                    self.divide(text, gap, false, records.list.get_mut(at + 1));
                    closed
                }
                None if self.missing == 0 && !next_goes_back => content_end(text, end..to),
                None => self
                    .divide(text, from..to, true, records.list.get_mut(at + 1))
                    .unwrap_or(end),
            };
            records.list[at].end = offset(end);
        }
        std::mem::take(&mut self.unexplained)
    }

    /// Divides one gap. Where a reason is `open` before it, the first lines may
    /// belong to that; then their end is returned. Where the `next` record may
    /// go back into the gap, its last lines are that record's: neither one of its
    /// own, which its key could name, nor the rest of the reason.
    fn divide(
        &mut self,
        text: &[u8],
        gap: Range<usize>,
        open: bool,
        next: Option<&mut Record>,
    ) -> Option<usize> {
        let gap_end = gap.end;
        let first = self.unexplained.len();
        let mut reason_end = None;
        // The record at hand, and its separators so far.
        let mut current: Option<(Range<usize>, usize)> = None;
        let mut start = gap.start;
        while start < gap_end {
            let (end, mut line_after) = line(&text[..gap_end], start);
            let separators = memchr_iter(self.separator, &text[start..end]).count();
            let begins = match &current {
                Some((_, so_far)) => *so_far >= self.fewest && separators > 0,
                None => separators > 0 || (!open && start < end),
            } || (self.fewest == 0 && start < end);
            if begins {
                if let Some((record, _)) = current.take() {
                    self.push(record);
                }
                if let Some(end) = self.quoted.end(&text[..gap_end], start) {
                    self.push(start..end);
                    line_after = line(&text[..gap_end], end).1;
                } else {
                    current = Some((start..end, separators));
                }
            } else if let Some((record, so_far)) = &mut current {
                *so_far += separators;
                if start < end {
                    record.end = end;
                }
            } else if start < end && self.unexplained.len() == first && open {
                reason_end = Some(end);
            }
            start = line_after;
        }
        let pushed = self.unexplained.len() > first;
        if let Some(next) = next.filter(|next| next.goes_back) {
            if let Some((record, _)) = current.filter(|_| pushed) {
                next.start = offset(record.start);
            } else if !pushed {
                next.start = offset(gap.start);
                reason_end = None;
            }
        } else if let Some((record, separators)) = current {
            if separators >= self.fewest || self.missing > 0 || !(pushed || open) {
                self.push(record);
            } else if pushed {
                if let Some(last) = self.unexplained.last_mut() {
                    last.end = record.end;
                }
            } else {
                reason_end = Some(record.end);
            }
        }
        reason_end
    }

    fn push(&mut self, record: Range<usize>) {
        self.missing = self.missing.saturating_sub(1);
        self.unexplained.push(record);
    }
}

/// Reads whole records that are well quoted.
pub(super) struct QuotedReader {
    columns: usize,
    fields: FieldReader,
    read: Fields,
}

impl QuotedReader {
    pub(super) fn new(layout: &Layout, separator: u8) -> Self {
        Self {
            columns: layout.width() + usize::from(layout.has_reason),
            fields: FieldReader::new(separator),
            read: Fields::default(),
        }
    }

    /// The end of the well quoted record that starts at `start`, where there is
    /// one: the lines until its quotes are even.
    pub(super) fn end(&mut self, text: &[u8], start: usize) -> Option<usize> {
        let mut quotes = 0;
        let mut at = start;
        while at < text.len() {
            let (end, next) = line(text, at);
            quotes += memchr_iter(b'"', &text[at..end]).count();
            if quotes == 0 {
                return None;
            }
            if quotes % 2 == 0 {
                let well = self.fields.read(&text[start..end], &mut self.read)
                    && self.read.len() == self.columns;
                return well.then_some(end);
            }
            at = next;
        }
        None
    }
}

/// The end of the text in `range` without line ends at its end.
fn content_end(text: &[u8], range: Range<usize>) -> usize {
    let start = range.start;
    text[range]
        .iter()
        .rposition(|&byte| byte != b'\n' && byte != b'\r')
        .map_or(start, |last| start + last + 1)
}
