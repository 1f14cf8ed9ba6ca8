//! What the user names as SOURCE, and opening it.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Place, Result};
use crate::source::block::{Blocks, read_blocks};

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Standard input, named `-`.
    Stdin,
    /// A file on this machine.
    File(PathBuf),
}

/// Sources as the user named them, in order: a path, a glob, or `-`.
///
/// # Errors
/// [`ErrorKind::Input`] for a glob that matches nothing, [`ErrorKind::Usage`]
/// for a kind of source that is not read here, or `-` named twice.
pub fn expand(names: &[String]) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for name in names {
        expand_one(name, &mut sources)?;
    }
    if sources
        .iter()
        .filter(|source| **source == Source::Stdin)
        .count()
        > 1
    {
        return Err(Error::new(
            ErrorKind::Usage,
            "standard input (`-`) is named more than once",
        ));
    }
    Ok(sources)
}

fn expand_one(name: &str, sources: &mut Vec<Source>) -> Result<()> {
    if name == "-" {
        sources.push(Source::Stdin);
        return Ok(());
    }
    if let Some((scheme, _)) = name.split_once("://") {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("a `{scheme}://` source is not read by this version"),
        )
        .hint("pipe it in: `COMMAND | mktoload … -` reads standard input"));
    }
    // A file of that very name goes before a pattern: brackets are legal in
    // file names.
    if Path::new(name).exists() || !name.contains(['*', '?', '[']) {
        sources.push(Source::File(PathBuf::from(name)));
        return Ok(());
    }
    let paths = glob::glob(name).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("`{name}` is not a valid pattern")).because(error)
    })?;
    let mut matched: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(|error| {
        Error::new(ErrorKind::Input, format!("`{name}` cannot be listed")).because(error)
    })?;
    matched.retain(|path| path.is_file());
    if matched.is_empty() {
        return Err(Error::new(
            ErrorKind::Input,
            format!("no file matches `{name}`"),
        ));
    }
    matched.sort();
    sources.extend(matched.into_iter().map(Source::File));
    Ok(())
}

impl Source {
    /// The source as reports and messages name it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The file extension that names the format: the one before a
    /// compression's (`leads.tsv.gz` is `tsv`).
    #[must_use]
    pub fn extension(&self) -> Option<String> {
        let Self::File(path) = self else { return None };
        let mut name = PathBuf::from(path.file_name()?);
        let compressed = |name: &Path| {
            name.extension().is_some_and(|ext| {
                ["gz", "zst", "bz2", "xz"]
                    .iter()
                    .any(|known| ext.eq_ignore_ascii_case(known))
            })
        };
        while compressed(&name) {
            name.set_extension("");
        }
        Some(name.extension()?.to_str()?.to_ascii_lowercase())
    }

    /// Its size in bytes, where that can be known before reading.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Stdin => None,
            Self::File(path) => path
                .metadata()
                .ok()
                .filter(std::fs::Metadata::is_file)
                .map(|meta| meta.len()),
        }
    }

    /// The path of a file that can be read again at any place: no pipe, no
    /// device.
    #[must_use]
    pub fn plain_file(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::File(path) => path.is_file().then_some(path),
        }
    }

    /// Opens it and begins to read ahead, from the byte at `offset` on.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when a file is missing, is a folder or cannot be
    /// read; or when `offset` is not 0 and there is no going to it.
    pub fn open(&self, offset: u64) -> Result<Blocks> {
        match self {
            Self::Stdin if offset > 0 => Err(Error::new(
                ErrorKind::Input,
                "standard input can only be read from its beginning",
            )),
            Self::Stdin => Ok(read_blocks(io::stdin())),
            Self::File(path) => {
                let unreadable = |what: &str| {
                    Error::new(ErrorKind::Input, what).at(Place {
                        source: Some(self.name()),
                        ..Place::default()
                    })
                };
                let mut file = File::open(path).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => unreadable("no such file"),
                    _ => unreadable("the file cannot be opened").because(error),
                })?;
                if path.is_dir() {
                    return Err(unreadable("this is a folder, not a file").hint(format!(
                        "name its files: `{}`",
                        path.join("*.csv").display()
                    )));
                }
                if offset > 0 {
                    file.seek(io::SeekFrom::Start(offset)).map_err(|error| {
                        unreadable("the file cannot be read on from where it was left")
                            .because(error)
                    })?;
                }
                let meta = file.metadata();
                match meta.ok().filter(std::fs::Metadata::is_file) {
                    Some(meta) => {
                        let left = meta.len().saturating_sub(offset);
                        Ok(read_blocks(AsOpened { file, left }))
                    }
                    // A pipe or a device ends when it ends.
                    None => Ok(read_blocks(file)),
                }
            }
        }
    }
}

/// A file as it was when it was opened. What comes later may be half a row; and
/// a file that was cut off would end in one.
struct AsOpened {
    file: File,
    /// Bytes of it that are still to come.
    left: u64,
}

impl Read for AsOpened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.file.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "the file has become shorter: {} bytes are missing",
                    self.left
                ),
            ));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(names: &[&str]) -> Result<Vec<Source>> {
        expand(
            &names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_glob_is_sorted_and_a_file_of_that_name_goes_before_it() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "[x].csv", "x.csv"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let pattern = |name: &str| folder.path().join(name).display().to_string();
        let names: Vec<String> = expanded(&[&pattern("?.csv"), &pattern("[x].csv")])
            .unwrap()
            .iter()
            .map(Source::name)
            .collect();
        assert_eq!(names, ["a.csv", "b.csv", "x.csv", "[x].csv"].map(pattern));
    }

    #[test]
    fn what_cannot_be_a_source_is_said() {
        insta::assert_snapshot!(expanded(&["none-*.csv"]).unwrap_err().render(), @"error: no file matches `none-*.csv`");
        insta::assert_snapshot!(expanded(&["-", "-"]).unwrap_err().render(), @"error: standard input (`-`) is named more than once");
        insta::assert_snapshot!(expanded(&["s3://bucket/x.csv"]).unwrap_err().render(), @"
        error: a `s3://` source is not read by this version
          hint: pipe it in: `COMMAND | mktoload … -` reads standard input
        ");
        let missing = Source::File("gone.csv".into()).open(0).err().unwrap();
        insta::assert_snapshot!(missing.render(), @"
        error: no such file
          at: gone.csv
        ");
    }

    #[test]
    fn the_extension_before_the_compression_names_the_format() {
        let extension = |name: &str| Source::File(name.into()).extension();
        assert_eq!(extension("a/leads.TSV"), Some("tsv".to_owned()));
        assert_eq!(extension("leads.ssv.gz"), Some("ssv".to_owned()));
        assert_eq!(extension("leads"), None);
        assert_eq!(Source::Stdin.extension(), None);
    }
}
