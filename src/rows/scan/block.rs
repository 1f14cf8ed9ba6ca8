//! The rules of a block of 64 bytes, as arithmetic on words of 64 bits.
//!
//! Bit `i` of a word says something of byte `i`. `word << 1 | carry` says it of
//! the byte before, the carry being the last bit of the block before.

use super::kernel::{Kernel, Masks};

/// What one block must know of all before it. Each word but the first is 0
/// or 1.
///
/// `inside`, `opener` and `terminated` are csv-core's state: inside is
/// `InQuotedField`; else the byte before was a closing quote
/// (`InDoubleEscapedQuote`), a separator (`StartField`), a terminator
/// (`StartRecord`), or none of these (`InField`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Carry {
    /// All ones inside a quoted field, else 0.
    inside: u64,
    /// The last byte lets a quote open: a separator, CR, LF or closing quote.
    opener: u64,
    /// The last byte was a closing quote: a quote now does not open a field
    /// but is the second half of `""`.
    closed: u64,
    /// The last byte was a terminator outside quotes: no record is open.
    terminated: u64,
    /// A record ended with the last byte and is not yet handed out.
    ended: u64,
    /// A record ended with the last byte, a CR, or ends with an LF after it.
    cr_ended: u64,
    /// The last byte was a CR, inside quotes or not.
    cr: u64,
}

/// What stands where in a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    /// A record ended before this byte.
    pub(super) ends: u64,
    /// A record starts with this byte.
    pub(super) starts: u64,
    /// Separators outside quotes.
    pub(super) separators: u64,
    /// The first bytes of physical line ends.
    pub(super) lines: u64,
    /// Quotes that open a field.
    pub(super) openings: u64,
}

/// The quotes of a block, understood.
struct Quotes {
    /// From an opening quote up to before the closing one.
    inside: u64,
    /// Those that open or close.
    special: u64,
    /// Those that open a field.
    openings: u64,
}

impl Carry {
    /// Before the first byte.
    pub(super) const fn start() -> Self {
        Self {
            inside: 0,
            opener: 1,
            closed: 0,
            terminated: 1,
            ended: 0,
            cr_ended: 0,
            cr: 0,
        }
    }

    /// Whether the last byte was inside a quoted field.
    pub(super) const fn is_inside(self) -> bool {
        self.inside != 0
    }

    /// Whether a record has begun and is not handed out.
    pub(super) const fn is_record_open(self) -> bool {
        self.terminated == 0 || self.cr_ended != 0
    }

    /// Whether a record ended with the last byte for sure; asking settles it.
    pub(super) const fn take_ended(&mut self) -> bool {
        let ended = self.ended != 0;
        self.ended = 0;
        ended
    }

    /// Reads the next `length` bytes, 1 to 64, of which `masks` tells; its bits
    /// past `length` are 0.
    #[inline(always)]
    pub(super) fn advance<K: Kernel>(&mut self, kernel: K, masks: Masks, length: u32) -> Marks {
        let Masks {
            quote,
            cr,
            lf,
            separator,
        } = masks;
        let last = length - 1;
        let valid = u64::MAX >> (63 - last);
        let breaks = cr | lf;

        let Quotes {
            inside,
            special,
            openings,
        } = if quote == 0 {
            Quotes {
                inside: self.inside,
                special: 0,
                openings: 0,
            }
        } else {
            self.quotes(kernel, quote, breaks | separator)
        };
        self.closed = special >> last & 1;
        self.opener = (breaks | separator | special) >> last & 1;
        self.inside = (inside >> last & 1).wrapping_neg();
        self.closed &= !self.inside;

        let terminators = breaks & !inside;
        let after_terminator = terminators << 1 | self.terminated;
        // The first terminator after a record; those that follow end empty
        // lines, or are the LF of CRLF.
        let first = terminators & !after_terminator;
        let (ends, lines) = if cr | self.cr == 0 {
            let ends = first << 1 | self.ended;
            self.ended = first >> last & 1;
            (ends, lf)
        } else {
            self.with_cr(first, cr, lf, last)
        };
        self.terminated = terminators >> last & 1;

        Marks {
            ends: ends & valid,
            starts: after_terminator & !terminators & valid,
            separators: separator & !inside,
            lines,
            openings,
        }
    }

    /// The ends and lines of a block that has a CR, or follows one.
    #[inline(always)]
    fn with_cr(&mut self, first: u64, cr: u64, lf: u64, last: u32) -> (u64, u64) {
        let first_cr = first & cr;
        let after_cr = first_cr << 1 | self.cr_ended;
        let by_lf = (first | after_cr) & lf;
        let ends = by_lf << 1 | self.ended | after_cr & !lf;
        let lines = cr | lf & !(cr << 1 | self.cr);
        self.ended = by_lf >> last & 1;
        self.cr_ended = first_cr >> last & 1;
        self.cr = cr >> last & 1;
        (ends, lines)
    }

    /// Which quotes open and close. `breaks` are the separators, CRs and LFs.
    #[inline(always)]
    fn quotes<K: Kernel>(&self, kernel: K, quote: u64, breaks: u64) -> Quotes {
        let openers = breaks << 1 | self.opener;
        let mut special = quote;
        let mut inside = kernel.prefix_xor(quote) ^ self.inside;
        // As long as all is well up to a quote, parity is right up to it; so
        // the first one that opens where none may is plain text for sure.
        let stray = quote & inside & !(openers | quote << 1);
        if stray != 0 {
            special = walk_quotes(quote, openers, stray);
            inside = kernel.prefix_xor(special) ^ self.inside;
        }
        Quotes {
            inside,
            special,
            openings: special & inside & !(special << 1 | self.closed),
        }
    }
}

/// csv-core's rule, quote by quote: those that open or close a quoted field.
/// `openers` are the places before which stands a separator or line end; of
/// `stray`, the lowest bit is the first quote that is known to be plain text.
#[cold]
fn walk_quotes(quote: u64, openers: u64, stray: u64) -> u64 {
    let first = stray & stray.wrapping_neg();
    let mut special = quote & (first - 1);
    let mut rest = quote & !(first | (first - 1));
    let mut inside = false;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        rest ^= bit;
        if inside || bit & (openers | special << 1) != 0 {
            inside = !inside;
            special |= bit;
        }
    }
    special
}
