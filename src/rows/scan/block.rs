//! The rules of a block of 64 bytes, as arithmetic on words of 64 bits.
//!
//! Bit `i` of a word says something of byte `i`.

use super::kernel::{Kernel, Masks};

/// What one block must know of all before it.
///
/// The two parts are apart because the loop over plain blocks keeps the first
/// in registers and has no use for the second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Carry {
    usual: Usual,
    rare: Rare,
}

/// What every block needs to know.
///
/// The first four words are csv-core's state: inside is `InQuotedField`; else
/// the byte before was a closing quote (`InDoubleEscapedQuote`), a separator
/// (`StartField`), a terminator (`StartRecord`), or none of these (`InField`).
/// Each word but the first is 0 or 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    /// All ones inside a quoted field, else 0.
    pub(super) inside: u64,
    /// The last byte was a separator, CR or LF: a quote now opens a field, if
    /// outside quotes.
    pub(super) opener: u64,
    /// The last byte was a terminator outside quotes: no record is open.
    pub(super) terminated: u64,
    /// The last byte was a quote that opened or closed a field: one after a
    /// closing quote does not open a field, but is the second half of `""`.
    pub(super) quoted: u64,
    /// LFs inside quotes, of all plain blocks since last asked.
    pub(super) inner: u64,
}

/// What is all zero where lines end in LF and none is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rare {
    /// The last byte was a terminator, but no record ended with it that is not
    /// yet handed out.
    settled: u64,
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

impl Rare {
    const NONE: Self = Self {
        settled: 0,
        cr_ended: 0,
        cr: 0,
    };
}

impl Carry {
    /// Before the first byte.
    pub(super) const fn start() -> Self {
        Self {
            usual: Usual {
                inside: 0,
                opener: 1,
                terminated: 1,
                quoted: 0,
                inner: 0,
            },
            rare: Rare {
                settled: 1,
                ..Rare::NONE
            },
        }
    }

    /// Whether the last byte was inside a quoted field.
    pub(super) const fn is_inside(self) -> bool {
        self.usual.inside != 0
    }

    /// Whether the last byte was inside a quoted field or closed it, perhaps
    /// only for a `""`.
    pub(super) const fn is_quoted(self) -> bool {
        self.is_inside() || self.usual.quoted != 0
    }

    /// Whether a record has begun and is not handed out.
    pub(super) const fn is_record_open(self) -> bool {
        self.usual.terminated == 0 || self.rare.settled == 0
    }

    /// Whether a record ended with the last byte for sure; asking settles it.
    pub(super) const fn take_ended(&mut self) -> bool {
        let ended = self.ended() != 0;
        if ended {
            self.rare.settled = 1;
        }
        ended
    }

    /// A record ended with the last byte for sure and is not yet handed out.
    const fn ended(self) -> u64 {
        self.usual.terminated & !self.rare.settled & !self.rare.cr_ended
    }

    /// Whether the last byte was a terminator outside quotes.
    pub(super) const fn is_terminated(self) -> bool {
        self.usual.terminated != 0
    }

    /// Whether a plain block had a line end inside quotes since this was last
    /// asked.
    pub(super) const fn take_inner(&mut self) -> bool {
        let inner = self.usual.inner != 0;
        self.usual.inner = 0;
        inner
    }

    /// What the loop over plain blocks carries, if the next block can be one.
    pub(super) fn usual(&mut self) -> Option<&mut Usual> {
        (self.rare == Rare::NONE).then_some(&mut self.usual)
    }

    /// Reads the next `length` bytes, 1 to 64, of which `masks` tells; its bits
    /// past `length` are 0.
    #[inline(always)]
    pub(super) fn advance<K: Kernel>(&mut self, kernel: K, masks: Masks, length: usize) -> Marks {
        let Masks {
            quote,
            cr,
            lf,
            separator,
        } = masks;
        let last = length - 1;
        let valid = u64::MAX >> (63 - last);
        let Quotes {
            inside,
            special,
            openings,
        } = self.usual.quotes(kernel, quote, cr | lf | separator);

        let terminators = (cr | lf) & !inside;
        let after_terminator = before(terminators, self.usual.terminated);
        // The first terminator after a record; those that follow end empty
        // lines, or are the LF of CRLF.
        let first = terminators & !after_terminator;
        let first_cr = first & cr;
        let after_cr = before(first_cr, self.rare.cr_ended);
        let by_lf = (first | after_cr) & lf;
        let ends = before(by_lf, self.ended()) | after_cr & !lf;
        let lines = cr | lf & !before(cr, self.rare.cr);

        *self = Self {
            usual: Usual {
                inside: (inside >> last & 1).wrapping_neg(),
                opener: (cr | lf | separator) >> last & 1,
                terminated: terminators >> last & 1,
                quoted: special >> last & 1,
                inner: self.usual.inner,
            },
            rare: Rare {
                settled: (terminators & !by_lf & !first_cr) >> last & 1,
                cr_ended: first_cr >> last & 1,
                cr: cr >> last & 1,
            },
        };
        Marks {
            ends: ends & valid,
            starts: after_terminator & !terminators & valid,
            separators: separator & !inside,
            lines,
            openings,
        }
    }
}

impl Usual {
    /// Reads the next 64 bytes, of which `masks` tells, if they are like most
    /// bytes of most inputs: no CR, no empty line, each opening quote at a
    /// field's start. Else they are not read.
    #[inline(always)]
    pub(super) fn advance_if_plain<K: Kernel>(&mut self, kernel: K, masks: Masks) -> Option<Marks> {
        let Masks {
            quote,
            cr,
            lf,
            separator,
        } = masks;
        let breaks = lf | separator;
        let (inside, openings) = if quote | self.inside == 0 {
            (0, 0)
        } else {
            let inside = kernel.prefix_xor(quote) ^ self.inside;
            let openings = quote & inside & !before(quote, self.quoted);
            if openings & !before(breaks, self.opener) != 0 {
                return None;
            }
            (inside, openings)
        };
        let terminators = lf & !inside;
        let ends = before(terminators, self.terminated);
        if cr | terminators & ends != 0 {
            return None;
        }
        *self = Self {
            inside: (inside >> 63).wrapping_neg(),
            opener: breaks >> 63,
            terminated: terminators >> 63,
            quoted: quote >> 63,
            inner: self.inner | lf & inside,
        };
        Some(Marks {
            ends,
            starts: ends,
            separators: separator & !inside,
            lines: lf,
            openings,
        })
    }

    /// Which quotes open and close. `breaks` are the separators, CRs and LFs.
    #[inline(always)]
    fn quotes<K: Kernel>(self, kernel: K, quote: u64, breaks: u64) -> Quotes {
        let openers = before(breaks, self.opener);
        let mut special = quote;
        let mut inside = kernel.prefix_xor(quote) ^ self.inside;
        // As long as all is well up to a quote, parity is right up to it; so
        // the first one that opens where none may is plain text for sure.
        let stray = quote & inside & !(openers | before(quote, self.quoted));
        if stray != 0 {
            special = walk_quotes(quote, openers, stray);
            inside = kernel.prefix_xor(special) ^ self.inside;
        }
        Quotes {
            inside,
            special,
            openings: special & inside & !before(special, self.quoted),
        }
    }
}

/// What `word` says of each byte, said of the byte after it; `carry` is the last
/// bit of the block before.
#[inline(always)]
const fn before(word: u64, carry: u64) -> u64 {
    // Added, not or-ed, since a processor does this in one step.
    (word << 1).wrapping_add(carry)
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
