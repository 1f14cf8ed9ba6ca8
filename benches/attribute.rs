//! Failure rows back to their source rows: a whole chunk that failed.
//!
//! Read with care: it is the worst case (every row failed), the failure file is
//! in memory, and the time includes the index of the chunk. A real failure file
//! is small beside its chunk, and then the index is what costs.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use mktoload::chunk::{SentRow, SentRows};
use mktoload::config::Format;
use mktoload::failures::{FileKind, Finding, Sent, attribute};
use mktoload::units::{LineNumber, RowNumber, SourceIndex};

/// As many rows as a 10 MB chunk holds at about 110 bytes a row.
const ROWS: usize = 90_000;

const HEADER: [&str; 8] = [
    "email",
    "firstName",
    "lastName",
    "company",
    "title",
    "phone",
    "city",
    "note",
];

/// Whether the file is as RFC 4180 says or its values lack their quotes.
#[derive(Clone, Copy)]
enum Written {
    Strict,
    Unquoted,
}

/// The values of one row; each third has a separator, each tenth a line end.
fn values(row: usize) -> [String; 8] {
    let company = if row.is_multiple_of(3) {
        "Targaryen, House"
    } else {
        "Targaryen House"
    };
    let note = if row.is_multiple_of(10) {
        "first line\nsecond"
    } else {
        "first and second"
    };
    [
        format!("person{row}@example.com"),
        format!("Aerys{}", row % 977),
        format!("Baker{}", row % 1_013),
        company.into(),
        "Head of \"Dragons\"".into(),
        format!("212-555-{:04}", row % 10_000),
        "King's Landing".into(),
        note.into(),
    ]
}

fn line(row: usize, written: Written) -> String {
    let fields = values(row).map(|value| match written {
        Written::Strict if value.contains([',', '"', '\n']) => {
            format!("\"{}\"", value.replace('"', "\"\""))
        }
        _ => value,
    });
    fields.join(",")
}

fn chunk() -> SentRows {
    let mut text = Vec::new();
    let rows = (0..ROWS)
        .map(|row| {
            let start = u32::try_from(text.len()).expect("10 MB");
            text.extend_from_slice(line(row, Written::Strict).as_bytes());
            let end = u32::try_from(text.len()).expect("10 MB");
            text.push(b'\n');
            SentRow {
                source: SourceIndex::new(0),
                row: RowNumber::new(row as u64 + 1),
                line: LineNumber::new(row as u64 + 2),
                span: start..end,
            }
        })
        .collect();
    let text = Bytes::from(text);
    SentRows { text, rows }
}

fn failure_file(written: Written) -> Vec<u8> {
    let mut text = format!("{},Import Failure Reason\n", HEADER.join(","));
    for row in 0..ROWS {
        text.push_str(&line(row, written));
        text.push_str(",Invalid data type in field Lead Score\n");
    }
    text.into_bytes()
}

/// Failure rows per second, for both ways of writing the file.
pub(crate) fn bench(criterion: &mut Criterion) {
    let rows = chunk();
    let header = HEADER.map(String::from);
    let sent = Sent {
        rows: &rows,
        header: &header,
        format: Format::Csv,
        key_columns: &[0],
    };
    let mut group = criterion.benchmark_group("attribute");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, written) in [("strict", Written::Strict), ("unquoted", Written::Unquoted)] {
        let file = failure_file(written);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut named = 0;
                let tell = &mut |finding| {
                    named += usize::from(black_box::<Finding>(finding).row.is_some());
                    Ok(())
                };
                let kind = FileKind::Failures;
                let found = attribute(&sent, &file[..], kind, ROWS as u64, tell);
                assert_eq!(found.expect("memory can be read").unmatched, 0);
                named
            });
        });
    }
    group.finish();
}
