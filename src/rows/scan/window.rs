//! What was found in a few blocks, until their records are handed out.

use super::block::Marks;
use super::kernel::BLOCK;

/// Blocks in a window: enough that the loops over it seldom end, few enough
/// that a [`Boundary`] holds any place in it and that it stays in the L1 cache.
pub(super) const WINDOW: usize = 64;

/// More than the boundaries that there can be in a window, which are two in
/// three bytes, so that [`Window::note_plain`] may write two too many.
const ROOM: usize = WINDOW * BLOCK;

const _: () = assert!(WINDOW * BLOCK <= Boundary::END as usize);

/// Where in a window a record ends, or starts, or both: the byte, counted from
/// the window's first, and two flags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boundary(u16);

impl Boundary {
    const END: u16 = 1 << 14;
    const START: u16 = 1 << 15;
    const BOTH: u16 = Self::END | Self::START;

    pub(super) const fn ends(self) -> bool {
        self.0 & Self::END != 0
    }

    pub(super) const fn starts(self) -> bool {
        self.0 & Self::START != 0
    }

    pub(super) const fn byte(self) -> u16 {
        self.0 & (Self::END - 1)
    }

    /// The block of the place, and the bits before it.
    #[inline(always)]
    const fn split(self) -> (usize, u64) {
        let byte = self.byte() as usize;
        (byte / BLOCK, (1 << (byte % BLOCK)) - 1)
    }

    /// The lowest bit of `rest` in the block with that index.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a window has 4096 bytes")]
    fn lowest(block: usize, rest: u64, flags: u16) -> Self {
        Self(((block * BLOCK) as u32 | u32::from(flags) | rest.trailing_zeros()) as u16)
    }
}

/// What is kept of a block.
#[derive(Debug, Clone, Copy)]
struct Passed {
    /// Separators outside quotes in this block.
    separators: u64,
    /// Ends of physical lines in this block.
    lines: u64,
    /// Quotes that open a field in this block.
    openings: u64,
    /// How many separators there were in the window before this block.
    separators_before: u64,
}

/// The blocks of a window and the boundaries found in them.
pub(super) struct Window {
    passed: [Passed; WINDOW],
    boundaries: [Boundary; ROOM],
    /// Lines that end before each block, once they are counted.
    lines_before: [u32; WINDOW],
}

/// How much of a [`Window`] is filled; what lies beyond is left from others.
/// Apart from it, so that it stays in registers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filled {
    /// Blocks.
    pub(super) blocks: usize,
    /// Boundaries.
    boundaries: u32,
    /// Separators outside quotes.
    pub(super) separators: u64,
}

impl Window {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            passed: [Passed {
                separators: 0,
                lines: 0,
                openings: 0,
                separators_before: 0,
            }; WINDOW],
            boundaries: [Boundary(0); ROOM],
            lines_before: [0; WINDOW],
        }
    }

    /// Where records end and start in it.
    #[inline(always)]
    pub(super) fn boundaries(&self, filled: Filled) -> &[Boundary] {
        &self.boundaries[..filled.boundaries as usize]
    }

    /// Adds a block in which each end is the next start.
    ///
    /// Two boundaries are written whether they are there or not, since a branch
    /// on how many there are could not be foreseen.
    #[inline(always)]
    pub(super) fn note_plain(&mut self, filled: &mut Filled, marks: &Marks) {
        let block = filled.blocks;
        let at = filled.boundaries as usize;
        let first = marks.ends;
        let second = first & first.wrapping_sub(1);
        let mut rest = second & second.wrapping_sub(1);
        // The higher index first, so that one check does for both.
        self.boundaries[at + 1] = Boundary::lowest(block, second, Boundary::BOTH);
        self.boundaries[at] = Boundary::lowest(block, first, Boundary::BOTH);
        let mut at = at + 2;
        while rest != 0 {
            self.boundaries[at] = Boundary::lowest(block, rest, Boundary::BOTH);
            rest &= rest - 1;
            at += 1;
        }
        filled.boundaries += marks.ends.count_ones();
        self.keep(filled, marks);
    }

    /// Adds a block of any sort.
    #[inline(always)]
    pub(super) fn note(&mut self, filled: &mut Filled, marks: &Marks) {
        if marks.ends == marks.starts {
            return self.note_plain(filled, marks);
        }
        let mut rest = marks.ends | marks.starts;
        let mut at = filled.boundaries as usize;
        filled.boundaries += rest.count_ones();
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let mut flags = 0;
            if marks.ends & bit != 0 {
                flags |= Boundary::END;
            }
            if marks.starts & bit != 0 {
                flags |= Boundary::START;
            }
            self.boundaries[at] = Boundary::lowest(filled.blocks, rest, flags);
            rest ^= bit;
            at += 1;
        }
        self.keep(filled, marks);
    }

    #[inline(always)]
    fn keep(&mut self, filled: &mut Filled, marks: &Marks) {
        self.passed[filled.blocks] = Passed {
            separators: marks.separators,
            lines: marks.lines,
            openings: marks.openings,
            separators_before: filled.separators,
        };
        filled.separators += u64::from(marks.separators.count_ones());
        filled.blocks += 1;
    }

    /// Makes ready for [`Window::lines_before`] and returns how many lines end
    /// in the window. Where each line is a record it need not be called.
    #[inline(always)]
    pub(super) fn count_lines(&mut self, filled: Filled) -> u32 {
        let mut lines = 0;
        let passed = &self.passed[..filled.blocks];
        for (passed, before) in passed.iter().zip(&mut self.lines_before) {
            *before = lines;
            lines += passed.lines.count_ones();
        }
        lines
    }

    /// Separators in the window before that place.
    #[inline(always)]
    pub(super) fn separators_before(&self, boundary: Boundary) -> u64 {
        let (block, below) = boundary.split();
        let passed = &self.passed[block];
        passed.separators_before + u64::from((passed.separators & below).count_ones())
    }

    /// Lines that end in the window before that place.
    #[inline(always)]
    pub(super) fn lines_before(&self, boundary: Boundary) -> u32 {
        let (block, below) = boundary.split();
        self.lines_before[block] + (self.passed[block].lines & below).count_ones()
    }

    /// Where the last quoted field in the window opens.
    pub(super) fn last_opening(&self, filled: Filled) -> Option<Boundary> {
        let mut passed = self.passed[..filled.blocks].iter();
        let block = passed.rposition(|passed| passed.openings != 0)?;
        let last = 1 << self.passed[block].openings.ilog2();
        Some(Boundary::lowest(block, last, 0))
    }
}
