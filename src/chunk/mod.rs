//! The bytes of one import file, and the rows in it.
//!
//! [`Chunks`] reads the sources and hands out [`Cut`]s in source order: chunks
//! ready to be sent, and rows that cannot be. The rules are in [`cutter`],
//! which does no I/O.

pub mod cutter;
mod halve;
mod head;
mod numbers;
mod outline;
mod part;
mod read;
pub mod sent;
mod spool;
mod values;

pub use cutter::{Cut, Cutter, RejectedRow, Rules, Start};
pub use numbers::Numbers;
pub use outline::{Outline, plain_files};
pub use part::{Chunk, Digest, Piece};
pub use read::{Chunks, ReadSettings};
pub use sent::{SentRow, SentRows};
pub use spool::Spool;
pub use values::Values;
