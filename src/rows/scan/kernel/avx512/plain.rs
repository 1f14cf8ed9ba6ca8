//! The arithmetic of [`Usual::advance_if_plain`] on stripes.

use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_cvtsi128_si32, _mm_prefetch, _mm512_add_epi32, _mm512_add_epi64,
    _mm512_alignr_epi64, _mm512_and_si512, _mm512_andnot_si512, _mm512_castsi512_si128,
    _mm512_mask_xor_epi64, _mm512_maskz_compress_epi32, _mm512_movepi64_mask, _mm512_or_si512,
    _mm512_permutexvar_epi64, _mm512_popcnt_epi64, _mm512_set_epi64, _mm512_set1_epi32,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_shldi_epi64, _mm512_slli_epi64,
    _mm512_storeu_si512, _mm512_ternarylogic_epi64, _mm512_test_epi64_mask,
    _mm512_testn_epi32_mask,
};

use super::super::super::block::Usual;
use super::super::super::window::{Boundary, Filled, WINDOW, Window};
use super::super::BLOCK;
use super::{STRIPE, load, store, with_features};

with_features! {
    /// Reads the blocks that follow those in `filled`, as long as they make
    /// stripes that are plain. `blocks` are those that were found, of the same
    /// window.
    pub(super) fn advance_while_plain(
        usual: &mut Usual,
        blocks: &[[u8; BLOCK]],
        window: &mut Window,
        filled: &mut Filled,
    ) {
        let zero = _mm512_setzero_si512();
        let last_lane = _mm512_set1_epi64(7);
        let carried = |bit: u64| _mm512_set1_epi64((bit << 63).cast_signed());
        let mut quote_before = carried(usual.quoted);
        let mut special_before = carried(usual.opener | usual.quoted);
        let mut terminators_before = carried(usual.terminated);
        let mut inner = zero;
        let mut separators_before = _mm512_set1_epi64(i64::from(filled.separators));
        let mut boundaries = filled.boundaries;
        let mut at = filled.blocks;
        let mut entered_inside = usual.inside & 0xff;
        let odd = u64::from_le_bytes(window.found.odd);
        for stripe in blocks[at..].as_chunks::<STRIPE>().0 {
            prefetch(stripe);
            let quote = load(&window.found.quote, at);
            let parity = load(&window.found.parity, at);
            let separator = load(&window.found.separator, at);
            let cr = load(&window.found.cr, at);
            let lf = load(&window.lines, at);

            let mut lanes = odd >> at & 0xff;
            lanes ^= lanes << 1;
            lanes ^= lanes << 2;
            lanes ^= lanes << 4;
            let [entering, ..] = (lanes << 1 ^ entered_inside).to_le_bytes();
            let inside = _mm512_mask_xor_epi64(parity, entering, parity, _mm512_set1_epi64(-1));

            let openings = _mm512_ternarylogic_epi64::<0x40>(quote, inside, before(quote, quote_before));
            let special = _mm512_ternarylogic_epi64::<0xFE>(lf, separator, quote);
            let terminators = _mm512_andnot_si512(inside, lf);
            let ends = before(terminators, terminators_before);
            // A CR, a quote that opens within a field, an empty line.
            let strange = _mm512_ternarylogic_epi64::<0xF4>(cr, openings, before(special, special_before));
            let strange = _mm512_ternarylogic_epi64::<0xF8>(strange, terminators, ends);
            if _mm512_test_epi64_mask(strange, strange) != 0 {
                break;
            }
            entered_inside ^= (lanes >> 7 & 1).wrapping_neg() & 0xff;
            quote_before = quote;
            special_before = special;
            terminators_before = terminators;
            inner = _mm512_ternarylogic_epi64::<0xF8>(inner, lf, inside);

            let separators = _mm512_andnot_si512(inside, separator);
            let sums = sums(_mm512_popcnt_epi64(separators));
            let counted = _mm512_add_epi64(separators_before, _mm512_alignr_epi64::<7>(sums, zero));
            separators_before = _mm512_add_epi64(separators_before, _mm512_permutexvar_epi64(last_lane, sums));
            store(&mut window.openings, at, openings);
            boundaries = note(window, boundaries, at, ends, separators, counted);
            at += STRIPE;
        }
        if at == filled.blocks {
            return;
        }
        let last = at - 1;
        let found = &window.found;
        *usual = Usual {
            inside: (entered_inside & 1).wrapping_neg(),
            opener: (window.lines[last] | found.separator[last]) >> 63,
            terminated: u64::from(_mm512_movepi64_mask(terminators_before) >> 7),
            quoted: found.quote[last] >> 63,
            inner: usual.inner | u64::from(_mm512_test_epi64_mask(inner, inner)),
        };
        *filled = Filled {
            blocks: at,
            boundaries,
            separators: _mm_cvtsi128_si32(_mm512_castsi512_si128(separators_before)).cast_unsigned(),
        };
    }

    /// Notes the ends of a stripe's records, and how many separators are before
    /// each in the window. Returns how many boundaries there are then.
    fn note(
        window: &mut Window,
        boundaries: u32,
        block: usize,
        ends: __m512i,
        separators: __m512i,
        counted: __m512i,
    ) -> u32 {
        let less_one = |words: __m512i| _mm512_add_epi64(words, _mm512_set1_epi64(-1));
        let second = _mm512_and_si512(ends, less_one(ends));
        let third = _mm512_and_si512(second, less_one(second));
        if _mm512_test_epi64_mask(third, third) != 0 {
            let mut words = [[0; STRIPE]; 3];
            for (words, lanes) in words.iter_mut().zip([ends, separators, counted]) {
                store(words, 0, lanes);
            }
            return note_each(window, boundaries, block, &words);
        }
        let below_first = _mm512_andnot_si512(ends, less_one(ends));
        let below_second = _mm512_andnot_si512(second, less_one(second));
        // Zeros below the lowest bit: 64 where there is none.
        let places = _mm512_or_si512(
            _mm512_popcnt_epi64(below_first),
            _mm512_slli_epi64::<32>(_mm512_popcnt_epi64(below_second)),
        );
        let there = _mm512_testn_epi32_mask(places, _mm512_set1_epi32(64));
        let before = _mm512_or_si512(
            _mm512_add_epi64(counted, _mm512_popcnt_epi64(_mm512_and_si512(separators, below_first))),
            _mm512_slli_epi64::<32>(
                _mm512_add_epi64(counted, _mm512_popcnt_epi64(_mm512_and_si512(separators, below_second)))),
        );
        let both = |lane: i64| lane << 6 | lane << 38;
        let offsets = _mm512_set_epi64(both(7), both(6), both(5), both(4), both(3), both(2), both(1), both(0));
        let base = _mm512_set1_epi32(Boundary::at(block).cast_signed());
        let blocks = _mm512_add_epi32(offsets, base);
        let noted = _mm512_ternarylogic_epi64::<0xFE>(places, blocks, _mm512_slli_epi64::<16>(before));
        let room: &mut [Boundary; 2 * STRIPE] = window.boundaries[boundaries as usize..].first_chunk_mut().expect("room");
        // SAFETY: sixteen boundaries are 64 bytes, and the store asks for no alignment.
        unsafe { _mm512_storeu_si512(room.as_mut_ptr().cast(), _mm512_maskz_compress_epi32(there, noted)) }
        boundaries + there.count_ones()
    }

    /// What `words` say of each byte, said of the byte after it; the last bit of
    /// `carry` is for the first byte.
    fn before(words: __m512i, carry: __m512i) -> __m512i {
        _mm512_shldi_epi64::<1>(words, _mm512_alignr_epi64::<7>(words, carry))
    }

    /// The sum of the lanes up to each.
    fn sums(lanes: __m512i) -> __m512i {
        let zero = _mm512_setzero_si512();
        let lanes = _mm512_add_epi64(lanes, _mm512_alignr_epi64::<7>(lanes, zero));
        let lanes = _mm512_add_epi64(lanes, _mm512_alignr_epi64::<6>(lanes, zero));
        _mm512_add_epi64(lanes, _mm512_alignr_epi64::<4>(lanes, zero))
    }

    fn prefetch(stripe: &[[u8; BLOCK]; STRIPE]) {
        for block in stripe {
            let ahead = block.as_ptr().wrapping_add(WINDOW * BLOCK);
            _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
        }
    }
}

/// [`note`] for rows so short that a block has three ends.
#[cold]
fn note_each(
    window: &mut Window,
    mut boundaries: u32,
    block: usize,
    [ends, separators, counted]: &[[u64; STRIPE]; 3],
) -> u32 {
    for lane in 0..STRIPE {
        let mut rest = ends[lane];
        while rest != 0 {
            window.boundaries[boundaries as usize] = Boundary::lowest(
                block + lane,
                rest,
                Boundary::BOTH,
                separators[lane],
                u32::try_from(counted[lane]).unwrap_or(0),
            );
            rest &= rest - 1;
            boundaries += 1;
        }
    }
    boundaries
}
