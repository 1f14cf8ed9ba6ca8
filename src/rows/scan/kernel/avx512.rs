//! x86-64 with AVX-512BW: a block is one register, and a comparison gives the
//! 64 bits at once.
#![allow(unsafe_code)]

mod find;
mod plain;
mod utf8;

use std::arch::x86_64::{
    __m512i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_set1_epi8, _mm512_storeu_si512,
};

use super::super::block::Usual;
use super::super::scanner::Sink;
use super::super::walk::{Progress, walk};
use super::super::window::{Filled, Window};
use super::{BLOCK, Kernel, Masks};

/// Blocks in a stripe: their words are the lanes of one register.
const STRIPE: usize = 8;

/// As a matrix this turns the order of the bits of a byte; multiplied by another
/// it turns that one's rows into columns, the last first.
const DIAGONAL: i64 = 0x8040_2010_0804_0201_u64.cast_signed();

/// Compiles functions for the features of which [`Avx512`] is the proof.
macro_rules! with_features {
    ($($(#[$meta:meta])* $visibility:vis fn $name:ident $rest:tt $(-> $result:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,gfni,pclmulqdq,vpclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
        $visibility fn $name $rest $(-> $result)? $body
    )*};
}
use with_features;

/// The proof that this processor has AVX-512F, AVX-512BW, PCLMULQDQ, POPCNT,
/// BMI1, BMI2 and LZCNT.
#[derive(Debug, Clone, Copy)]
pub(in crate::rows::scan) struct Avx512(());

impl Avx512 {
    /// The proof, if it can be given.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("avx512vpopcntdq")
            && is_x86_feature_detected!("gfni")
            && is_x86_feature_detected!("vpclmulqdq")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt"))
        .then_some(Self(()))
    }

    /// [`walk`], compiled for these features.
    pub(super) fn walk<S: Sink>(self, progress: &mut Progress, bytes: &[u8], sink: &mut S) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { walk_with_features(self, progress, bytes, sink) }
    }

    /// Whether all of `bytes` is UTF-8.
    #[expect(clippy::unused_self, reason = "the proof")]
    pub(super) fn is_utf8(self, bytes: &[u8]) -> bool {
        let (blocks, _) = bytes.as_chunks::<BLOCK>();
        let (stripes, _) = blocks.as_chunks::<STRIPE>();
        let read = stripes.as_flattened().as_flattened().len();
        // A character may begin in the last stripe and end after it.
        let open = bytes[..read]
            .iter()
            .rev()
            .take(3)
            .position(|&byte| byte >= 0xC0);
        let rest = read - open.map_or(0, |after| after + 1);
        // SAFETY: `self` proves that the processor has the features.
        let are_utf8 = unsafe { utf8::are_utf8(stripes) };
        are_utf8 && simdutf8::basic::from_utf8(&bytes[rest..]).is_ok()
    }
}

#[target_feature(
    enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vpopcntdq,gfni,pclmulqdq,vpclmulqdq,popcnt,bmi1,bmi2,lzcnt"
)]
fn walk_with_features<S: Sink>(
    kernel: Avx512,
    progress: &mut Progress,
    bytes: &[u8],
    sink: &mut S,
) {
    walk(kernel, progress, bytes, sink);
}

impl Kernel for Avx512 {
    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK], separator: u8) -> Masks {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { classify(block, separator) }
    }

    #[inline(always)]
    fn prefix_xor(self, word: u64) -> u64 {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { prefix_xor(word) }
    }

    #[inline(always)]
    fn find(self, blocks: &[[u8; BLOCK]], separator: u8, window: &mut Window) -> usize {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { find::find(blocks, separator, window) }
    }

    #[inline(always)]
    fn advance_while_plain(
        self,
        usual: &mut Usual,
        blocks: &[[u8; BLOCK]],
        window: &mut Window,
        filled: &mut Filled,
    ) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { plain::advance_while_plain(usual, blocks, window, filled) }
    }
}

with_features! {
fn classify(block: &[u8; BLOCK], separator: u8) -> Masks {
    let bytes = load_block(block);
    Masks {
        quote: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'"'.cast_signed())),
        cr: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\r'.cast_signed())),
        lf: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\n'.cast_signed())),
        separator: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(separator.cast_signed())),
    }
}

/// Multiplying by all ones without carries adds up, for each bit, all bits up
/// to it.
fn prefix_xor(word: u64) -> u64 {
    let product =
        _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, word.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}

fn load_block(block: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the block is 64 bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

/// The words of eight blocks from one on.
fn load(words: &[u64], block: usize) -> __m512i {
    let stripe: &[u64; STRIPE] = words[block..].first_chunk().expect("a whole stripe");
    // SAFETY: eight words are 64 bytes, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(stripe.as_ptr().cast()) }
}

fn store(words: &mut [u64], block: usize, lanes: __m512i) {
    let stripe: &mut [u64; STRIPE] = words[block..].first_chunk_mut().expect("a whole stripe");
    // SAFETY: eight words are 64 bytes, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(stripe.as_mut_ptr().cast(), lanes) }
}
}
