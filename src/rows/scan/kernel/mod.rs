//! What depends on the processor: finding four bytes among 64, and the running
//! parity of a word. `unsafe` stands in this folder only.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod choice;
mod masks;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

pub(super) use choice::Choice;
pub(super) use masks::{BLOCK, Kernel, Masks};
