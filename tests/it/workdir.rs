//! A folder of its own for one test, and the real binary run in it. What fails
//! shows the folder, the command and what it said.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The secret of all tests: it must turn up nowhere.
pub(crate) const SECRET: &str = "s3cr3t-hunter2-never-shown";

/// A folder that is removed with the test.
pub(crate) struct Workdir(TempDir);

impl Workdir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// The binary in this folder, with nothing of the developer's environment
    /// but what a process needs.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mktoload"));
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("MKTOLOAD_STATE_DIR", self.path("state"))
            .stdin(Stdio::null());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Runs the binary with `args`.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let mut command = self.command();
        command.args(args);
        Run::of(self.0.path(), &mut command, b"")
    }

    /// Runs the binary with `args` and `input` on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &[u8]) -> Run {
        let mut command = self.command();
        command.args(args).stdin(Stdio::piped());
        Run::of(self.0.path(), &mut command, input)
    }

    /// Imports people into the embedded sandbox, with a JSON summary; `args`
    /// are sources and options.
    pub(crate) fn import_leads(&self, args: &[&str]) -> Run {
        self.run(&[&LEADS_INTO_SANDBOX, args].concat())
    }
}

/// The arguments of an import of people into the embedded sandbox.
pub(crate) const LEADS_INTO_SANDBOX: [&str; 9] = [
    "import",
    "leads",
    "--endpoint",
    "sandbox",
    "--poll-interval",
    "10ms",
    "--rate-limit",
    "10000/1s",
    "--json",
];

/// A command that ended.
pub(crate) struct Run {
    folder: PathBuf,
    command: String,
    output: Output,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            folder,
            command,
            output,
        } = self;
        let (stdout, stderr) = (self.stdout(), self.stderr());
        writeln!(
            f,
            "\n== {command}\n== in {}: {}",
            folder.display(),
            output.status
        )?;
        write!(f, "== stdout\n{stdout}\n== stderr\n{stderr}\n==")
    }
}

impl Run {
    /// Runs `command` to its end.
    pub(crate) fn of(folder: &Path, command: &mut Command, input: &[u8]) -> Self {
        let text = format!("{command:?}");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            // A command that refuses its arguments reads nothing.
            let _ = stdin.write_all(input);
        }
        Self::ended(folder, text, child)
    }

    /// Waits for `child`.
    pub(crate) fn ended(folder: &Path, command: String, child: std::process::Child) -> Self {
        Self {
            folder: folder.to_owned(),
            command,
            output: child.wait_with_output().unwrap(),
        }
    }

    /// The same, if its exit code is `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(code), "{self}");
        self
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        serde_json::from_slice(&self.output.stdout)
            .unwrap_or_else(|error| panic!("stdout is no summary: {error}{self}"))
    }

    /// The report as records by column name.
    #[track_caller]
    pub(crate) fn report(&self) -> Vec<Line> {
        let path = self.summary()["report"].as_str().unwrap().to_owned();
        read_report(&self.folder.join(path))
    }

    /// The rejects file.
    #[track_caller]
    pub(crate) fn rejects(&self) -> Vec<u8> {
        let path = self.summary()["rejects"].as_str().unwrap().to_owned();
        std::fs::read(self.folder.join(path)).unwrap()
    }

    /// The error on stderr, from `error:` to its last indented line, without
    /// this test's folder.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let stderr = self.stderr();
        let mut lines = stderr
            .lines()
            .skip_while(|line| !line.starts_with("error:"));
        let first = lines.next().unwrap_or_else(|| panic!("no error{self}"));
        let rest = lines.take_while(|line| line.starts_with("  ") && line.contains(": "));
        let text: Vec<&str> = std::iter::once(first).chain(rest).collect();
        let folder = self.folder.display().to_string();
        text.join("\n").replace(&folder, "DIR")
    }
}

/// One line of a report.
pub(crate) type Line = std::collections::BTreeMap<String, String>;

pub(crate) fn read_report(path: &Path) -> Vec<Line> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// The values of `column` of `lines`.
pub(crate) fn column<'l>(lines: &'l [Line], column: &str) -> Vec<&'l str> {
    lines.iter().map(|line| line[column].as_str()).collect()
}
