//! The report's lines, as CSV or JSONL.
//!
//! Both have the same columns: ours, then the source's in its order. In JSONL
//! numbers are numbers, `candidates` is an array, what is absent is `null`, and
//! a source column named like one of ours gets the prefix `source.` (a second
//! one of one name the suffix `#2`), since a key must be unique; in CSV the
//! names stay, because the position tells. A cell is data and stays as it is,
//! also one that a spreadsheet would take for a formula. Text that is not UTF-8
//! shows U+FFFD where it breaks; the rejects file has the original bytes. A
//! row too narrow leaves its last columns empty; what a row too wide has more
//! is seen in `raw` only.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::entry::Entry;
use super::output::Output;
use super::reporter::Layout;
use crate::config::choice::ReportColumns;
use crate::error::{Error, ErrorKind, Result};

/// Our columns, in the order of the contract.
const COLUMNS: [&str; 10] = [
    "source",
    "source_row",
    "source_line",
    "chunk",
    "batch_id",
    "status",
    "match",
    "reason",
    "candidates",
    "raw",
];

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// Comma-separated, with a header
    Csv,
    /// One JSON object on each line
    Jsonl,
}

impl ReportFormat {
    /// JSONL for a path that ends in `.jsonl`, CSV for any other.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("jsonl") => Self::Jsonl,
            _ => Self::Csv,
        }
    }
}

/// Takes source rows apart into the columns that are shown.
struct Cells {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    shown: Vec<usize>,
}

impl Cells {
    fn new(layout: &Layout) -> Self {
        let shown = match layout.columns {
            ReportColumns::All => (0..layout.names.len()).collect(),
            ReportColumns::Key => layout.key_columns.clone(),
            ReportColumns::None => Vec::new(),
        };
        Self {
            reader: csv_core::ReaderBuilder::new()
                .delimiter(layout.format.separator())
                .build(),
            text: Vec::new(),
            ends: Vec::new(),
            shown,
        }
    }

    /// Reads one record; returns its number of fields.
    fn split(&mut self, mut row: &[u8]) -> usize {
        self.reader.reset();
        // Unquoted text is never longer than the row; each field has one end.
        self.text.resize(row.len() + 1, 0);
        if self.ends.is_empty() {
            self.ends.resize(16, 0);
        }
        let (mut written, mut fields) = (0, 0);
        loop {
            let (result, read, wrote, ended) =
                self.reader
                    .read_record(row, &mut self.text[written..], &mut self.ends[fields..]);
            row = &row[read..];
            written += wrote;
            fields += ended;
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::OutputFull => {
                    self.text.resize(self.text.len() * 2, 0);
                }
                csv_core::ReadRecordResult::OutputEndsFull => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => {
                    return fields;
                }
            }
        }
    }

    /// The shown cells of a row, in the shown order; empty where it has none.
    fn of(&mut self, row: Option<&[u8]>) -> impl Iterator<Item = &[u8]> {
        let fields = match row {
            Some(row) if !self.shown.is_empty() => self.split(row),
            _ => 0,
        };
        let (text, ends) = (&self.text[..], &self.ends[..]);
        self.shown.iter().map(move |&column| {
            if column >= fields {
                return &[][..];
            }
            let start = column.checked_sub(1).map_or(0, |before| ends[before]);
            &text[start..ends[column]]
        })
    }
}

enum Form {
    Csv(Box<csv::Writer<Output>>),
    Jsonl { out: Output, keys: Vec<String> },
}

/// Writes the report, one line for each entry.
pub(crate) struct Lines<'a> {
    layout: &'a Layout,
    cells: Cells,
    form: Form,
}

