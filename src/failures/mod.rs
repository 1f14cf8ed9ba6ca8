//! Rows that Marketo refused or remarked on, back to the source rows they were.
//!
//! The files in which Marketo lists them are not trustworthy CSV (`design.md`,
//! decision 7), so the text is searched for the rows that were sent:
//!
//! ```text
//!  header ─► index ─► records ─► paths ─► gaps ─► claims ─► keys ─► findings
//!  which     the      where a    which    what    each row  the     one for each
//!  columns   rows by  sent row   of them  lies    claimed   rest    failed row
//!  it has    skeleton may begin  it is    between once      by key
//! ```
//!
//! What makes a level trustworthy is one argument. `writers.rs` lists every
//! way in which Marketo is seen to write a row, and the index finds *all* rows that
//! any of them could have written at a place in the text. The true row is among
//! them, so where only one is found, it is the true one; where several are, the
//! finding says so. What may be a part of something that is not found, a changed
//! row or a reason, is said to be in doubt (`doubts.rs`).
//!
//! The search is bounded. Where over a hundred rows of a chunk differ only in
//! blanks, quotes and line ends, none of them is named for what it is; and a file
//! that takes too many comparisons is given up from there on.

mod attribute;
mod claims;
mod doubts;
mod fields;
mod finding;
mod gaps;
mod header;
mod index;
mod keys;
pub mod level;
mod listing;
mod paths;
mod records;
mod sent_row;
mod skeleton;
#[cfg(test)]
mod tests;
mod writers;

pub use attribute::attribute;
pub use finding::{CANDIDATES_LISTED, FileKind, Finding, Found, Sent};
pub use level::Match;
