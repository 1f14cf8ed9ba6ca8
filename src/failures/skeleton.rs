//! What no writer changes in a row's text, as a running hash.
//!
//! The skeleton of a text is its bytes without quotes, blanks, line ends and
//! other control characters, but with its separators. Every way in which
//! Marketo is seen to write a row leaves the row's skeleton as it was, so equal
//! skeletons are where to look; whether the row is there, its bytes decide.

/// The hash of a skeleton's beginning.
///
/// It must be had at every separator of a text at no cost, which is why it is
/// two operations a byte and not a library's hash of a whole slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Skeleton(u64);

/// An odd number with well spread bits (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Skeleton {
    pub(super) const EMPTY: Self = Self(SPREAD);

    /// The skeleton with one more byte of text.
    #[inline]
    pub(super) const fn with(self, byte: u8, separator: u8) -> Self {
        if byte == separator || (byte > b' ' && byte != b'"') {
            Self((self.0.rotate_left(5) ^ byte as u64).wrapping_mul(SPREAD))
        } else {
            self
        }
    }

    /// The hash itself.
    pub(super) const fn number(self) -> u64 {
        self.0
    }

    /// The skeleton with more text.
    pub(super) fn with_all(self, text: &[u8], separator: u8) -> Self {
        text.iter()
            .fold(self, |skeleton, &byte| skeleton.with(byte, separator))
    }
}
