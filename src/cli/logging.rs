//! Logs on stderr, off unless asked for.

use tracing_subscriber::EnvFilter;

use super::{LogFormat, Talk};

/// Begins logging as the flags and `MKTOLOAD_LOG` say.
pub(super) fn begin(talk: &Talk) {
    let level = match (talk.quiet, talk.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "warn,mktoload=info",
        (false, _) => "info,mktoload=debug",
    };
    let filter = EnvFilter::try_from_env("MKTOLOAD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A log that nobody reads any more is no reason to break off.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    // A second call in one process (tests) keeps the first subscriber.
    let _ = match talk.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
