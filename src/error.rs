//! What went wrong, where, and what the reader can do about it.
//!
//! An [`Error`] is opaque: its [`kind`](Error::kind) says what a caller can do,
//! its text is for people. One look everywhere: what happened, the
//! [`Place`] (source, line, row, column), the cause, and a hint.

use std::error::Error as StdError;
use std::fmt;

use crate::units::{LineNumber, RowNumber};

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about an error; each kind has one exit code in the
/// contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line or a pipeline file has to change. Exit code 2.
    Usage,
    /// The source or its header has to change. Exit code 5.
    Input,
    /// Credentials or permissions have to change. Exit code 6.
    Auth,
    /// Marketo refused the work for good. Exit code 8.
    Refused,
    /// The same command may succeed later. Exit code 75.
    TryLater,
    /// A bug or a fault of this machine. Exit code 1.
    Internal,
}

impl ErrorKind {
    /// The exit code of the contract.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Input => 5,
            Self::Auth => 6,
            Self::Refused => 8,
            Self::TryLater => 75,
        }
    }
}

/// Where in the input an error lies. Only what is known is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The source as the user named it, or a pipeline file.
    pub source: Option<String>,
    /// Physical line, 1-based.
    pub line: Option<LineNumber>,
    /// Data row, 1-based.
    pub row: Option<RowNumber>,
    /// The column's name, or the key in a pipeline file.
    pub column: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.source.iter().cloned().collect();
        parts.extend(self.line.map(|line| format!("line {line}")));
        parts.extend(self.row.map(|row| format!("row {row}")));
        parts.extend(
            self.column
                .as_ref()
                .map(|column| format!("column `{column}`")),
        );
        f.write_str(&parts.join(", "))
    }
}

/// An error with its kind, place, hint and cause.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    place: Option<Place>,
    hint: Option<String>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; `message` says what happened, without a final stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            place: None,
            hint: None,
            cause: None,
        }))
    }

    /// The same error at a place in the input.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place = Some(place);
        self
    }

    /// The same error with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The same error with the error that caused it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// What a caller can do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, without place, hint and cause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where, if it is known.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// What to do next, if there is something to say.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The whole text for a person, over several lines:
    ///
    /// ```text
    /// error: a quote opens here and never closes
    ///   at: leads.csv, line 7, row 6
    ///   why: …
    ///   hint: …
    /// ```
    #[must_use]
    pub fn render(&self) -> String {
        use fmt::Write as _;
        let mut text = format!("error: {}", self.0.message);
        if let Some(place) = &self.0.place {
            let _ = write!(text, "\n  at: {place}");
        }
        let mut cause = self.source();
        let mut said = self.0.message.clone();
        while let Some(error) = cause {
            let line = error.to_string();
            // Causes often repeat the text of what they caused.
            if !said.contains(&line) {
                let _ = write!(text, "\n  why: {line}");
            }
            said = line;
            cause = error.source();
        }
        if let Some(hint) = &self.0.hint {
            let _ = write!(text, "\n  hint: {hint}");
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(place) = &self.0.place {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}
