//! One report, the rejects and the summary, with the books checked.
//!
//! During a run each chunk's entries go to a file of their own
//! (`store`); at its end they are merged in source order (`merge`) into
//! the report and the rejects file. [`Reporter`] is the entry point. All I/O
//! here is synchronous: call it where blocking is allowed.

mod again;
pub mod books;
pub mod entry;
mod lines;
mod merge;
mod output;
mod reasons;
mod rejects;
pub mod reporter;
mod store;
pub mod summary;
pub mod text;

pub use again::{ReportTo, has_chunk, has_entries, rejected_so_far, write_report};
pub use books::{Books, ChunkBook, Counted, Imbalance, Received};
pub use entry::{Entry, Key, Status};
pub use lines::ReportFormat;
pub use output::check_writable;
pub use reasons::Reason;
pub use reporter::{ChunkWriter, Layout, Reporter, Tally};
pub use summary::{Bytes, ChunkSummary, Ending, Outcome, Rows, Stop, Summary};

#[cfg(test)]
mod tests;
