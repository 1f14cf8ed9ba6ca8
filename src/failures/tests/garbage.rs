//! Text that is no failure file, or one that does not end.

use proptest::prelude::*;

use super::model::{Case, case, findings, header, sent_rows};
use crate::config::Format;
use crate::failures::{Match, Sent};

const ROWS: [&str; 5] = ["a,b", "\"a,b\",c", "a,\"b\nc\"", "a,b", ","];

proptest! {
    #[test]
    fn any_bytes_are_read_to_the_end(
        bytes in prop::collection::vec(prop::sample::select(b"ab,\n\r\"; \0\xff".to_vec()), 0..200),
        with_header: bool,
        expected in 0_u64..8,
    ) {
        let rows = sent_rows(&ROWS);
        let header = header(2);
        let sent = Sent { rows: &rows, header: &header, format: Format::Csv, key_columns: &[0] };
        let mut file = Vec::new();
        if with_header {
            file.extend_from_slice(b"column0,column1,Import Failure Reason\n");
        }
        file.extend_from_slice(&bytes);
        let (list, found) = findings(&sent, &file, expected, 1 << 20);
        prop_assert_eq!(list.len() as u64, found.findings);
        let (in_pieces, _) = findings(&sent, &file, expected, 64);
        let named = |list: &[crate::failures::Finding]| {
            let mut rows: Vec<_> = list.iter().filter_map(|finding| finding.row).collect();
            rows.sort_unstable();
            let all = rows.len();
            rows.dedup();
            all == rows.len()
        };
        prop_assert!(named(&list) && named(&in_pieces));
    }

    #[test]
    fn a_file_in_pieces_names_no_row_wrongly(case in case(), piece in 48_usize..200) {
        let Case { format, width, .. } = case;
        let rows = super::model::chunk(&case.rows, format, case.quote_all);
        let header = header(width);
        let sent = Sent { rows: &rows, header: &header, format, key_columns: &[] };
        let file = case.file();
        let header_line = file.find(['\n', '\r']).unwrap_or(file.len());
        let longest = (0..case.rows.len()).map(|row| case.write_row(row).len() + 60).max();
        let piece = piece.max(header_line + 2).max(longest.unwrap() * 2);
        let (list, _) = findings(&sent, file.as_bytes(), case.failed.len() as u64, piece);
        for finding in list.iter().filter(|finding| finding.level == Match::Exact) {
            let row = finding.row.unwrap();
            prop_assert!(case.failed.iter().any(|(failed, _)| *failed == row));
        }
    }
}

/// Lines that all begin like a row of many lines, and rows that all look alike:
/// what would take the square of their number is given up, and said so.
#[test]
fn hostile_text_takes_no_hostile_time() {
    let many_lines = format!("\"{}\",x", "\n".repeat(20_000));
    let mut rows: Vec<String> = (0..2_000)
        .map(|blanks| format!("\"{}\",", " ".repeat(blanks)))
        .collect();
    rows.push(many_lines);
    let rows = sent_rows(&rows);
    let header = header(2);
    let sent = Sent {
        rows: &rows,
        header: &header,
        format: Format::Csv,
        key_columns: &[],
    };
    let mut file = String::from("column0,column1,Import Failure Reason\n");
    file += &"\n".repeat(20_000);
    file += &",,x\n".repeat(5_000);
    let (list, found) = findings(&sent, file.as_bytes(), 5_000, 1 << 20);
    assert_eq!(list.len() as u64, found.findings);
    assert!(list.iter().all(|finding| finding.level != Match::Exact));
}

/// What is too much to compare ends the search: were it to go on, the second
/// line of the long row would be named as a row of its own.
#[test]
fn a_row_that_is_given_up_is_not_taken_for_another() {
    // Few enough that all of them are compared, and long: each short line of the
    // file costs 290 KB, and the budget is 64 bytes for each byte of the file.
    let mut rows: Vec<String> = (0..90)
        .map(|blanks| format!("\"{}\",", " ".repeat(2_940 + blanks)))
        .collect();
    let long = "z".repeat(300_000);
    rows.push(format!("q,\"{long}\nb,c\""));
    rows.push("b,c".into());
    let given_up = rows.len() - 2;
    let rows = sent_rows(&rows);
    let header = header(2);
    let sent = Sent {
        rows: &rows,
        header: &header,
        format: Format::Csv,
        key_columns: &[],
    };
    let last_row = |short: usize| {
        let mut file = String::from("column0,column1,Import Failure Reason\n");
        file += &",,x\n".repeat(short);
        file += &format!("q,{long}\nb,c,bad\n");
        let (list, _) = findings(&sent, file.as_bytes(), short as u64 + 1, 1 << 20);
        list.last().and_then(|finding| finding.row)
    };
    // In between, what is left is enough for another row, not for the long one.
    assert_eq!(last_row(10), Some(given_up));
    for short in [63, 64] {
        let named = last_row(short);
        let right = named.is_none_or(|row| row == given_up);
        assert!(right, "{short}: {named:?}");
    }
    assert_eq!(last_row(65), None);
}

/// Whatever is listed, of each text one row is in some list: the rejects hold it.
#[test]
fn lists_that_are_cut_off_leave_no_text_out() {
    let mut rows = vec!["a,b".to_string(); 3_000];
    rows.extend((1..50).map(|blanks| format!("a,\"{}b\"", " ".repeat(blanks))));
    let rows = sent_rows(&rows);
    let header = header(2);
    let sent = Sent {
        rows: &rows,
        header: &header,
        format: Format::Csv,
        key_columns: &[],
    };
    let file = format!(
        "column0,column1,Import Failure Reason\n{}",
        "a,b,bad\n".repeat(2)
    );
    let (list, _) = findings(&sent, file.as_bytes(), 2, 1 << 20);
    let listed: Vec<usize> = list
        .into_iter()
        .flat_map(|finding| finding.candidates)
        .collect();
    assert!((3_000..3_049).all(|row| listed.contains(&row)));
}

/// Rows that differ in nothing but the number of blanks: few enough of them to
/// be compared, and too many.
#[test]
fn of_rows_that_all_look_alike_none_is_named_twice() {
    for alike in [90, 2_000] {
        let value = |row: usize| {
            format!(
                "\"{}{}\",",
                "x".repeat(row / alike),
                " ".repeat(row % alike % 300)
            )
        };
        let rows: Vec<String> = (0..2_000).map(value).collect();
        let rows = sent_rows(&rows);
        let header = header(2);
        let sent = Sent {
            rows: &rows,
            header: &header,
            format: Format::Csv,
            key_columns: &[],
        };
        let mut file = String::from("column0,column1,Import Failure Reason\n");
        for row in 0..2_000 {
            file += &format!("{},,bad\n", "x".repeat(row / alike));
        }
        let (list, found) = findings(&sent, file.as_bytes(), 2_000, 1 << 26);
        assert_eq!((list.len(), found.findings), (2_000, 2_000));
        let mut named: Vec<usize> = list.iter().filter_map(|finding| finding.row).collect();
        let all = named.len();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), all, "{alike}");
        // Where they are compared some are found, until it costs too much.
        assert_eq!(all > 0, alike <= 100, "{all} of rows {alike} alike");
    }
}
