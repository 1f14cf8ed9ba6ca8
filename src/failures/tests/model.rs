//! A model of what Marketo does to rows on their way into a failure file, and
//! chunks to try it on. It shares no code with the search.

use bytes::Bytes;
use proptest::prelude::*;

use crate::chunk::{SentRow, SentRows};
use crate::config::Format;
use crate::failures::attribute::attribute_by;
use crate::failures::{FileKind, Finding, Found, Sent};
use crate::units::{LineNumber, RowNumber, SourceIndex};

/// Rows by value and the failures among them, in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) format: Format,
    pub(super) width: usize,
    pub(super) rows: Vec<Vec<String>>,
    pub(super) failed: Vec<(usize, String)>,
    pub(super) quote_all: bool,
    pub(super) mangling: Mangling,
}

#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // each is a habit of its own
pub(super) struct Mangling {
    pub(super) quoted: bool,
    pub(super) drop_empty: bool,
    /// The columns in the order of the file.
    pub(super) order: Vec<usize>,
    pub(super) trim: Trim,
    /// What line ends within values become.
    pub(super) ends: Option<&'static str>,
    pub(super) bom: bool,
    pub(super) record_end: &'static str,
    pub(super) last_end: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trim {
    Nothing,
    Blanks,
    Java,
    Unicode,
}

pub(super) fn header(width: usize) -> Vec<String> {
    (0..width).map(|column| format!("column{column}")).collect()
}

pub(super) fn chunk(rows: &[Vec<String>], format: Format, quote_all: bool) -> SentRows {
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let fields: Vec<String> = row
                .iter()
                .map(|value| quote(value, format, quote_all))
                .collect();
            let line = fields.join(sep(format));
            if line.is_empty() { "\"\"".into() } else { line }
        })
        .collect();
    sent_rows(&lines)
}

/// A chunk of these records.
pub(super) fn sent_rows<S: AsRef<str>>(lines: &[S]) -> SentRows {
    let mut text = Vec::new();
    let mut rows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let start = u32::try_from(text.len()).unwrap();
        text.extend_from_slice(line.as_ref().as_bytes());
        let end = u32::try_from(text.len()).unwrap();
        text.push(b'\n');
        let number = index as u64 + 1;
        rows.push(SentRow {
            source: SourceIndex::new(0),
            row: RowNumber::new(number),
            line: LineNumber::new(number + 1),
            span: start..end,
        });
    }
    let text = Bytes::from(text);
    SentRows { text, rows }
}

pub(super) fn sep(format: Format) -> &'static str {
    match format {
        Format::Csv => ",",
        Format::Ssv => ";",
        Format::Tsv => "\t",
    }
}

fn quote(value: &str, format: Format, always: bool) -> String {
    let special = |byte: char| sep(format).contains(byte) || "\"\r\n".contains(byte);
    if always || value.contains(special) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.into()
    }
}

impl Mangling {
    pub(super) fn write_value(&self, value: &str) -> String {
        let trimmed = match self.trim {
            Trim::Nothing => value,
            Trim::Blanks => value.trim_matches([' ', '\t']),
            Trim::Java => value.trim_matches(|c: char| c <= ' '),
            Trim::Unicode => value.trim(),
        };
        match self.ends {
            None => trimmed.into(),
            Some(end) => trimmed
                .replace("\r\n", "\n")
                .replace('\r', "\n")
                .replace('\n', end),
        }
    }
}

impl Case {
    /// The columns of the file, in its order.
    pub(super) fn columns(&self) -> Vec<usize> {
        let used = |column: &usize| {
            let mut failed = self.failed.iter().map(|(row, _)| &self.rows[*row][*column]);
            failed.any(|value| !self.mangling.write_value(value).is_empty())
        };
        let order = self.mangling.order.iter().copied();
        if self.mangling.drop_empty {
            let kept: Vec<usize> = order.clone().filter(used).collect();
            // A file without any column is met in the samples.
            if !kept.is_empty() {
                return kept;
            }
        }
        order.collect()
    }

    /// The text of one failed row, without the reason.
    pub(super) fn write_row(&self, row: usize) -> String {
        let fields: Vec<String> = self
            .columns()
            .iter()
            .map(|column| self.write_field(&self.mangling.write_value(&self.rows[row][*column])))
            .collect();
        fields.join(sep(self.format))
    }

    fn write_field(&self, value: &str) -> String {
        if self.mangling.quoted {
            quote(value, self.format, false)
        } else {
            value.into()
        }
    }

    pub(super) fn file(&self) -> String {
        let sep = sep(self.format);
        let mangling = &self.mangling;
        let mut text = String::new();
        if mangling.bom {
            text.push('\u{feff}');
        }
        for column in self.columns() {
            text += &header(self.width)[column];
            text += sep;
        }
        text += FileKind::Failures.reason_column();
        for (row, reason) in &self.failed {
            text += mangling.record_end;
            text += &self.write_row(*row);
            text += sep;
            text += &self.write_field(reason);
        }
        if mangling.last_end {
            text += mangling.record_end;
        }
        text
    }

