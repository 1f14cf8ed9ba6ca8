//! The summary as `--json` prints it: one document on one line of stdout.

use std::time::Duration;

use super::stdout;
use crate::error::{Error, ErrorKind, Result};
use crate::report::Summary;
use crate::units::RunId;

/// Prints it.
///
/// # Errors
/// [`ErrorKind::Internal`] when it has no form as JSON, and as
/// [`stdout::write`].
pub(super) fn print(summary: &Summary) -> Result<()> {
    let text = serde_json::to_string(summary).map_err(|error| {
        Error::new(ErrorKind::Internal, "the summary cannot be written as JSON").because(error)
    })?;
    stdout::write(&format!("{text}\n"))
}

/// Hands on the error that kept a run from its beginning; before that, it
/// prints the summary of that run, if it is asked for.
pub(super) fn before(error: Error, json: bool, run: RunId, elapsed: Duration) -> Error {
    if !json {
        return error;
    }
    match print(&Summary::of_no_run(run, error.kind(), elapsed)) {
        Ok(()) => error,
        Err(worse) => worse,
    }
}
