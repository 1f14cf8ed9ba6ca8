//! Which kernel runs, found out once for each scanner.

use super::super::scanner::Sink;
use super::super::walk::{Progress, walk};
#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::portable::Portable;

/// One of the kernels that this processor can run.
#[derive(Debug, Clone, Copy)]
pub(in crate::rows::scan) enum Choice {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    Portable(Portable),
}

impl Choice {
    /// All that this processor can run, the fastest first; never empty.
    pub(in crate::rows::scan) fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let special = [
            Avx512::detect().map(Self::Avx512),
            Avx2::detect().map(Self::Avx2),
        ];
        #[cfg(target_arch = "aarch64")]
        let special = [Neon::detect().map(Self::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let special: [Option<Self>; 0] = [];

        special
            .into_iter()
            .flatten()
            .chain([Self::Portable(Portable)])
    }

    /// The fastest.
    pub(in crate::rows::scan) fn best() -> Self {
        Self::available().next().unwrap_or(Self::Portable(Portable))
    }

    /// [`walk`] with this kernel: chosen once a buffer, so that the loop over
    /// its blocks is compiled as one piece.
    pub(in crate::rows::scan) fn walk<S: Sink>(
        self,
        progress: &mut Progress,
        bytes: &[u8],
        sink: &mut S,
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.walk(progress, bytes, sink),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.walk(progress, bytes, sink),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(kernel) => kernel.walk(progress, bytes, sink),
            Self::Portable(kernel) => walk(kernel, progress, bytes, sink),
        }
    }

    /// Whether all of `bytes` is UTF-8.
    pub(in crate::rows::scan) fn is_utf8(self, bytes: &[u8]) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.is_utf8(bytes),
            _ => simdutf8::basic::from_utf8(bytes).is_ok(),
        }
    }
}
