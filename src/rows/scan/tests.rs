//! The law: on any input, with any separator, in any pieces, on any kernel, the
//! records are csv-core's.

use std::ops::Range;

use csv_core::{ReadRecordResult, ReaderBuilder};
use proptest::collection::vec;
use proptest::prelude::*;

use super::kernel::Choice;
use super::{End, OpenQuote, Record, Scanner};

/// The records as csv-core sees them, one byte at a time.
#[derive(Debug, PartialEq)]
struct Oracle {
    records: Vec<Record>,
    open_quote: Option<OpenQuote>,
}

fn oracle(input: &[u8], separator: u8) -> Oracle {
    let mut reader = ReaderBuilder::new().delimiter(separator).build();
    let mut output = vec![0; input.len() + 1];
    let mut ends = vec![0; input.len() + 2];
    let mut records: Vec<Record> = Vec::new();
    let mut start: Option<(u64, u64)> = None;
    let mut fields = 0;
    let (mut written, mut line) = (0, 1);
    for (at, &byte) in input.iter().enumerate() {
        let offset = at as u64;
        let is_terminator = byte == b'\n' || byte == b'\r';
        if byte == b'\n' && at > 0 && input[at - 1] == b'\r' {
            // The line was counted at the CR; a record that ended there ends
            // here.
            line -= 1;
            if let Some(last) = records.last_mut()
                && last.end == offset
                && start.is_none()
            {
                last.end += 1;
            }
        }
        if start.is_none() && !is_terminator {
            start = Some((offset, line));
        }
        line += u64::from(is_terminator);
        let (result, read, wrote, ended) =
            reader.read_record(&[byte], &mut output[written..], &mut ends[fields..]);
        assert_eq!(read, 1);
        written += wrote;
        fields += ended;
        if result == ReadRecordResult::Record {
            let (start, line) = start.take().unwrap();
            records.push(Record {
                start,
                end: offset + 1,
                line,
                fields: u32::try_from(fields).unwrap(),
            });
            (written, fields) = (0, 0);
        }
    }
    let (result, ..) = reader.read_record(&[], &mut output[written..], &mut ends[fields..]);
    assert_eq!(result == ReadRecordResult::Record, start.is_some());
    if let Some((start, line)) = start {
        records.push(Record {
            start,
            end: input.len() as u64,
            line,
            fields: u32::try_from(fields + 1).unwrap(),
        });
    }
    let open_quote = records.last().and_then(|last| {
        open_quote(
            &input[usize::try_from(last.start).unwrap()..],
            last,
            separator,
        )
    });
    Oracle {
        records,
        open_quote,
    }
}

/// Whether `bytes`, the last record and what follows it, end inside a quoted
/// field. csv-core does not tell, but where they do, one more quote and a
/// separator end the field, and where they do not, a separator alone does.
fn open_quote(bytes: &[u8], record: &Record, separator: u8) -> Option<OpenQuote> {
    if record.end != record.start + bytes.len() as u64 || !is_inside(bytes, separator) {
        return None;
    }
    // The field opened with the first quote from which on every prefix, closing
    // pairs aside, is inside: the first after the last that is outside and does
    // not end with a quote.
    let opening = (0..bytes.len())
        .rev()
        .find(|&at| {
            bytes[at] == b'"' && !is_inside(&bytes[..at], separator) && {
                // Not the second half of a `""` within the field.
                at == 0 || bytes[at - 1] != b'"'
            }
        })
        .unwrap();
    let breaks = (0..opening)
        .filter(|&at| {
            bytes[at] == b'\r' || bytes[at] == b'\n' && (at == 0 || bytes[at - 1] != b'\r')
        })
        .count();
    Some(OpenQuote {
        record_start: record.start,
        record_line: record.line,
        offset: record.start + opening as u64,
        line: record.line + breaks as u64,
    })
}

/// Whether csv-core, having read these bytes, takes a separator for text.
fn is_inside(bytes: &[u8], separator: u8) -> bool {
    let mut reader = ReaderBuilder::new().delimiter(separator).build();
    let mut output = vec![0; bytes.len() + 2];
    let mut ends = vec![0; bytes.len() + 2];
    let (mut written, mut fields) = (0, 0);
    for &byte in bytes.iter().chain(&[separator]) {
        let (result, _, wrote, ended) =
            reader.read_record(&[byte], &mut output[written..], &mut ends[fields..]);
        written += wrote;
        fields += ended;
        assert_ne!(result, ReadRecordResult::End);
        if result == ReadRecordResult::Record {
            (written, fields) = (0, 0);
        }
    }
    written > 0 && output[written - 1] == separator && (fields == 0 || ends[fields - 1] < written)
}

fn scanned<'a>(kernel: Choice, separator: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Oracle {
    let mut scanner = Scanner::with_kernel(kernel, separator, 1);
    let mut records = Vec::new();
    for piece in pieces {
        scanner.scan(piece, &mut |record| records.push(record));
    }
    let open_quote = scanner.open_quote();
    match scanner.finish() {
        End::Clean => assert_eq!(open_quote, None),
        End::Record(record) => {
            assert_eq!(open_quote, None);
            records.push(record);
        }
        End::OpenQuote(quote) => assert_eq!(open_quote, Some(quote)),
    }
    Oracle {
        records,
        open_quote,
    }
}

/// Cuts `input` at the places, each counted from the one before.
fn pieces<'a>(mut input: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        let (piece, rest) = input.split_at(length.min(input.len()));
        pieces.push(piece);
        input = rest;
        if input.is_empty() {
            break;
        }
    }
    pieces
}