impl<'a> Lines<'a> {
    /// Begins a report; a CSV has its header at once.
    pub(crate) fn new(layout: &'a Layout, format: ReportFormat, out: Output) -> Result<Self> {
        let cells = Cells::new(layout);
        let names = cells.shown.iter().map(|&column| {
            let name = layout.names.get(column);
            name.map_or("", String::as_str)
        });
        let form = match format {
            ReportFormat::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(COLUMNS.into_iter().chain(names))
                    .map_err(csv_fault)?;
                Form::Csv(Box::new(csv))
            }
            ReportFormat::Jsonl => Form::Jsonl {
                out,
                keys: unique_keys(names),
            },
        };
        Ok(Self {
            layout,
            cells,
            form,
        })
    }

    /// Writes one entry.
    pub(crate) fn push(&mut self, entry: &Entry) -> Result<()> {
        let source = self.layout.sources.get(entry.source.get() as usize);
        let source = source.map_or("", String::as_str);
        let raw = match self.layout.columns {
            ReportColumns::All if entry.raw.is_empty() => {
                without_record_end(entry.bytes.as_deref().unwrap_or_default())
            }
            ReportColumns::All => &entry.raw,
            ReportColumns::Key | ReportColumns::None => &[],
        };
        let cells = self.cells.of(entry.bytes.as_deref());
        match &mut self.form {
            Form::Csv(csv) => write_csv(csv, source, entry, raw, cells).map_err(csv_fault),
            Form::Jsonl { out, keys } => {
                let line = Line {
                    source,
                    entry,
                    raw,
                    keys,
                    cells: cells.map(String::from_utf8_lossy).collect(),
                };
                serde_json::to_writer(&mut *out, &line)
                    .map_err(std::io::Error::from)
                    .and_then(|()| out.write_all(b"\n"))
                    .map_err(|cause| out.fault(cause))
            }
        }
    }

    /// Finishes the file.
    pub(crate) fn finish(self) -> Result<()> {
        match self.form {
            Form::Csv(csv) => csv
                .into_inner()
                .map_err(|cause| csv_fault(cause.into_error().into()))?
                .finish(),
            Form::Jsonl { out, .. } => out.finish(),
        }
    }
}

fn csv_fault(cause: csv::Error) -> Error {
    let fault = Error::new(ErrorKind::Internal, "cannot write the report");
    if !cause.is_io_error() {
        return fault.because(cause);
    }
    // csv's error does not give its cause as one.
    match cause.into_kind() {
        csv::ErrorKind::Io(cause) => fault.because(cause),
        _ => fault,
    }
}

fn without_record_end(row: &[u8]) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    row.strip_suffix(b"\r").unwrap_or(row)
}

fn number(number: Option<impl ToString>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn write_csv<'c, W: Write>(
    csv: &mut csv::Writer<W>,
    source: &str,
    entry: &Entry,
    raw: &[u8],
    cells: impl Iterator<Item = &'c [u8]>,
) -> csv::Result<()> {
    let candidates: Vec<String> = entry.candidates.iter().map(ToString::to_string).collect();
    csv.write_field(source)?;
    csv.write_field(number(entry.row))?;
    csv.write_field(number(entry.line))?;
    csv.write_field(number(entry.chunk))?;
    csv.write_field(number(entry.batch_id))?;
    csv.write_field(entry.status.name())?;
    csv.write_field(entry.matched.map_or("", |matched| matched.name()))?;
    csv.write_field(&entry.reason)?;
    csv.write_field(candidates.join(";"))?;
    csv.write_field(String::from_utf8_lossy(raw).as_bytes())?;
    for cell in cells {
        csv.write_field(String::from_utf8_lossy(cell).as_bytes())?;
    }
    csv.write_record(None::<&[u8]>)
}

/// The source's column names as keys beside ours.
fn unique_keys<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut taken: HashSet<String> = COLUMNS.into_iter().map(str::to_owned).collect();
    let mut keys = Vec::new();
    for name in names {
        let base = if COLUMNS.contains(&name) {
            format!("source.{name}")
        } else {
            name.to_owned()
        };
        let mut key = base.clone();
        let mut again = 2;
        while !taken.insert(key.clone()) {
            key = format!("{base}#{again}");
            again += 1;
        }
        keys.push(key);
    }
    keys
}

/// One JSONL object.
struct Line<'a> {
    source: &'a str,
    entry: &'a Entry,
    raw: &'a [u8],
    keys: &'a [String],
    cells: Vec<Cow<'a, str>>,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.entry;
        let mut map = serializer.serialize_map(Some(COLUMNS.len() + self.keys.len()))?;
        map.serialize_entry("source", self.source)?;
        map.serialize_entry("source_row", &entry.row)?;
        map.serialize_entry("source_line", &entry.line)?;
        map.serialize_entry("chunk", &entry.chunk)?;
        map.serialize_entry("batch_id", &entry.batch_id)?;
        map.serialize_entry("status", &entry.status)?;
        map.serialize_entry("match", &entry.matched)?;
        map.serialize_entry("reason", &entry.reason)?;
        map.serialize_entry("candidates", &entry.candidates)?;
        map.serialize_entry("raw", &String::from_utf8_lossy(self.raw))?;
        for (key, cell) in self.keys.iter().zip(&self.cells) {
            map.serialize_entry(key, cell)?;
        }
        map.end()
    }
}
