//! What goes to stdout. `println!` panics where nobody reads any more.

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
