//! aarch64 with polynomial multiplication: Graviton, Apple silicon, Ampere.
#![allow(unsafe_code)]

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vmull_p64, vpaddq_u8,
    vreinterpretq_u64_u8,
};
use std::arch::is_aarch64_feature_detected;

use super::super::scanner::Sink;
use super::super::walk::{Progress, walk};
use super::{BLOCK, Kernel, Masks};

/// The proof that this processor has NEON and PMULL (which Rust calls `aes`).
#[derive(Debug, Clone, Copy)]
pub(in crate::rows::scan) struct Neon(());

impl Neon {
    /// The proof, if it can be given.
    pub(super) fn detect() -> Option<Self> {
        (is_aarch64_feature_detected!("neon") && is_aarch64_feature_detected!("aes"))
            .then_some(Self(()))
    }

    /// [`walk`], compiled for these features.
    pub(super) fn walk<S: Sink>(self, progress: &mut Progress, bytes: &[u8], sink: &mut S) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { walk_with_features(self, progress, bytes, sink) }
    }
}

#[target_feature(enable = "neon,aes")]
fn walk_with_features<S: Sink>(kernel: Neon, progress: &mut Progress, bytes: &[u8], sink: &mut S) {
    walk(kernel, progress, bytes, sink);
}

impl Kernel for Neon {
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

/// One bit for each lane of eight.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

#[inline]
#[target_feature(enable = "neon,aes")]
fn classify(block: &[u8; BLOCK], separator: u8) -> Masks {
    let at = block.as_ptr();
    // SAFETY: the four loads cover exactly the 64 bytes of the block, and the
    // fifth the 16 of `BITS`.
    let (quarters, bits) = unsafe {
        (
            [
                vld1q_u8(at),
                vld1q_u8(at.add(16)),
                vld1q_u8(at.add(32)),
                vld1q_u8(at.add(48)),
            ],
            vld1q_u8(BITS.as_ptr()),
        )
    };
    Masks {
        quote: equal(quarters, bits, b'"'),
        cr: equal(quarters, bits, b'\r'),
        lf: equal(quarters, bits, b'\n'),
        separator: equal(quarters, bits, separator),
    }
}

/// NEON has no movemask: each lane that matches keeps its own bit, and three
/// rounds of adding neighbours put eight lanes into a byte.
#[inline]
#[target_feature(enable = "neon,aes")]
fn equal(quarters: [uint8x16_t; 4], bits: uint8x16_t, byte: u8) -> u64 {
    let wanted = vdupq_n_u8(byte);
    let first = vandq_u8(vceqq_u8(quarters[0], wanted), bits);
    let second = vandq_u8(vceqq_u8(quarters[1], wanted), bits);
    let third = vandq_u8(vceqq_u8(quarters[2], wanted), bits);
    let fourth = vandq_u8(vceqq_u8(quarters[3], wanted), bits);
    let sums = vpaddq_u8(vpaddq_u8(first, second), vpaddq_u8(third, fourth));
    let sums = vpaddq_u8(sums, sums);
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(sums))
}

/// Multiplying by all ones without carries adds up, for each bit, all bits up
/// to it; the product's upper half is not wanted.
#[inline]
#[target_feature(enable = "neon,aes")]
fn prefix_xor(word: u64) -> u64 {
    let product = vmull_p64(word, u64::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lower half is what is wanted"
    )]
    let parity = product as u64;
    parity
}
