//! Every limit of Marketo's, once, each with its source.
//!
//! Sources: "D" is Adobe's documentation, "O" was observed by others against a
//! live instance, "I" is inferred.

use std::time::Duration;

/// Bytes of one create request, file part and multipart frame together.
///
/// "Bulk API calls support a maximum body size of 10 MB" (D); Adobe never says
/// whether a megabyte is 10^6 or 2^20 bytes, so the smaller one is taken.
pub const REQUEST_BODY_BYTES: u64 = 10_000_000;

/// Import jobs that Marketo processes at once, over all object types (D).
pub const RUNNING_JOBS: usize = 2;

/// Import jobs in the queue, the running ones included; one more is answered
/// with 1016 (D).
pub const QUEUED_JOBS: usize = 10;

/// Calls of any kind at once; Adobe allows 10 and advises at most 5, because
/// the instance's other integrations share them (D).
pub const CALLS_AT_ONCE: usize = 5;

/// Calls in [`RATE_WINDOW`]; Adobe allows 100 and advises at most 50 (D).
pub const RATE_CALLS: u32 = 50;

/// The window of [`RATE_CALLS`] (D).
pub const RATE_WINDOW: Duration = Duration::from_secs(20);

/// Time between two looks at a job: Adobe advises 5 to 30 seconds (D).
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// A token with less life than this is renewed before it is used (O: the
/// Python client does so at 60 seconds; a token lives 3600).
pub const TOKEN_MARGIN: Duration = Duration::from_secs(60);

/// Time after which Marketo itself gives a call up with 604 (D: 30 seconds);
/// ours is longer, so that its answer is heard.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a job may take before it is called lost. Marketo promises nothing;
/// queues shared with other integrations hold a job for hours (I).
pub const JOB_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
