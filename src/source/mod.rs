//! Bytes in, from anywhere: files, several files, standard input.
//!
//! A [`Source`] is named by the user and opened once; what it yields is a
//! [`Blocks`], a stream of byte blocks read on a thread of its own, so that
//! reading overlaps with scanning. Nothing here knows what a row is.

mod block;
mod spec;

pub use block::{BLOCK_BYTES, Blocks};
pub use spec::{Source, expand};