    pub(super) fn attribute(&self) -> (Vec<Finding>, Found) {
        let rows = chunk(&self.rows, self.format, self.quote_all);
        let header = header(self.width);
        let sent = Sent {
            rows: &rows,
            header: &header,
            format: self.format,
            key_columns: &[0],
        };
        findings(
            &sent,
            self.file().as_bytes(),
            self.failed.len() as u64,
            1 << 20,
        )
    }
}

pub(super) fn findings(
    sent: &Sent<'_>,
    file: &[u8],
    expected: u64,
    piece: usize,
) -> (Vec<Finding>, Found) {
    let mut list = Vec::new();
    let found = attribute_by(
        piece,
        sent,
        file,
        FileKind::Failures,
        expected,
        &mut |finding| {
            list.push(finding);
            Ok(())
        },
    );
    (list, found.unwrap())
}

const REASONS: &[&str] = &[
    "missing.dedupe.fields",
    "Invalid data type in field Lead Score",
    "Value for lookup field 'email' not found",
    "bad value, or bad type; really",
    "said \"no\"",
    "\"quoted\" at first",
    "\"all of it\"",
    "it goes on\non a second line",
    "it goes on\nwith a, b; c\td, e and f",
    "",
];

/// Values that are hard to tell apart, in each dialect.
fn nasty_value() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a", "b", "a", "b", ",", ";", "\t", "\"", " ", "\n", "\r\n", "\r", "\u{e9}", "\u{a0}",
        "\u{3000}", "\u{feff}",
    ]);
    prop::collection::vec(pieces, 0..4).prop_map(|pieces| pieces.concat())
}

/// Values as people have them.
fn usual_value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,6}",
        1 => Just(String::new()),
        1 => "[A-Z][a-z]{2,5}, [A-Z][a-z]{2,5}",
        1 => "[a-z]{1,4} \"[a-z]{1,4}\"",
        1 => "[a-z]{1,4}\n[a-z;,\t]{1,4}",
        1 => " [a-z]{1,4}",
        1 => "[\u{e0}-\u{ff}\u{4e00}-\u{4e10}]{1,3}",
    ]
}

fn mangling(width: usize) -> impl Strategy<Value = Mangling> {
    let order = Just((0..width).collect::<Vec<_>>());
    let shuffled = prop_oneof![order.clone(), order.prop_shuffle()];
    let trim = prop::sample::select(vec![Trim::Nothing, Trim::Blanks, Trim::Java, Trim::Unicode]);
    let ends = prop::sample::select(vec![None, Some("\n"), Some("\r\n")]);
    let record_end = prop::sample::select(vec!["\n", "\r\n"]);
    (any::<[bool; 4]>(), shuffled, trim, ends, record_end).prop_map(
        |([quoted, drop_empty, bom, last_end], order, trim, ends, record_end)| Mangling {
            quoted,
            drop_empty,
            order,
            trim,
            ends,
            bom,
            record_end,
            last_end,
        },
    )
}

fn case_of<V: Strategy<Value = String> + 'static>(value: fn() -> V) -> impl Strategy<Value = Case> {
    (1_usize..5).prop_flat_map(move |width| {
        let row = prop::collection::vec(value(), width);
        let rows = (prop::collection::vec(row, 1..9), 0_usize..4).prop_map(|(mut rows, copies)| {
            let again: Vec<_> = rows.iter().take(copies).cloned().collect();
            rows.extend(again);
            rows
        });
        let format = prop::sample::select(Format::ALL.to_vec());
        (rows, format, any::<bool>(), mangling(width)).prop_flat_map(
            move |(rows, format, quote_all, mangling)| {
                let all: Vec<usize> = (0..rows.len()).collect();
                let count = 1..=rows.len();
                let failed = prop::sample::subsequence(all, count).prop_shuffle();
                let reason = prop::sample::select(REASONS.to_vec());
                let reasons = prop::collection::vec(reason, rows.len());
                (failed, reasons, any::<bool>()).prop_map(move |(failed, reasons, alike)| Case {
                    format,
                    width,
                    rows: rows.clone(),
                    failed: failed
                        .iter()
                        .map(|row| (*row, reasons[if alike { 0 } else { *row }].to_string()))
                        .collect(),
                    quote_all,
                    mangling: mangling.clone(),
                })
            },
        )
    })
}

/// A chunk of any values with any failures, written in any way.
pub(super) fn case() -> impl Strategy<Value = Case> {
    prop_oneof![case_of(nasty_value), case_of(usual_value)]
}
