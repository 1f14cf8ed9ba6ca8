//! On any input, in any pieces, the scanner's records are csv-core's.
//!
//! The input's first byte says where the rest is cut, its second which
//! separator is used.
#![no_main]

use csv_core::{ReadRecordResult, ReaderBuilder};
use libfuzzer_sys::fuzz_target;
use mktoload::rows::scan::{End, Record, Scanner};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'a'];

fuzz_target!(|input: &[u8]| {
    let [cut, separator, text @ ..] = input else {
        return;
    };
    let separator = SEPARATORS[usize::from(*separator) % SEPARATORS.len()];
    let expected = csv_core_records(text, separator);

    let mut scanner = Scanner::new(separator);
    let mut found = Vec::new();
    for piece in pieces(text, *cut) {
        scanner.scan(piece, &mut |record| found.push(record));
    }
    let open = scanner.open_quote();
    match scanner.finish() {
        End::Clean => assert!(open.is_none()),
        End::Record(record) => {
            assert!(open.is_none());
            found.push(record);
        }
        End::OpenQuote(quote) => {
            // csv-core takes the rest for a record.
            assert_eq!(open, Some(quote));
            let rest = expected.last().expect("a quote opens in a record");
            assert_eq!(
                (quote.record_start, quote.record_line),
                (rest.start, rest.line)
            );
            assert_eq!(rest.end, text.len() as u64);
            let opening = usize::try_from(quote.offset).unwrap();
            assert_eq!(text[opening], b'"');
            assert_eq!(quote.line, 1 + lines(&text[..opening]));
            found.push(*rest);
        }
    }
    assert_eq!(found, expected);
});

/// 0: in one piece; else in pieces of `cut` and a little more each time.
fn pieces(text: &[u8], cut: u8) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut rest, mut length) = (text, usize::from(cut));
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(if cut == 0 {
            rest.len()
        } else {
            length.min(rest.len())
        });
        pieces.push(piece);
        rest = after;
        length = length % 150 + 1;
    }
    pieces
}

/// Ends of physical lines.
fn lines(text: &[u8]) -> u64 {
    let ends = text.iter().enumerate().filter(|&(at, &byte)| {
        byte == b'\r' || byte == b'\n' && (at == 0 || text[at - 1] != b'\r')
    });
    ends.count() as u64
}

/// The records as csv-core sees them, one byte at a time.
fn csv_core_records(text: &[u8], separator: u8) -> Vec<Record> {
    let mut reader = ReaderBuilder::new().delimiter(separator).build();
    let mut output = vec![0; text.len() + 1];
    let mut ends = vec![0; text.len() + 2];
    let (mut written, mut fields, mut line) = (0, 0, 1);
    let mut start = None;
    let mut records: Vec<Record> = Vec::new();
    for (at, &byte) in text.iter().enumerate() {
        let offset = at as u64;
        let is_terminator = byte == b'\n' || byte == b'\r';
        let is_second = byte == b'\n' && at > 0 && text[at - 1] == b'\r';
        if is_second
            && start.is_none()
            && let Some(last) = records.last_mut()
            && last.end == offset
        {
            last.end += 1;
        }
        if start.is_none() && !is_terminator {
            start = Some((offset, line));
        }
        line += u64::from(is_terminator && !is_second);
        let (result, _, wrote, ended) =
            reader.read_record(&[byte], &mut output[written..], &mut ends[fields..]);
        written += wrote;
        fields += ended;
        if result == ReadRecordResult::Record {
            let (start, line) = start.take().expect("a record begins with a byte");
            records.push(Record {
                start,
                end: offset + 1,
                line,
                fields: fields as u32,
            });
            (written, fields) = (0, 0);
        }
    }
    let (result, ..) = reader.read_record(&[], &mut output[written..], &mut ends[fields..]);
    assert_eq!(result == ReadRecordResult::Record, start.is_some());
    if let Some((start, line)) = start {
        records.push(Record {
            start,
            end: text.len() as u64,
            line,
            fields: fields as u32 + 1,
        });
    }
    records
}
