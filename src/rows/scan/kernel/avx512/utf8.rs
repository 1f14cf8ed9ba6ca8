//! Whether bytes are UTF-8, eight blocks a step.
//!
//! The bits of the bytes become words, one for each place of a bit in its byte,
//! and the rules of UTF-8 are arithmetic on these, as those of CSV are.

use std::arch::x86_64::{
    __m512i, _mm512_alignr_epi64, _mm512_and_si512, _mm512_andnot_si512,
    _mm512_gf2p8affine_epi64_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutexvar_epi8,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_shldi_epi64, _mm512_shuffle_i64x2,
    _mm512_ternarylogic_epi64, _mm512_test_epi64_mask, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi64,
};

use super::super::BLOCK;
use super::{DIAGONAL, STRIPE, load_block, with_features};

/// Brings together the eight bytes that hold the same bit of eight groups.
const GATHER: [u8; BLOCK] = {
    let mut gather = [0; BLOCK];
    let mut at = 0;
    while at < BLOCK {
        #[expect(clippy::cast_possible_truncation, reason = "below 64")]
        let from = (at % 8 * 8 + at / 8) as u8;
        gather[at] = from;
        at += 1;
    }
    gather
};

/// Which bytes ask of those after them that they go on.
struct Leads {
    one: __m512i,
    two: __m512i,
    three: __m512i,
    narrow: Option<Narrow>,
}

/// Which bytes leave the next one less than all of 80 to BF.
#[derive(Clone, Copy)]
struct Narrow {
    /// E0: A0 or more.
    high: __m512i,
    /// ED: below A0.
    low: __m512i,
    /// F0: 90 or more.
    not_first: __m512i,
    /// F4: below 90.
    first: __m512i,
}

