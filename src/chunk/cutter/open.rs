//! The chunk that is being filled.

use bytes::Bytes;
use twox_hash::XxHash3_128;

use crate::chunk::part::Piece;

/// The chunk that is being filled.
#[derive(Default)]
pub(super) struct Open {
    pub(super) segments: Vec<Bytes>,
    pub(super) pieces: Vec<Piece>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) digest: XxHash3_128,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open")
            .field("rows", &self.rows)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
