//! What goes to stdout. `println!` panics where nobody reads any more.

use std::error::Error as StdError;
use std::io::{self, Write as _};

use crate::error::{Error, ErrorKind, Result};

/// Writes `text`. A reader that has gone (`| head`) has seen enough: that is no
/// error.
///
/// # Errors
/// [`ErrorKind::Internal`] when it cannot be written, to a full disk for
/// example.
pub(super) fn write(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Internal, "stdout cannot be written").because(error))
        }
        _ => Ok(()),
    }
}

/// Whether `error` says that nobody reads any more.
pub(super) fn is_closed(error: &Error) -> bool {
    let mut error: Option<&dyn StdError> = Some(error);
    while let Some(cause) = error {
        let io = cause.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        error = cause.source();
    }
    false
}