with_features! {
    /// Whether bytes are UTF-8, but for a character that begins in them and ends
    /// after them.
    pub(super) fn are_utf8(stripes: &[[[u8; BLOCK]; STRIPE]]) -> bool {
        let mut leads = Leads::none();
        let mut wrong = _mm512_setzero_si512();
        let mut owed = false;
        for stripe in stripes {
            let ascii = is_ascii(stripe);
            if owed || !ascii {
                leads.read(planes(stripe), &mut wrong);
            }
            owed = !ascii;
        }
        _mm512_test_epi64_mask(wrong, wrong) == 0
    }

    fn is_ascii(stripe: &[[u8; BLOCK]; STRIPE]) -> bool {
        let any = stripe.iter().fold(_mm512_setzero_si512(), |any, block| {
            _mm512_or_si512(any, load_block(block))
        });
        _mm512_movepi8_mask(any) == 0
    }

    /// The lowest bits of all bytes, then those above them and so on; the bytes of
    /// each group of eight in reverse.
    fn planes(stripe: &[[u8; BLOCK]; STRIPE]) -> [__m512i; 8] {
        let diagonal = _mm512_set1_epi64(DIAGONAL);
        let gather = load_block(&GATHER);
        let rows = stripe.each_ref().map(|block| {
            let turned = _mm512_gf2p8affine_epi64_epi8::<0>(diagonal, load_block(block));
            _mm512_permutexvar_epi8(gather, turned)
        });
        let pairs = [(rows[0], rows[1]), (rows[2], rows[3]), (rows[4], rows[5]), (rows[6], rows[7])];
        let even = pairs.map(|(first, second)| _mm512_unpacklo_epi64(first, second));
        let odd = pairs.map(|(first, second)| _mm512_unpackhi_epi64(first, second));
        let ([zero, two, four, six], [one, three, five, seven]) = (quarters(even), quarters(odd));
        [zero, one, two, three, four, five, six, seven]
    }

    /// With the bytes of each group no more in reverse.
    fn in_order(words: __m512i) -> __m512i {
        _mm512_gf2p8affine_epi64_epi8::<0>(words, _mm512_set1_epi64(DIAGONAL))
    }

    fn or3(one: __m512i, two: __m512i, three: __m512i) -> __m512i {
        _mm512_ternarylogic_epi64::<0xFE>(one, two, three)
    }

    /// Each lane the one before, the first one `carry`'s last.
    fn lanes_before(words: __m512i, carry: __m512i) -> __m512i {
        _mm512_alignr_epi64::<7>(words, carry)
    }

    /// Of four rows of four pairs the columns.
    fn quarters([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        let low = [_mm512_shuffle_i64x2::<0x44>(a, b), _mm512_shuffle_i64x2::<0x44>(c, d)];
        let high = [_mm512_shuffle_i64x2::<0xEE>(a, b), _mm512_shuffle_i64x2::<0xEE>(c, d)];
        [
            _mm512_shuffle_i64x2::<0x88>(low[0], low[1]),
            _mm512_shuffle_i64x2::<0xDD>(low[0], low[1]),
            _mm512_shuffle_i64x2::<0x88>(high[0], high[1]),
            _mm512_shuffle_i64x2::<0xDD>(high[0], high[1]),
        ]
    }
}

impl Leads {
    with_features! {
        fn none() -> Self {
            let zero = _mm512_setzero_si512();
            Self { one: zero, two: zero, three: zero, narrow: None }
        }

        /// Adds to `wrong` what is no UTF-8 in the next stripe.
        fn read(&mut self, planes: [__m512i; 8], wrong: &mut __m512i) {
            let [b0, b1, b2, b3, b4, b5, b6, b7] = planes;
            let one = _mm512_and_si512(b7, b6);
            let two = _mm512_and_si512(one, b5);
            let three = _mm512_and_si512(two, b4);
            // C0 and C1; F5 and above.
            let above_one = or3(b3, b2, b1);
            let short = _mm512_andnot_si512(or3(b5, b4, above_one), one);
            let beyond = or3(_mm512_and_si512(b2, b1), _mm512_and_si512(b2, b0), b3);
            *wrong = or3(*wrong, short, _mm512_and_si512(three, beyond));

            let zeros = _mm512_andnot_si512(_mm512_or_si512(above_one, b0), two);
            let thirteen = _mm512_ternarylogic_epi64::<0x40>(_mm512_and_si512(b3, b2), b0, b1);
            let low = _mm512_ternarylogic_epi64::<0x20>(thirteen, b4, two);
            let first = _mm512_and_si512(three, b2);
            let narrows = or3(zeros, low, first);
            let any = _mm512_test_epi64_mask(narrows, narrows) != 0;
            if any || self.narrow.is_some() {
                let next = Narrow {
                    high: in_order(_mm512_andnot_si512(b4, zeros)),
                    low: in_order(low),
                    not_first: in_order(_mm512_and_si512(b4, zeros)),
                    first: in_order(first),
                };
                next.read(self.narrow, b5, b4, wrong);
                self.narrow = any.then_some(next);
            }

            let continues = in_order(_mm512_andnot_si512(b6, b7));
            let [one, two, three] = [one, two, three].map(|words| in_order(words));
            let expected = or3(
                _mm512_shldi_epi64::<1>(one, lanes_before(one, self.one)),
                _mm512_shldi_epi64::<2>(two, lanes_before(two, self.two)),
                _mm512_shldi_epi64::<3>(three, lanes_before(three, self.three)),
            );
            *wrong = _mm512_ternarylogic_epi64::<0xF6>(*wrong, expected, continues);
            (self.one, self.two, self.three) = (one, two, three);
        }
    }
}

impl Narrow {
    with_features! {
        /// Adds to `wrong` the bytes that are not as these and those before ask.
        fn read(self, before: Option<Self>, b5: __m512i, b4: __m512i, wrong: &mut __m512i) {
            let zero = _mm512_setzero_si512();
            let before = before.unwrap_or(Self { high: zero, low: zero, not_first: zero, first: zero });
            let next = |words, carry| _mm512_shldi_epi64::<1>(words, lanes_before(words, carry));
            let high = in_order(b5);
            let not_first = in_order(_mm512_or_si512(b5, b4));
            let missed = or3(
                _mm512_andnot_si512(high, next(self.high, before.high)),
                _mm512_and_si512(high, next(self.low, before.low)),
                _mm512_andnot_si512(not_first, next(self.not_first, before.not_first)),
            );
            *wrong = or3(*wrong, missed, _mm512_and_si512(not_first, next(self.first, before.first)));
        }
    }
}
