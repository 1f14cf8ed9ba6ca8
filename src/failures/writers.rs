//! The ways in which Marketo may have written a row into a failure file.
//!
//! Seen by others (`marketo/api.md` §2): values come back with or without the
//! quotes that they need, with or without surrounding blanks, and with other
//! line ends. A writer is one choice of each; one file is taken to have one
//! writer, unless its text shows otherwise.

use std::borrow::Cow;

/// What a writer cuts from both ends of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blanks {
    /// Nothing.
    Kept,
    /// Spaces and tabs.
    SpaceAndTab,
    /// Every byte up to the space, as Java's `trim` does.
    Control,
    /// Unicode's white space too, as Java's `strip` does.
    Unicode,
}

/// How a writer ends the lines within a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// As they were sent.
    Kept,
    /// All as LF.
    Lf,
    /// All as CRLF.
    CrLf,
}

impl Blanks {
    pub(super) const ALL: [Self; 4] = [Self::Kept, Self::SpaceAndTab, Self::Control, Self::Unicode];

    /// What is left of `value`.
    pub(super) fn cut(self, value: &[u8]) -> &[u8] {
        match self {
            Self::Kept => value,
            Self::SpaceAndTab => cut_where(value, |byte| byte == b' ' || byte == b'\t'),
            Self::Control => cut_where(value, |byte| byte <= b' '),
            Self::Unicode => match std::str::from_utf8(value) {
                Ok(text) => text
                    .trim_matches(|char: char| char <= ' ' || char.is_whitespace())
                    .as_bytes(),
                Err(_) => Self::Control.cut(value),
            },
        }
    }

    /// Whether any writer would cut something from `value`.
    pub(super) fn matter(value: &[u8]) -> bool {
        let edge = |byte: Option<&u8>| byte.is_some_and(|byte| !byte.is_ascii_graphic());
        (edge(value.first()) || edge(value.last()))
            && Self::ALL
                .iter()
                .any(|blanks| blanks.cut(value).len() < value.len())
    }
}

fn cut_where(value: &[u8], blank: impl Fn(u8) -> bool) -> &[u8] {
    let Some(first) = value.iter().position(|&byte| !blank(byte)) else {
        return b"";
    };
    let last = value
        .iter()
        .rposition(|&byte| !blank(byte))
        .unwrap_or(first);
    &value[first..=last]
}

impl LineEnds {
    pub(super) const ALL: [Self; 3] = [Self::Kept, Self::Lf, Self::CrLf];

    fn rewrite(self, value: &[u8]) -> Cow<'_, [u8]> {
        let end: &[u8] = match self {
            Self::Kept => return Cow::Borrowed(value),
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        };
        if !Self::matter(value) {
            return Cow::Borrowed(value);
        }
        let mut text = Vec::with_capacity(value.len() + 8);
        let mut bytes = value.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\r' => {
                    bytes.next_if_eq(&b'\n');
                    text.extend_from_slice(end);
                }
                b'\n' => text.extend_from_slice(end),
                _ => text.push(byte),
            }
        }
        Cow::Owned(text)
    }

    /// Whether `value` holds a line end.
    pub(super) fn matter(value: &[u8]) -> bool {
        memchr::memchr2(b'\n', b'\r', value).is_some()
    }
}

/// A value's characters as a writer of these habits writes them, before any
/// quoting.
pub(super) fn write(value: &[u8], blanks: Blanks, ends: LineEnds) -> Cow<'_, [u8]> {
    ends.rewrite(blanks.cut(value))
}

/// A set of writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writers(u32);

impl Writers {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self((1 << 24) - 1);
    /// Those that quote as RFC 4180 says.
    pub(super) const QUOTING: Self = Self((1 << 12) - 1);
    /// Those that never quote.
    pub(super) const PLAIN: Self = Self(Self::ALL.0 ^ Self::QUOTING.0);
    /// The one that returns every value as it was sent, and readable.
    pub(super) const FAITHFUL: Self = Self(1);

    /// Each writer by itself.
    pub(super) fn each() -> impl Iterator<Item = Self> {
        (0..24).map(|writer| Self(1 << writer))
    }

    /// Both writers, quoting and plain, of these habits.
    pub(super) fn with_habits(blanks: Blanks, ends: LineEnds) -> Self {
        let bit = 1 << (blanks as u32 * 3 + ends as u32);
        Self(bit | bit << 12)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
