//! The wire: Marketo's REST API as a client sees it.

mod backoff;
mod client;
mod exchange;
mod fault;
mod identity;
mod job;
mod pace;
mod paths;
mod refusal;
mod retry;
mod token;
mod upload;
pub mod verdict;
mod wire;

pub use backoff::{Backoff, BackoffSettings, until_quota_reset};
pub use client::{Client, ClientConfig, CreateOutcome};
pub use job::{JobState, JobStatus};
pub use paths::RowsFile;
pub use refusal::Refusal;
pub use upload::{Upload, frame_len};
pub use verdict::Verdict;
