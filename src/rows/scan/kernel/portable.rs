//! Plain code, for any processor: eight bytes in a word at a time.

use super::{BLOCK, Kernel, Masks};

/// The kernel that runs everywhere.
#[derive(Debug, Clone, Copy)]
pub(in crate::rows::scan) struct Portable;

/// Each byte's lowest bit.
const LOW: u64 = 0x0101_0101_0101_0101;
/// Each byte's bits but the highest.
const SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
/// Moves the lowest bit of byte `i` to bit `56 + i`, without carries between
/// them: the sums of the exponents are all different.
const GATHER: u64 = 0x0102_0408_1020_4080;

impl Kernel for Portable {
    #[inline]
    fn classify(self, block: &[u8; BLOCK], separator: u8) -> Masks {
        let mut masks = Masks {
            quote: 0,
            cr: 0,
            lf: 0,
            separator: 0,
        };
        let (words, _) = block.as_chunks::<8>();
        for (index, bytes) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*bytes);
            let shift = 8 * index;
            masks.quote |= equal(word, b'"') << shift;
            masks.cr |= equal(word, b'\r') << shift;
            masks.lf |= equal(word, b'\n') << shift;
            masks.separator |= equal(word, separator) << shift;
        }
        masks
    }

    #[inline]
    fn prefix_xor(self, word: u64) -> u64 {
        let mut parity = word;
        for shift in [1, 2, 4, 8, 16, 32] {
            parity ^= parity << shift;
        }
        parity
    }
}

/// Eight bits, one for each byte of `word` that is `byte`.
#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (LOW * byte as u64);
    // Adding 0x7f to seven bits sets the eighth unless they are zero, and never
    // carries into the next byte, so that this is exact.
    let zero = !(((differs & SEVEN) + SEVEN) | differs | SEVEN);
    (zero >> 7).wrapping_mul(GATHER) >> 56
}
