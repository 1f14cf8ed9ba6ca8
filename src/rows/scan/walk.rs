//! From block to block: counts what was passed and hands the records out.

use super::block::{Carry, Marks};
use super::kernel::{BLOCK, Kernel};
use super::scanner::{OpenQuote, Record};

/// Blocks whose boundaries are noted before their records are handed out.
/// Noting and handing out are two loops because each then has branches that a
/// processor can foresee; a window's counts must fit into 16 bits.
const WINDOW: usize = 32;

/// More than there can be in a window, two in three bytes, so that [`note`]
/// may write two too many.
const ROOM: usize = WINDOW * BLOCK;

/// A place and what was counted up to it.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Bytes.
    position: u64,
    /// Separators outside quotes.
    separators: u64,
    /// Ends of physical lines.
    lines: u64,
}

impl Place {
    /// The place `passed` further on.
    const fn after(self, passed: Passed) -> Self {
        Self {
            position: self.position + (passed.0 & 0xffff),
            separators: self.separators + (passed.0 >> 16 & 0xffff),
            lines: self.lines + (passed.0 >> 32 & 0xffff),
        }
    }
}

/// What was passed since the window's start, three counts of 16 bits in one
/// word: bytes, separators, lines. The last 16 bits say what a boundary is.
#[derive(Debug, Clone, Copy)]
struct Passed(u64);

impl Passed {
    const NOTHING: Self = Self(0);
    /// A record ends here.
    const END: u64 = 1 << 48;
    /// A record starts here.
    const START: u64 = 1 << 49;

    /// Further by `bytes`, and by what stands in them.
    #[inline(always)]
    fn and(self, bytes: u32, within: u64, marks: &Marks) -> Self {
        Self(
            self.0
                + u64::from(bytes)
                + (u64::from((marks.separators & within).count_ones()) << 16)
                + (u64::from((marks.lines & within).count_ones()) << 32),
        )
    }
}

/// Where a quoted field was last seen to open, kept as it was met: working out
/// the place is put off to the window's end.
#[derive(Debug, Clone, Copy)]
struct Opening {
    marks: Marks,
    passed: Passed,
}

/// How far a scan has come.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    separator: u8,
    carry: Carry,
    here: Place,
    /// Where the record that is open, or was handed out last, started.
    record: Place,
    /// Where a quoted field opened last.
    opened: Place,
}

impl Progress {
    /// At the start of a record in physical line `line`.
    pub(super) const fn start(separator: u8, line: u64) -> Self {
        let here = Place {
            position: 0,
            separators: 0,
            lines: line,
        };
        Self {
            separator,
            carry: Carry::start(),
            here,
            record: here,
            opened: here,
        }
    }

    /// The quoted field that is open.
    pub(super) fn open_quote(&self) -> Option<OpenQuote> {
        self.carry.is_inside().then_some(OpenQuote {
            record_start: self.record.position,
            record_line: self.record.lines,
            offset: self.opened.position,
            line: self.opened.lines,
        })
    }

    /// The record that is open, as if it ended here.
    pub(super) fn open_record(&self) -> Option<Record> {
        self.carry
            .is_record_open()
            .then(|| record(self.record, self.here))
    }

    /// Hands out the records that `boundaries` complete, then moves on.
    #[inline(never)]
    fn deliver<F: FnMut(Record)>(&mut self, boundaries: &[u64], passed: Passed, records: &mut F) {
        let base = self.here;
        for &boundary in boundaries {
            let place = base.after(Passed(boundary));
            if boundary & Passed::END != 0 {
                records(record(self.record, place));
            }
            if boundary & Passed::START != 0 {
                self.record = place;
            }
        }
        self.here = base.after(passed);
    }
}

/// The record from `start` up to `end`.
#[inline(always)]
fn record(start: Place, end: Place) -> Record {
    Record {
        start: start.position,
        end: end.position,
        line: start.lines,
        fields: u32::try_from(end.separators - start.separators + 1).unwrap_or(u32::MAX),
    }
}