fn check(input: &[u8], separator: u8, lengths: &[usize]) {
    let mut expected = oracle(input, separator);
    if expected.open_quote.is_some() {
        // csv-core takes the rest for a record; the scanner says where the
        // quote is that never closes.
        expected.records.pop();
    }
    for kernel in Choice::available() {
        let found = scanned(kernel, separator, pieces(input, lengths).into_iter());
        assert_eq!(
            found,
            expected,
            "{kernel:?} {:?} in pieces of {lengths:?}",
            input.escape_ascii().to_string()
        );
    }
}

/// Bytes of which most mean something, in runs that make fields, so that
/// blocks of all sorts come up.
fn text(separator: u8, tokens: Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        3 => Just(vec![b'"']),
        1 => Just(vec![b'\r']),
        2 => Just(vec![b'\n']),
        1 => Just(b"\r\n".to_vec()),
        3 => Just(vec![separator]),
        1 => Just(b"\"\"".to_vec()),
        1 => Just(vec![b'"', separator, b'"']),
        1 => Just(b"\"\n\"".to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        2 => vec(Just(b'a'), 1..4),
        1 => vec(Just(b'a'), 1..70),
    ];
    vec(token, tokens).prop_map(|tokens| tokens.concat())
}

fn separators() -> impl Strategy<Value = u8> {
    prop_oneof![
        Just(b','),
        Just(b';'),
        Just(b'\t'),
        any::<u8>().prop_filter("means something else", |byte| !b"\"\r\n".contains(byte)),
    ]
}

fn inputs(tokens: Range<usize>) -> impl Strategy<Value = (u8, Vec<u8>)> {
    separators().prop_flat_map(move |separator| (Just(separator), text(separator, tokens.clone())))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn records_are_those_of_csv_core(
        (separator, input) in inputs(0..200),
        lengths in prop_oneof![vec(1usize..200, 1..6), Just(vec![1]), Just(vec![usize::MAX])],
    ) {
        check(&input, separator, &lengths);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Longer than the scanner's window.
    #[test]
    fn records_of_long_inputs_are_those_of_csv_core(
        (separator, input) in inputs(1500..3000),
        lengths in prop_oneof![vec(4000usize..9000, 1..3), Just(vec![usize::MAX])],
    ) {
        check(&input, separator, &lengths);
    }
}

const ONE_LINE: &str = "\"([a-z,]|\"\"){0,12}\"";
const LINES: &str = "\"([a-z,\n]|\"\"){0,12}\"";

/// Rows without anything odd, which the scanner's fast path reads. `width` is
/// what each is padded to a multiple of: where it is 32 or 64, lines end at the
/// borders of blocks and windows.
fn tidy(width: usize, quoted: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof!["[a-z]{1,12}", "[a-z]{1,12}", quoted];
    let row = vec(field, 1..6).prop_map(move |fields| {
        let mut row = fields.join(",");
        row.push(',');
        while (row.len() + 1) % width != 0 {
            row.push('x');
        }
        row + "\n"
    });
    vec(row, 1..250).prop_map(|rows| rows.concat().into_bytes())
}

/// The same with a row here and there that the fast path leaves to others, and
/// after which it goes on.
fn mostly_tidy() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop_oneof![
        "[a-z]{1,40}\"[a-z,]{0,40}\n",
        "[a-z,]{0,90}\r\n",
        "[a-z]{0,9}\n\n"
    ];
    let piece = prop_oneof![
        9 => tidy(1, ONE_LINE).prop_map(|rows| {
            let rows = &rows[..rows.len().min(900)];
            let end = rows.iter().rposition(|&byte| byte == b'\n');
            rows[..end.map_or(0, |end| end + 1)].to_vec()
        }),
        1 => odd.prop_map(String::into_bytes),
    ];
    vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn records_of_tidy_inputs_are_those_of_csv_core(
        input in prop_oneof![
            tidy(1, ONE_LINE),
            tidy(1, LINES),
            tidy(32, ONE_LINE),
            tidy(64, ONE_LINE),
            tidy(64, LINES),
            mostly_tidy(),
        ],
        lengths in prop_oneof![vec(100usize..9000, 1..3), Just(vec![usize::MAX])],
    ) {
        check(&input, b',', &lengths);
    }
}

#[test]
fn a_record_is_handed_out_as_soon_as_its_end_is_sure() {
    for kernel in Choice::available() {
        let mut scanner = Scanner::with_kernel(kernel, b',', 7);
        let mut ends = Vec::new();
        let mut scan = |bytes: &[u8]| {
            scanner.scan(bytes, &mut |record| ends.push((record.line, record.end)));
            std::mem::take(&mut ends)
        };
        assert_eq!(scan(b"a\n"), [(7, 2)]);
        assert_eq!(scan(b"b\r"), []);
        assert_eq!(scan(b"\n"), [(8, 5)]);
        assert_eq!(scan(b"c\r"), []);
        assert_eq!(scan(b"d"), [(9, 7)]);
        assert_eq!(scan(b"\n\n"), [(10, 9)]);
        assert_eq!(scanner.finish(), End::Clean);
    }
}

/// Every text of up to five bytes, at a stream's start in small pieces, and across
/// the border of two blocks.
#[test]
fn short_texts_are_read_as_csv_core_reads_them() {
    let alphabet = *b"\",\r\na";
    for length in 0..=5u32 {
        for number in 0..5usize.pow(length) {
            let word: Vec<u8> = (0..length)
                .map(|digit| alphabet[number / 5usize.pow(digit) % 5])
                .collect();
            check(&word, b',', &[3, 1]);
            let padded: Vec<u8> = [b'x'; 62].into_iter().chain(word).collect();
            check(&padded, b',', &[usize::MAX]);
        }
    }
}
