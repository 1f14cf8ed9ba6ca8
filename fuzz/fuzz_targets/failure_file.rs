//! Any bytes as a failure file: no panic, no hang, and the books add up.
//!
//! The first byte chooses the dialect, the kind and Marketo's count; the rest
//! is the file. The chunk is a fixed one, of rows that are hard to tell apart.

#![no_main]

use std::collections::HashSet;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mktoload::chunk::{SentRow, SentRows};
use mktoload::failures::{FileKind, Match, Sent, attribute};
use mktoload::config::Format;
use mktoload::units::{LineNumber, RowNumber, SourceIndex};

/// Rows of two columns; `|` stands for the separator.
const ROWS: [&str; 9] = [
    "a|b",
    "\"a|b\"|c",
    "a|\"b|c\"",
    "a|b",
    "a | b",
    "a|\"b\nc\"",
    "\"\n\n\"|x",
    "|",
    "\"say \"\"a\"\"\"|\u{e9}",
];

fn chunk(separator: u8) -> SentRows {
    let mut text = Vec::new();
    let mut rows = Vec::new();
    for (number, row) in (1..).zip(ROWS) {
        let start = text.len() as u32;
        text.extend(row.bytes().map(|byte| if byte == b'|' { separator } else { byte }));
        rows.push(SentRow {
            source: SourceIndex::new(0),
            row: RowNumber::new(number),
            line: LineNumber::new(number + 1),
            span: start..text.len() as u32,
        });
        text.push(b'\n');
    }
    let text = Bytes::from(text);
    SentRows { text, rows }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, file)) = data.split_first() else {
        return;
    };
    let format = Format::ALL[usize::from(choice % 3)];
    let kind = if choice & 4 == 0 { FileKind::Failures } else { FileKind::Warnings };
    let expected = u64::from(choice >> 3);
    let rows = chunk(format.separator());
    let header = ["x", "y"].map(String::from);
    let sent = Sent { rows: &rows, header: &header, format, key_columns: &[0] };
    let (mut named, mut findings, mut unmatched) = (HashSet::new(), 0, 0);
    let found = attribute(&sent, file, kind, expected, &mut |finding| {
        findings += 1;
        match finding.row {
            Some(row) => assert!(row < ROWS.len() && named.insert(row), "a row is claimed once"),
            None => unmatched += 1,
        }
        assert_eq!(finding.row.is_none(), finding.level == Match::Unmatched);
        Ok(())
    })
    .expect("bytes in memory can be read");
    assert_eq!((found.findings, found.unmatched), (findings, unmatched));
});
