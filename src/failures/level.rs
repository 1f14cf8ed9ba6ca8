//! How sure it is that a failure belongs to the row it is pinned to.

use serde::{Deserialize, Serialize};

/// How sure the attribution of a failure to its source row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// The same field values as the row that was sent, character for character.
    Exact,
    /// Equal but for what Marketo is seen to change: quoting, surrounding
    /// blanks, empty columns dropped, line ends.
    Normalized,
    /// Only the lookup or dedupe columns agree, and one row has them.
    Key,
    /// Some of several identical rows failed; which of them is not known.
    Ambiguous,
    /// No source row was found.
    Unmatched,
}

impl Match {
    /// The word in the report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Normalized => "normalized",
            Self::Key => "key",
            Self::Ambiguous => "ambiguous",
            Self::Unmatched => "unmatched",
        }
    }
}
