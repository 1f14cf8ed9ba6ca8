//! What a kernel does, whatever the processor.

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

/// The two operations that a processor may do better than plain code. A value
/// of the type is the proof that this processor can.
pub(in crate::rows::scan) trait Kernel: Copy {
    /// Finds quotes, CRs, LFs and separators.
    fn classify(self, block: &[u8; BLOCK], separator: u8) -> Masks;

    /// Bit `i` of the result is the parity of the bits `0..=i` of `word`.
    fn prefix_xor(self, word: u64) -> u64;
}
