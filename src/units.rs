//! Numbers that mean something, so that a row is never taken for a line.
//!
//! No bare integer crosses a module: each of these names its unit and where it
//! counts from. They are plain wrappers; [`get`](RowNumber::get) takes the
//! number out again where it is printed or stored.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Wraps a number that is known to be in this unit.
            #[must_use]
            pub const fn new(number: $inner) -> Self {
                Self(number)
            }

            /// The number itself.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The number `by` places on.
            #[must_use]
            pub const fn plus(self, by: $inner) -> Self {
                Self(self.0 + by)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A data row in its source, counted from 1; the header is not counted and
    /// an empty line is no row.
    RowNumber(u64)
}
number! {
    /// A physical line of a source, counted from 1, the header's being 1.
    /// LF, CRLF and CR each end one line, inside quotes too.
    LineNumber(u64)
}
number! {
    /// A chunk of a run, counted from 1 in source order, but for the halves of
    /// a chunk that was too large: they get the next numbers at that time.
    ChunkNumber(u32)
}
number! {
    /// Marketo's number of an import job (`batchId`, int32 in its description;
    /// wider here, so that a longer one is carried and not cut).
    BatchId(i64)
}
number! {
    /// A source of the run, counted from 0 in the order given.
    SourceIndex(u32)
}

/// The name of a run: its UTC start time and four random letters
/// (`20261124T203300Z-k3fa`), so that names sort by time. The default names no
/// run: it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new name for a run that starts at `now`.
    #[must_use]
    pub fn generate(now: jiff::Timestamp) -> Self {
        let letters: String = (0..4)
            .map(|_| fastrand::alphanumeric().to_ascii_lowercase())
            .collect();
        Self(format!("{}-{letters}", now.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// The name of a run that was written down before.
    #[must_use]
    pub fn known(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When the run began, as its name has it; none for a text that was never
    /// [generated](Self::generate).
    #[must_use]
    pub fn began(&self) -> Option<jiff::Timestamp> {
        let (time, letters) = self.0.split_once('-')?;
        let ours = letters.len() == 4 && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
        let time = jiff::tz::Offset::UTC.to_timestamp(time).ok()?;
        ours.then_some(time)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_run_says_when_it_began() {
        let now: jiff::Timestamp = "2026-11-24T20:33:00Z".parse().unwrap();
        assert_eq!(RunId::generate(now).began(), Some(now));
        for other in [
            "",
            "lost+found",
            "20261124T203300Z",
            "20261124T203300Z-abc/d",
        ] {
            assert_eq!(RunId::known(other).began(), None, "{other}");
        }
    }
}
