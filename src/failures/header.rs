//! Which columns of the upload a failure file has, and in which order.

use crate::failures::fields::{FieldReader, Fields};
use crate::failures::writers::Blanks;
use crate::failures::{FileKind, Sent};

/// U+FEFF as UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The columns of a failure file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// For each column but the reason its position in the upload, if known.
    columns: Vec<Option<usize>>,
    known: Option<Vec<usize>>,
    dropped: Vec<usize>,
    /// Positions in the upload of the columns that are known by nothing but their
    /// place. One alone is what the others leave.
    guessed: Vec<usize>,
    /// The header's text.
    text: Vec<u8>,
    /// Whether all names were recognised; else columns are taken by position.
    pub(super) by_name: bool,
    /// Whether the last column holds the reason.
    pub(super) has_reason: bool,
}

impl Layout {
    /// Reads the header at the start of `text`; the second value says where the
    /// records begin.
    pub(super) fn read(text: &[u8], sent: &Sent<'_>, kind: FileKind) -> (Self, usize) {
        let start = if text.starts_with(BOM) { BOM.len() } else { 0 };
        let (end, mut records) = line(text, start);
        let layout = Self::of(&text[start..end], sent, kind);
        while layout.is_at(text, records) {
            records = line(text, records).1;
        }
        (layout, records)
    }

    /// Whether the header stands at `start` of `text` once more. No row fails for
    /// the name of the last column, whatever its values are.
    pub(super) fn is_at(&self, text: &[u8], start: usize) -> bool {
        let header = &self.text[..];
        // No header at all stands everywhere, and would never be passed.
        !header.is_empty() && self.has_reason && text[start..].starts_with(header) && {
            matches!(text.get(start + header.len()), None | Some(b'\n' | b'\r'))
        }
    }

    fn of(header: &[u8], sent: &Sent<'_>, kind: FileKind) -> Self {
        let mut names = names(header, sent.format.separator());
        let has_reason = names.last().is_some_and(|last| {
            last.eq_ignore_ascii_case(kind.reason_column())
                || !sent.header.iter().any(|name| name.trim() == last)
        });
        if has_reason {
            names.pop();
        }
        let mut columns: Vec<Option<usize>> = (0..names.len())
            .map(|index| position(&names, index, sent.header))
            .collect();
        let by_name = columns.iter().all(Option::is_some);
        let mut guessed = Vec::new();
        if !by_name && columns.len() == sent.header.len() {
            let in_order = columns
                .iter()
                .enumerate()
                .all(|(index, column)| column.is_none_or(|column| column == index));
            if in_order {
                let places = (0..columns.len()).filter(|place| columns[*place].is_none());
                guessed = places.collect();
                if guessed.len() == 1 {
                    guessed.clear();
                }
                columns = (0..names.len()).map(Some).collect();
            }
        }
        let known: Option<Vec<usize>> = columns.iter().copied().collect();
        let dropped = (0..sent.header.len())
            .filter(|column| !columns.contains(&Some(*column)))
            .collect();
        Self {
            known: known.filter(|known| !known.is_empty()),
            columns,
            dropped,
            guessed,
            text: header.to_vec(),
            by_name,
            has_reason,
        }
    }

    /// The columns without the reason.
    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// For each column its position in the upload; None where one is not known
    /// or there is none.
    pub(super) fn known_columns(&self) -> Option<&[usize]> {
        self.known.as_deref()
    }

    /// Positions in the upload of the columns that the file has not.
    pub(super) fn dropped(&self) -> &[usize] {
        &self.dropped
    }

    /// Whether several columns are known by nothing but their place.
    pub(super) fn is_guessed(&self) -> bool {
        !self.guessed.is_empty()
    }

    /// Where the file has column `position` of the upload, if that is sure.
    pub(super) fn place_of(&self, position: usize) -> Option<usize> {
        let mut columns = self.columns.iter();
        let place = columns.position(|column| *column == Some(position));
        place.filter(|_| !self.guessed.contains(&position))
    }
}

/// The end of the line that starts at `start`, and the start of the next one.
/// LF, CRLF and CR each end a line.
pub(super) fn line(text: &[u8], start: usize) -> (usize, usize) {
    match memchr::memchr2(b'\n', b'\r', &text[start..]) {
        None => (text.len(), text.len()),
        Some(at) => {
            let end = start + at;
            let crlf = text[end..].starts_with(b"\r\n");
            (end, end + 1 + usize::from(crlf))
        }
    }
}

/// The line end at the end of `text`, empty where there is none.
pub(super) fn line_end(text: &[u8]) -> &'static [u8] {
    let ends: [&[u8]; 3] = [b"\r\n", b"\n", b"\r"];
    let mut ends = ends.into_iter();
    ends.find(|end| text.ends_with(end)).unwrap_or_default()
}

fn names(header: &[u8], separator: u8) -> Vec<String> {
    let mut fields = Fields::default();
    let clean = |name: &[u8]| String::from_utf8_lossy(Blanks::Unicode.cut(name)).into_owned();
    if FieldReader::new(separator).read(header, &mut fields) {
        fields.iter().map(clean).collect()
    } else {
        header.split(|&byte| byte == separator).map(clean).collect()
    }
}

/// The position in `upload` of the name at `index`: its own, or, of equal
/// names, the one that is as far along, if the file has as many of them.
fn position(names: &[String], index: usize, upload: &[String]) -> Option<usize> {
    let among = |same: &dyn Fn(&str) -> bool| {
        let places: Vec<usize> = (0..upload.len())
            .filter(|&at| same(upload[at].trim()))
            .collect();
        let count = names.iter().filter(|name| same(name)).count();
        let before = names[..index].iter().filter(|name| same(name)).count();
        (places.len() == count).then(|| places[before])
    };
    let name = &names[index];
    among(&|other| other == name).or_else(|| among(&|other| other.eq_ignore_ascii_case(name)))
}
