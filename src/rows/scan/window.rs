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

/// The blocks of a window and the boundaries found in them. One array for each
/// word of a block, since an index then is an address without a multiplication.
pub(super) struct Window {
    /// Separators outside quotes.
    separators: [u64; WINDOW],
    /// How many of them are in the window before this block.
    separators_before: [u64; WINDOW],
    /// Ends of physical lines.
    lines: [u64; WINDOW],
    /// How many of them are in the window before this block, once counted.
    lines_before: [u32; WINDOW],
    /// Quotes that open a field.
    openings: [u64; WINDOW],
    boundaries: [Boundary; ROOM],
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
            separators: [0; WINDOW],
            separators_before: [0; WINDOW],
            lines: [0; WINDOW],
            lines_before: [0; WINDOW],
            openings: [0; WINDOW],
            boundaries: [Boundary(0); ROOM],
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
        self.separators[filled.blocks] = marks.separators;
        self.separators_before[filled.blocks] = filled.separators;
        self.lines[filled.blocks] = marks.lines;
        self.openings[filled.blocks] = marks.openings;
        filled.separators += u64::from(marks.separators.count_ones());
        filled.blocks += 1;
    }

    /// Makes ready for [`Window::lines_before`] and returns how many lines end
    /// in the window. Where each line is a record it need not be called.
    #[inline(always)]
    pub(super) fn count_lines(&mut self, filled: Filled) -> u32 {
        let mut lines = 0;
        let ends = &self.lines[..filled.blocks];
        for (ends, before) in ends.iter().zip(&mut self.lines_before) {
            *before = lines;
            lines += ends.count_ones();
        }
        lines
    }

    /// Separators in the window before that place.
    #[inline(always)]
    pub(super) fn separators_before(&self, boundary: Boundary) -> u64 {
        let (block, below) = boundary.split();
        self.separators_before[block] + u64::from((self.separators[block] & below).count_ones())
    }

    /// Lines that end in the window before that place.
    #[inline(always)]
    pub(super) fn lines_before(&self, boundary: Boundary) -> u32 {
        let (block, below) = boundary.split();
        self.lines_before[block] + (self.lines[block] & below).count_ones()
    }

    /// Where the last quoted field in the window opens.
    pub(super) fn last_opening(&self, filled: Filled) -> Option<Boundary> {
        let openings = &self.openings[..filled.blocks];
        let block = openings.iter().rposition(|&openings| openings != 0)?;
        let last = 1 << openings[block].ilog2();
        Some(Boundary::lowest(block, last, 0))
    }
}
