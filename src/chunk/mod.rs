//! The bytes of one import file, and the rows in it.

pub mod sent;

pub use sent::{SentRow, SentRows};
