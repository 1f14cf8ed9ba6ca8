//! Where runs keep their files.

use std::path::{Path, PathBuf};

use crate::config::Instance;
use crate::error::{Error, ErrorKind, Result};
use crate::units::RunId;

/// The state folder: as given, else `$XDG_STATE_HOME/mktoload`, else
/// `~/.local/state/mktoload`.
///
/// # Errors
/// [`ErrorKind::Usage`] when the environment names no home either.
pub fn folder(
    given: Option<&Path>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    // The specification: a relative path there is invalid and ignored.
    let xdg = environment("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || {
        environment("HOME")
            .filter(|home| !home.is_empty())
            .map(|home| Path::new(&home).join(".local/state"))
    };
    xdg.or_else(home)
        .map(|base| base.join("mktoload"))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Usage,
                "there is no home folder to keep the run's files in",
            )
            .hint("name a folder with --state-dir or MKTOLOAD_STATE_DIR")
        })
}

/// The folder in which the runs' folders are.
#[must_use]
pub fn runs_folder(state: &Path) -> PathBuf {
    state.join("runs")
}

/// Makes the folder of a run, readable by its owner only: it holds personal
/// data.
///
/// # Errors
/// [`ErrorKind::Usage`] when it cannot be made.
pub fn run_folder(state: &Path, run: &RunId) -> Result<PathBuf> {
    let folder = runs_folder(state).join(run.as_str());
    private_folder(&folder).map_err(|error| {
        Error::new(
            ErrorKind::Usage,
            format!("the run's folder `{}` cannot be made", folder.display()),
        )
        .because(error)
        .hint("name another folder with --state-dir or MKTOLOAD_STATE_DIR")
    })?;
    Ok(folder)
}

/// The folder in which the processes that import into `instance` share their
/// slots.
#[must_use]
pub fn gate_folder(state: &Path, instance: &Instance) -> PathBuf {
    state.join("gates").join(instance.folder_name())
}

/// Makes `folder` and those above it that are missing, for their owner only.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_goes_before_xdg_and_xdg_before_home() {
        let environment = |name: &str| match name {
            "XDG_STATE_HOME" => Some("/xdg".to_owned()),
            "HOME" => Some("/home/me".to_owned()),
            _ => None,
        };
        assert_eq!(
            folder(Some(Path::new("here")), environment).unwrap(),
            Path::new("here")
        );
        assert_eq!(
            folder(None, environment).unwrap(),
            Path::new("/xdg/mktoload")
        );
        let home_only = |name: &str| environment(name).filter(|_| name == "HOME");
        assert_eq!(
            folder(None, home_only).unwrap(),
            Path::new("/home/me/.local/state/mktoload")
        );
        assert_eq!(folder(None, |_| None).unwrap_err().kind(), ErrorKind::Usage);
    }

    #[cfg(unix)]
    #[test]
    fn a_run_folder_is_the_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let state = tempfile::tempdir().unwrap();
        let run = run_folder(
            &state.path().join("a/b"),
            &RunId::generate(jiff::Timestamp::UNIX_EPOCH),
        )
        .unwrap();
        assert_eq!(run.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}
