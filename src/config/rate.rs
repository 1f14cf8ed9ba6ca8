//! The call budget as written: so many calls in a window of time.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::limits;
use crate::error::{Error, ErrorKind, Result};

/// At most so many calls in any window of this length, written `50/20s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRate {
    calls: NonZeroU32,
    window: Duration,
}

impl CallRate {
    /// So many calls in any `window`. Errors (kind `Usage`) when either is
    /// zero.
    pub fn new(calls: u32, window: Duration) -> Result<Self> {
        match NonZeroU32::new(calls) {
            Some(calls) if !window.is_zero() => Ok(Self { calls, window }),
            _ => Err(malformed(&format!(
                "{calls}/{}",
                humantime::format_duration(window)
            ))),
        }
    }

    /// The calls of one window.
    #[must_use]
    pub fn calls(self) -> NonZeroU32 {
        self.calls
    }

    /// The window.
    #[must_use]
    pub fn window(self) -> Duration {
        self.window
    }
}

impl Default for CallRate {
    /// Adobe's advice: half of what an instance has.
    fn default() -> Self {
        Self {
            calls: NonZeroU32::new(limits::RATE_CALLS).unwrap_or(NonZeroU32::MIN),
            window: limits::RATE_WINDOW,
        }
    }
}

impl FromStr for CallRate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (calls, window) = text.trim().split_once('/').ok_or_else(|| malformed(text))?;
        let calls = calls.trim().parse().map_err(|_| malformed(text))?;
        let window = humantime::parse_duration(window.trim()).map_err(|_| malformed(text))?;
        Self::new(calls, window)
    }
}

impl fmt::Display for CallRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}",
            self.calls,
            humantime::format_duration(self.window)
        )
    }
}

fn malformed(text: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("`{text}` is no call rate"))
        .hint("write calls and window, both above zero, such as `50/20s` (Marketo allows 100/20s, shared with all other integrations)")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rate_reads_as_it_is_written(calls in 1u32.., seconds in 1u64..100_000) {
            let rate = CallRate::new(calls, Duration::from_secs(seconds)).unwrap();
            prop_assert_eq!(rate.to_string().replace(' ', "").parse::<CallRate>().unwrap(), rate);
        }
    }

    #[test]
    fn a_malformed_rate_is_refused() {
        for text in ["", "50", "0/20s", "50/0s", "-1/20s", "50/20", "a/b"] {
            assert_eq!(
                text.parse::<CallRate>().unwrap_err().kind(),
                ErrorKind::Usage,
                "{text}"
            );
        }
        assert_eq!("50/20s".parse::<CallRate>().unwrap(), CallRate::default());
    }
}
