//! Rows that Marketo refused or remarked on, back to the source rows they were.

pub mod level;

pub use level::Match;
