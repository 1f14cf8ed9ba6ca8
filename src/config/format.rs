//! The three dialects that Marketo takes.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A dialect of delimited text; they differ in the separator only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma.
    Csv,
    /// Semicolon.
    Ssv,
    /// Tab.
    Tsv,
}

impl Format {
    /// All of them, in the order in which a sniffed header prefers them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Tsv, Self::Ssv];

    /// The byte between two fields.
    #[must_use]
    pub const fn separator(self) -> u8 {
        match self {
            Self::Csv => b',',
            Self::Ssv => b';',
            Self::Tsv => b'\t',
        }
    }

    /// The word for `--format`, a file's extension and Marketo's `format`
    /// parameter alike.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ssv => "ssv",
            Self::Tsv => "tsv",
        }
    }

    /// The format of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
