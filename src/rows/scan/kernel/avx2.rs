//! x86-64 with AVX2 and carry-less multiplication: any server since 2015.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
};

use super::super::scanner::Sink;
use super::super::walk::{Progress, walk};
use super::{BLOCK, Kernel, Masks};

/// The proof that this processor has AVX2, PCLMULQDQ, POPCNT, BMI1, BMI2 and
/// LZCNT.
#[derive(Debug, Clone, Copy)]
pub(in crate::rows::scan) struct Avx2(());

impl Avx2 {
    /// The proof, if it can be given.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
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
}

#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
fn walk_with_features<S: Sink>(kernel: Avx2, progress: &mut Progress, bytes: &[u8], sink: &mut S) {
    walk(kernel, progress, bytes, sink);
}

impl Kernel for Avx2 {
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
#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
fn classify(block: &[u8; BLOCK], separator: u8) -> Masks {
    let (low, high) = block.split_at(BLOCK / 2);
    // SAFETY: each half is 32 bytes, and the load asks for no alignment.
    let halves = unsafe {
        [
            _mm256_loadu_si256(low.as_ptr().cast()),
            _mm256_loadu_si256(high.as_ptr().cast()),
        ]
    };
    Masks {
        quote: equal(halves, b'"'),
        cr: equal(halves, b'\r'),
        lf: equal(halves, b'\n'),
        separator: equal(halves, separator),
    }
}

#[inline]
#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
fn equal(halves: [__m256i; 2], byte: u8) -> u64 {
    let wanted = _mm256_set1_epi8(byte.cast_signed());
    let [low, high] = halves.map(|half| {
        let bits = _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, wanted));
        u64::from(bits.cast_unsigned())
    });
    low | high << 32
}

/// Multiplying by all ones without carries adds up, for each bit, all bits up
/// to it.
#[inline]
#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1,bmi2,lzcnt")]
fn prefix_xor(word: u64) -> u64 {
    let product =
        _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, word.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}
