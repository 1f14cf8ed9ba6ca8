//! Files that are whole or not there.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, ErrorKind, Result};

/// A file being written. A plain file comes to its name only when it is
/// finished, so that half a report is never taken for a whole one; a device or
/// a FIFO is written straight.
pub(crate) struct Output {
    path: PathBuf,
    to: BufWriter<Target>,
}

enum Target {
    Renamed(NamedTempFile),
    Straight(File),
    Stream(Box<dyn Write + Send>),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Renamed(file) => file.write(bytes),
            Self::Straight(file) => file.write(bytes),
            Self::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Renamed(file) => file.flush(),
            Self::Straight(file) => file.flush(),
            Self::Stream(stream) => stream.flush(),
        }
    }
}

impl Output {
    /// Begins a file with the mode 0600.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let wrong = |cause| cannot_write(path, ErrorKind::Internal).because(cause);
        let (path, target) = if is_straight(path) {
            // Appending keeps what the shell's redirection wrote before.
            let file = OpenOptions::new().append(true).open(path).map_err(wrong)?;
            (path.to_owned(), Target::Straight(file))
        } else {
            // The file behind a symbolic link is replaced, not the link.
            let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let file = NamedTempFile::new_in(folder_of(&path)).map_err(wrong)?;
            (path, Target::Renamed(file))
        };
        Ok(Self {
            path,
            to: BufWriter::with_capacity(1 << 16, target),
        })
    }

    /// Goes on with a stream that is open.
    pub(crate) fn over(stream: Box<dyn Write + Send>) -> Self {
        Self {
            path: PathBuf::from("the stream"),
            to: BufWriter::with_capacity(1 << 16, Target::Stream(stream)),
        }
    }

    /// Puts the whole file on disk and gives it its name.
    pub(crate) fn finish(self) -> Result<()> {
        let path = self.path;
        let wrong = |cause| cannot_write(&path, ErrorKind::Internal).because(cause);
        let target = self
            .to
            .into_inner()
            .map_err(|cause| wrong(cause.into_error()))?;
        match target {
            Target::Renamed(file) => {
                file.as_file().sync_data().map_err(wrong)?;
                file.persist(&path).map_err(|cause| wrong(cause.error))?;
            }
            Target::Straight(_) => {}
            Target::Stream(mut stream) => stream.flush().map_err(wrong)?,
        }
        Ok(())
    }

    /// The error of a write to this file.
    pub(crate) fn fault(&self, cause: std::io::Error) -> Error {
        cannot_write(&self.path, ErrorKind::Internal).because(cause)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

fn cannot_write(path: &Path, kind: ErrorKind) -> Error {
    Error::new(kind, format!("cannot write `{}`", path.display()))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Devices, FIFOs and open files by number have no neighbour to be renamed
/// from. `/dev/stdout` counts even where the shell sends it to a plain file;
/// `/dev/shm` holds plain files and does not.
fn is_straight(path: &Path) -> bool {
    ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"]
        .iter()
        .any(|open| path.starts_with(open))
        || path
            .metadata()
            .is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Says whether a report or rejects file can be written to `path`, before
/// anything is sent. Leaves nothing behind.
///
/// # Errors
/// [`ErrorKind::Usage`] if the folder is missing, the path is a folder, or
/// the user may not write there.
pub fn check_writable(path: &Path) -> Result<()> {
    let no = |why: &str, hint: &str| {
        cannot_write(path, ErrorKind::Usage)
            .because(why.to_owned())
            .hint(hint)
    };
    if path.is_dir() {
        return Err(no(
            "it is a folder",
            "give the path of a file in that folder",
        ));
    }
    if is_straight(path) {
        return if path.exists() {
            Ok(())
        } else {
            Err(no("there is no such device", "give another path"))
        };
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = folder_of(&path);
    if !folder.is_dir() {
        return Err(no(
            &format!("there is no folder `{}`", folder.display()),
            "create the folder, or give another path",
        ));
    }
    NamedTempFile::new_in(folder).map(|_| ()).map_err(|cause| {
        cannot_write(&path, ErrorKind::Usage)
            .because(cause)
            .hint("give a path in a folder that you may write to")
    })
}
