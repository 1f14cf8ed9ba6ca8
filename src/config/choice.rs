//! Words and values that the command line and pipeline files share.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize};

/// A time as people write it: `5s`, `250ms`, `24h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map(Self).map_err(|error| {
            format!("`{text}` is not a time: {error}; write for example 5s, 250ms or 24h")
        })
    }
}

/// How many rows may fail or be rejected before a run stops.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum MaxErrors {
    /// So many rows.
    Rows(u64),
    /// So many of a hundred rows whose fate is known.
    Percent(f64),
}

impl MaxErrors {
    /// Whether `errors` of `known` rows are too many.
    #[must_use]
    pub fn exceeded(self, errors: u64, known: u64) -> bool {
        match self {
            Self::Rows(most) => errors > most,
            Self::Percent(most) => errors as f64 * 100.0 > most * known as f64,
        }
    }
}

impl FromStr for MaxErrors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no = || format!("`{text}` is neither a number of rows nor a share from 0% to 100%");
        match text.strip_suffix('%') {
            Some(share) => {
                let share: f64 = share.trim().parse().map_err(|_| no())?;
                if (0.0..=100.0).contains(&share) {
                    Ok(Self::Percent(share))
                } else {
                    Err(no())
                }
            }
            None => text.parse().map(Self::Rows).map_err(|_| no()),
        }
    }
}

/// What happens to a row that is not as it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRow {
    /// Leave it out and list it in the report
    #[default]
    Reject,
    /// Stop before it
    Stop,
    /// Send rows of another width as they are. What is not UTF-8 or does not
    /// fit is rejected all the same: Marketo could not take it
    Send,
}

/// What happens to a chunk whose POST got no answer: it may or may not have
/// become a job, and Marketo has no call that tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Send it again: imports are insert-or-update, so a second import of the
    /// same rows converges
    #[default]
    Resend,
    /// Leave it, and report its rows as unknown
    Hold,
}

/// How much of a row the report shows. Marketo's `reason` is shown in any
/// case, and may quote a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportColumns {
    /// All columns, and the text as received
    #[default]
    All,
    /// The key columns; `raw` stays empty, as it would show the others
    Key,
    /// No column of the source; `raw` stays empty
    None,
}

/// Reads a value by its `FromStr`, so that pipeline files take what flags take.
/// Numbers are taken as if they were written as text.
pub(super) fn from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(i64),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    };
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_errors_are_tolerated_and_one_more_is_not() {
        let rows: MaxErrors = "10".parse().unwrap();
        assert!(!rows.exceeded(10, 10) && rows.exceeded(11, 1_000_000));
        let share: MaxErrors = "2.5%".parse().unwrap();
        assert!(!share.exceeded(25, 1000) && share.exceeded(26, 1000));
        let none: MaxErrors = "0".parse().unwrap();
        assert!(!none.exceeded(0, 100) && none.exceeded(1, 100));
        for wrong in ["-1", "x", "101%", "%", ""] {
            assert!(wrong.parse::<MaxErrors>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_that_is_none_is_said() {
        insta::assert_snapshot!("5 parsecs".parse::<Time>().unwrap_err(), @r#"`5 parsecs` is not a time: unknown time unit "parsecs", supported units: ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few variations); write for example 5s, 250ms or 24h"#);
    }
}
