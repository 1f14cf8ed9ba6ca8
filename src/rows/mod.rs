//! What a row is: the dialect, the header, and where records begin and end.

pub mod format;

pub use format::Format;
