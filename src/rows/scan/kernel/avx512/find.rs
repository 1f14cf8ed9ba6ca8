//! From bytes to words, eight blocks a step.
//!
//! A comparison into a mask register, and from there into a word, costs more
//! than all that is done with the word. So each byte is looked up in a table
//! instead, four bits of which say what it is; the bits of two blocks share a
//! byte; and eight times eight bits are turned over at once.

use std::arch::x86_64::{
    __m512i, _mm512_alignr_epi64, _mm512_clmulepi64_epi128, _mm512_gf2p8affine_epi64_epi8,
    _mm512_min_epu8, _mm512_movepi64_mask, _mm512_or_si512, _mm512_permutexvar_epi8,
    _mm512_set_epi64, _mm512_set1_epi8, _mm512_set1_epi64, _mm512_slli_epi64,
    _mm512_ternarylogic_epi64, _mm512_unpacklo_epi64,
};

use super::super::super::window::Window;
use super::super::BLOCK;
use super::{DIAGONAL, STRIPE, load_block, store, with_features};

/// Stands for itself and all bytes after it, none of which is looked for: the
/// separators of all formats come before.
const OTHER: u8 = 0x3f;

/// Brings together the eight bytes that hold the same bit of eight groups, for
/// each pair of blocks: the words of the first and the second that say where
/// quotes are, then LFs, separators, CRs; one place further for each pair.
const GATHER: [[u8; BLOCK]; STRIPE / 2] = {
    let mut gather = [[0; BLOCK]; STRIPE / 2];
    let mut at = 0;
    while at < gather.len() * BLOCK {
        let (pair, byte) = (at / BLOCK, at % BLOCK);
        let (word, group) = (byte / 8, byte % 8);
        let class = (word / 2 + gather.len() - pair) % 4;
        let bit = class + word % 2 * 4;
        #[expect(clippy::cast_possible_truncation, reason = "below 64")]
        let from = (group * 8 + bit) as u8;
        gather[pair][byte] = from;
        at += 1;
    }
    gather
};

with_features! {
    /// Finds what stands in as many blocks as make stripes, and returns how many
    /// those are. None if the separator is no format's.
    pub(super) fn find(blocks: &[[u8; BLOCK]], separator: u8, window: &mut Window) -> usize {
        if separator >= OTHER {
            return 0;
        }
        let mut classes = [0; BLOCK];
        for (bit, byte) in [b'"', b'\n', separator, b'\r'].into_iter().enumerate() {
            classes[usize::from(byte)] = 1 << bit;
        }
        let of_first = load_block(&classes);
        let of_second = _mm512_slli_epi64::<4>(of_first);
        let other = _mm512_set1_epi8(OTHER.cast_signed());
        let diagonal = _mm512_set1_epi64(DIAGONAL);
        let gather = GATHER.each_ref().map(|gather| load_block(gather));
        let found = &mut window.found;
        let (stripes, _) = blocks.as_chunks::<STRIPE>();
        for (index, stripe) in stripes.iter().enumerate() {
            let (pairs, _) = stripe.as_chunks::<2>();
            let rows: [__m512i; STRIPE / 2] = std::array::from_fn(|pair| {
                let [first, second] = &pairs[pair];
                let first = _mm512_min_epu8(load_block(first), other);
                let second = _mm512_min_epu8(load_block(second), other);
                let classes = _mm512_or_si512(
                    _mm512_permutexvar_epi8(first, of_first),
                    _mm512_permutexvar_epi8(second, of_second),
                );
                let turned = _mm512_gf2p8affine_epi64_epi8::<0>(diagonal, classes);
                _mm512_permutexvar_epi8(gather[pair], turned)
            });
            let [quote, lf, separator, cr] = columns(rows);
            let [quote, lf, separator] = [quote, lf, separator]
                .map(|words| _mm512_gf2p8affine_epi64_epi8::<0>(words, diagonal));
            let parity = prefix_xor(quote);
            let at = index * STRIPE;
            store(&mut found.quote, at, quote);
            store(&mut found.parity, at, parity);
            store(&mut found.separator, at, separator);
            store(&mut found.cr, at, cr);
            store(&mut window.lines, at, lf);
            found.odd[index] = _mm512_movepi64_mask(parity);
        }
        stripes.len() * STRIPE
    }

    /// Of four rows of four pairs, each row turned one place further than the one
    /// before, the columns.
    ///
    /// Selecting bits is done twice a step where moving lanes is done once.
    fn columns([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
        let upper = _mm512_set_epi64(-1, -1, -1, -1, 0, 0, 0, 0);
        let uneven = _mm512_set_epi64(-1, -1, 0, 0, -1, -1, 0, 0);
        let select = |mask, one, other| _mm512_ternarylogic_epi64::<0xCA>(mask, one, other);
        let (ac, ca) = (select(upper, c, a), select(upper, a, c));
        let (bd, db) = (select(upper, d, b), select(upper, b, d));
        let first = select(uneven, bd, ac);
        let second = select(uneven, ac, db);
        let third = select(uneven, db, ca);
        let fourth = select(uneven, ca, bd);
        [
            first,
            _mm512_alignr_epi64::<2>(second, second),
            _mm512_alignr_epi64::<4>(third, third),
            _mm512_alignr_epi64::<6>(fourth, fourth),
        ]
    }

    /// Bit `i` of each word of the result is the parity of the bits `0..=i` of
    /// that word.
    fn prefix_xor(words: __m512i) -> __m512i {
        let ones = _mm512_set1_epi64(-1);
        _mm512_unpacklo_epi64(
            _mm512_clmulepi64_epi128::<0x00>(words, ones),
            _mm512_clmulepi64_epi128::<0x01>(words, ones),
        )
    }
}
