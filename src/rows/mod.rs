//! What a row is: the dialect, the header, and where records begin and end.

pub mod header;
pub mod scan;
mod utf8;

pub use header::{Header, is_ended, record_end};
pub use utf8::Utf8Check;
