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

/// Where in a window a record ends, or starts, or both: from the lowest bit on
/// the byte, counted from the window's first, two flags, and the separators
/// outside quotes that the window has before.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(super) struct Boundary(u32);

impl Boundary {
    const END: u32 = 1 << 14;
    const START: u32 = 1 << 15;
    pub(super) const BOTH: u32 = Self::END | Self::START;
    /// Where the separators are counted.
    pub(super) const SEPARATOR: u32 = 1 << 16;

    pub(super) const fn ends(self) -> bool {
        self.0 & Self::END != 0
    }

    pub(super) const fn starts(self) -> bool {
        self.0 & Self::START != 0
    }

    pub(super) const fn byte(self) -> u32 {
        self.0 & (Self::END - 1)
    }

    pub(super) const fn separators(self) -> u32 {
        self.0 / Self::SEPARATOR
    }

    /// The bits of a boundary before the first byte of that block, where a record
    /// ends and one starts.
    #[expect(clippy::cast_possible_truncation, reason = "a window has 64 blocks")]
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(dead_code, reason = "only AVX-512 finds before it reads")
    )]
    pub(super) const fn at(block: usize) -> u32 {
        (block * BLOCK) as u32 | Self::BOTH
    }

    /// The block of the place, and the bits before it.
    #[inline(always)]
    const fn split(self) -> (usize, u64) {
        let byte = self.byte() as usize;
        (byte / BLOCK, (1 << (byte % BLOCK)) - 1)
    }

    /// The lowest bit of `rest` in the block with that index, whose separators
    /// those are, with so many before it.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "a window has 4096 bytes")]
    pub(super) fn lowest(
        block: usize,
        rest: u64,
        flags: u32,
        separators: u64,
        before: u32,
    ) -> Self {
        let below = !rest & rest.wrapping_sub(1);
        let before = before + (separators & below).count_ones();
        Self((block * BLOCK) as u32 | flags | rest.trailing_zeros() | (before * Self::SEPARATOR))
    }
}

/// The blocks of a window and the boundaries found in them. One array for each
/// word of a block, since an index then is an address without a multiplication.
pub(super) struct Window {
    #[cfg_attr(
        not(target_arch = "x86_64"),
        allow(dead_code, reason = "only AVX-512 finds before it reads")
    )]
    pub(super) found: Found,
    /// Ends of physical lines; of blocks that are found and not yet read, LFs.
    pub(super) lines: [u64; WINDOW],
    /// How many of them are in the window before this block, once counted.
    lines_before: [u32; WINDOW],
    /// Quotes that open a field.
    pub(super) openings: [u64; WINDOW],
    pub(super) boundaries: [Boundary; ROOM],
}

/// What stands in blocks, for a kernel that finds it in all before it reads one:
/// none then waits for the state that goes from block to block.
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(dead_code, reason = "only AVX-512 finds before it reads")
)]
pub(super) struct Found {
    /// Quotes.
    pub(super) quote: [u64; WINDOW],
    /// Their running parity, in each block from 0.
    pub(super) parity: [u64; WINDOW],
    /// Whether a block's quotes are odd in number.
    pub(super) odd: [u8; WINDOW / 8],
    /// Separators.
    pub(super) separator: [u64; WINDOW],
    /// Not 0 where there are CRs; the bits may be in any order.
    pub(super) cr: [u64; WINDOW],
}

/// How much of a [`Window`] is filled; what lies beyond is left from others.
/// Apart from it, so that it stays in registers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filled {
    /// Blocks.
    pub(super) blocks: usize,
    /// Boundaries.
    pub(super) boundaries: u32,
    /// Separators outside quotes.
    pub(super) separators: u32,
}

impl Window {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            found: Found {
                quote: [0; WINDOW],
                parity: [0; WINDOW],
                odd: [0; WINDOW / 8],
                separator: [0; WINDOW],
                cr: [0; WINDOW],
            },
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
        let lowest = |rest| {
            let separators = marks.separators;
            Boundary::lowest(
                filled.blocks,
                rest,
                Boundary::BOTH,
                separators,
                filled.separators,
            )
        };
        let at = filled.boundaries as usize;
        let first = marks.ends;
        let second = first & first.wrapping_sub(1);
        let mut rest = second & second.wrapping_sub(1);
        // The higher index first, so that one check does for both.
        self.boundaries[at + 1] = lowest(second);
        self.boundaries[at] = lowest(first);
        let mut at = at + 2;
        while rest != 0 {
            self.boundaries[at] = lowest(rest);
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
            self.boundaries[at] = Boundary::lowest(
                filled.blocks,
                rest,
                flags,
                marks.separators,
                filled.separators,
            );
            rest ^= bit;
            at += 1;
        }
        self.keep(filled, marks);
    }

    #[inline(always)]
    fn keep(&mut self, filled: &mut Filled, marks: &Marks) {
        self.lines[filled.blocks] = marks.lines;
        self.openings[filled.blocks] = marks.openings;
        filled.separators += marks.separators.count_ones();
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
        Some(Boundary::lowest(block, last, 0, 0, 0))
    }
}
