//! The wire: Marketo's REST API as a client sees it.
//!
//! [`Client`] makes the calls: with a token ([`token`]), within the call budget
//! ([`pace`]), and again where the [`verdict`] on an answer says so. Facts come
//! from Adobe's documentation and OpenAPI description, and from what others
//! observed on live instances; each place says which.

mod answer;
mod backoff;
mod client;
mod download;
mod fault;
mod pace;
mod paths;
mod refusal;
mod token;
mod upload;
pub mod verdict;
mod wire;

pub use answer::{Created, JobState, JobStatus};
pub use backoff::BackoffSettings;
pub use client::{Client, ClientConfig, CreateOutcome};
pub use paths::RowsFile;
pub use upload::{Upload, frame_len};
pub use verdict::Verdict;
