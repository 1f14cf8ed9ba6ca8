//! One process for a run.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::units::RunId;

/// Who looks whether a run is taken holds its lock for a moment; that must not
/// pass for work on the run.
const LOOK: Duration = Duration::from_millis(10);

/// How often that is waited for.
const LOOKS: usize = 5;

/// The right to work on a run. The kernel takes it back when the process dies.
#[derive(Debug)]
pub(super) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the run whose folder is `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::TryLater`] while another process has it.
    pub(super) fn take(folder: &Path, run: &RunId) -> Result<Self> {
        let path = folder.join("lock");
        let wrong = |error| {
            Error::new(
                ErrorKind::Internal,
                format!("`{}` cannot be locked", path.display()),
            )
            .because(error)
            .hint("--state-dir names another place")
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(wrong)?;
        let mut locked = file.try_lock();
        for _ in 0..LOOKS {
            if matches!(locked, Err(TryLockError::WouldBlock)) {
                std::thread::sleep(LOOK);
                locked = file.try_lock();
            }
        }
        match locked {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::TryLater,
                format!("another process is working on run {run}"),
            )
            .hint(format!("`mktoload status {run}` shows how far it is"))),
            Err(TryLockError::Error(error)) => Err(wrong(error)),
        }
    }

    /// Whether a process is working on the run whose folder is `folder`.
    pub(super) fn is_taken(folder: &Path) -> bool {
        File::open(folder.join("lock"))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}