/// Reads `bytes`, which follow those read before.
#[inline(always)]
pub(super) fn walk<K: Kernel, F: FnMut(Record)>(
    kernel: K,
    progress: &mut Progress,
    bytes: &[u8],
    records: &mut F,
) {
    let separator = progress.separator;
    let mut carry = progress.carry;
    let mut boundaries = [0; ROOM];
    let (blocks, tail) = bytes.as_chunks::<BLOCK>();
    for window in blocks.chunks(WINDOW) {
        let mut noted = 0;
        let mut passed = Passed::NOTHING;
        let mut opening = None;
        for block in window {
            let marks = carry.advance(kernel, kernel.classify(block, separator), 64);
            if marks.openings != 0 {
                opening = Some(Opening { marks, passed });
            }
            noted = note(&mut boundaries, noted, passed, &marks);
            passed = passed.and(64, u64::MAX, &marks);
        }
        progress.opened(opening);
        progress.deliver(&boundaries[..noted], passed, records);
    }
    if !tail.is_empty() {
        let mut block = [0; BLOCK];
        block[..tail.len()].copy_from_slice(tail);
        #[expect(clippy::cast_possible_truncation, reason = "shorter than a block")]
        let length = tail.len() as u32;
        let valid = u64::MAX >> (64 - length);
        let found = kernel.classify(&block, separator).within(valid);
        let marks = carry.advance(kernel, found, length);
        if marks.openings != 0 {
            progress.opened(Some(Opening {
                marks,
                passed: Passed::NOTHING,
            }));
        }
        let noted = note(&mut boundaries, 0, Passed::NOTHING, &marks);
        let passed = Passed::NOTHING.and(length, u64::MAX, &marks);
        progress.deliver(&boundaries[..noted], passed, records);
    }
    // A record that ended with the very last byte need not wait for the next.
    if carry.take_ended() {
        records(record(progress.record, progress.here));
    }
    progress.carry = carry;
}

/// Writes the boundaries of a block to `boundaries[noted..]` and returns how
/// many are noted then.
#[inline(always)]
fn note(boundaries: &mut [u64; ROOM], noted: usize, passed: Passed, marks: &Marks) -> usize {
    let both = marks.ends | marks.starts;
    if marks.ends == marks.starts {
        // No empty line: each end is the next start. Two are written whether
        // they are there or not, since a branch on how many there are could not
        // be foreseen.
        let mut rest = both;
        for slot in &mut boundaries[noted..][..2] {
            *slot = boundary(rest, passed, marks).0 | Passed::END | Passed::START;
            rest &= rest.wrapping_sub(1);
        }
        let mut slots = boundaries[noted + 2..].iter_mut();
        while rest != 0
            && let Some(slot) = slots.next()
        {
            *slot = boundary(rest, passed, marks).0 | Passed::END | Passed::START;
            rest &= rest - 1;
        }
    } else {
        let mut rest = both;
        let mut slots = boundaries[noted..].iter_mut();
        while rest != 0
            && let Some(slot) = slots.next()
        {
            let bit = rest & rest.wrapping_neg();
            let mut flags = 0;
            if marks.ends & bit != 0 {
                flags |= Passed::END;
            }
            if marks.starts & bit != 0 {
                flags |= Passed::START;
            }
            *slot = boundary(rest, passed, marks).0 | flags;
            rest ^= bit;
        }
    }
    noted + both.count_ones() as usize
}

/// The place of the lowest bit of `rest`.
#[inline(always)]
fn boundary(rest: u64, passed: Passed, marks: &Marks) -> Passed {
    let below = rest.wrapping_sub(1) & !rest;
    passed.and(rest.trailing_zeros(), below, marks)
}

impl Progress {
    /// Works out where a quoted field opened last.
    fn opened(&mut self, opening: Option<Opening>) {
        if let Some(Opening { marks, passed }) = opening {
            let bit = marks.openings.ilog2();
            let below = (1 << bit) - 1;
            self.opened = self.here.after(passed.and(bit, below, &marks));
        }
    }
}
