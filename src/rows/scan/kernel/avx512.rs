//! x86-64 with AVX-512BW: a block is one register, and a comparison gives the
//! 64 bits at once.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8, _mm512_cmpeq_epi8_mask,
    _mm512_loadu_si512, _mm512_set1_epi8,
};

use super::super::scanner::Record;
use super::super::walk::{Progress, walk};
use super::{BLOCK, Kernel, Masks};

/// The proof that this processor has AVX-512F, AVX-512BW, PCLMULQDQ, POPCNT,
/// BMI1, BMI2 and LZCNT.
#[derive(Debug, Clone, Copy)]
pub(in crate::rows::scan) struct Avx512(());

impl Avx512 {
    /// The proof, if it can be given.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt"))
        .then_some(Self(()))
    }

    /// [`walk`], compiled for these features.
    pub(super) fn walk<F: FnMut(Record)>(
        self,
        progress: &mut Progress,
        bytes: &[u8],
        records: &mut F,
    ) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { walk_with_features(self, progress, bytes, records) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
fn walk_with_features<F: FnMut(Record)>(
    kernel: Avx512,
    progress: &mut Progress,
    bytes: &[u8],
    records: &mut F,
) {
    walk(kernel, progress, bytes, records);
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
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
fn classify(block: &[u8; BLOCK], separator: u8) -> Masks {
    // SAFETY: the block is 64 bytes, and the load asks for no alignment.
    let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
    Masks {
        quote: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'"'.cast_signed())),
        cr: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\r'.cast_signed())),
        lf: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(b'\n'.cast_signed())),
        separator: _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(separator.cast_signed())),
    }
}

/// Multiplying by all ones without carries adds up, for each bit, all bits up
/// to it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
fn prefix_xor(word: u64) -> u64 {
    let product =
        _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, word.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}
