//! What a kernel does, whatever the processor.

use super::super::block::Usual;
use super::super::window::{Filled, Window};

/// Bytes in a block: as many as a word has bits.
pub(in crate::rows::scan) const BLOCK: usize = 64;

/// Where the four bytes that matter stand in a block: bit `i` is byte `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rows::scan) struct Masks {
    /// `"`.
    pub(in crate::rows::scan) quote: u64,
    /// `\r`.
    pub(in crate::rows::scan) cr: u64,
    /// `\n`.
    pub(in crate::rows::scan) lf: u64,
    /// The separator.
    pub(in crate::rows::scan) separator: u64,
}

impl Masks {
    /// The same without what stands outside of `valid`.
    pub(in crate::rows::scan) const fn within(self, valid: u64) -> Self {
        Self {
            quote: self.quote & valid,
            cr: self.cr & valid,
            lf: self.lf & valid,
            separator: self.separator & valid,
        }
    }
}

/// What a processor may do better than plain code. A value of the type is the
/// proof that this processor can.
pub(in crate::rows::scan) trait Kernel: Copy {
    /// Finds quotes, CRs, LFs and separators.
    fn classify(self, block: &[u8; BLOCK], separator: u8) -> Masks;

    /// Bit `i` of the result is the parity of the bits `0..=i` of `word`.
    fn prefix_xor(self, word: u64) -> u64;

    /// Finds what stands in the first blocks of a window, for
    /// [`Kernel::advance_while_plain`], and returns in how many: none where it is
    /// no faster to read several blocks a step.
    #[inline(always)]
    fn find(self, _blocks: &[[u8; BLOCK]], _separator: u8, _window: &mut Window) -> usize {
        0
    }

    /// Reads more of `blocks`, which are those that were found, as
    /// [`Usual::advance_if_plain`] does, and notes them; any may be left.
    #[inline(always)]
    fn advance_while_plain(
        self,
        _usual: &mut Usual,
        _blocks: &[[u8; BLOCK]],
        _window: &mut Window,
        _filled: &mut Filled,
    ) {
    }
}
