//! Where records begin and end, at the speed of memory.
//!
//! Re-chunking a file asks one question of its bytes: where does each record
//! begin and end? The answer is csv-core's, with its default terminator:
//!
//! - a quote is special only where a field begins; in a quoted field `""` is a
//!   quote, and after the closing quote the rest of the field is plain;
//! - `\n`, `\r\n` and `\r` end a record outside quotes; empty lines are no
//!   records.
//!
//! The way there is not csv-core's. [`Scanner`] takes 64 bytes a step:
//! `kernel` finds the quotes, CRs, LFs and separators as bits of four
//! words, and from then on everything is arithmetic on such words (`block`):
//! the running parity of the quotes says what is inside a quoted field, and a
//! record ends at each terminator outside of one. `walk` carries the state
//! from block to block, notes what it finds in a `window`, and hands the records
//! out.
//!
//! Parity is right only where each opening quote stands at a field's start.
//! Where it does not (`5" pipe`, `"a"b"c"`) the block is seen to break that
//! rule, and its quotes are walked one by one by csv-core's.

#![expect(
    clippy::inline_always,
    reason = "a kernel's loop must be one function, or the processor's features are lost at each call"
)]

mod block;
mod kernel;
mod scanner;
mod walk;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use scanner::Sink;
pub use scanner::{End, OpenQuote, Record, Scanner};

/// Whether all of `bytes` is UTF-8, where `bytes` are likely to be.
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    kernel::Choice::best().is_utf8(bytes)
}
