//! Files as Adobe and others show them, and the hard cases one by one.

use std::fmt::Write as _;

use super::model::{findings, sent_rows};
use crate::config::Format;
use crate::failures::Sent;

/// One line for each finding: row, level, candidates, reason, raw.
pub(super) fn table(
    header: &[&str],
    rows: &[&str],
    keys: &[usize],
    file: &str,
    expected: u64,
) -> String {
    let header: Vec<String> = header.iter().map(ToString::to_string).collect();
    let rows = sent_rows(rows);
    let sent = Sent {
        rows: &rows,
        header: &header,
        format: Format::Csv,
        key_columns: keys,
    };
    let (list, found) = findings(&sent, file.as_bytes(), expected, 1 << 20);
    let mut text = String::new();
    for finding in list {
        let row = finding.row.map_or("-".into(), |row| row.to_string());
        let (level, reason) = (finding.level.name(), &finding.reason);
        let _ = write!(text, "{row} {level} {:?} {reason:?}", finding.candidates);
        if !finding.raw.is_empty() {
            let _ = write!(text, " raw {:?}", String::from_utf8_lossy(&finding.raw));
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "{} found, {} unmatched, {} ambiguous",
        found.findings, found.unmatched, found.ambiguous
    );
    text
}

#[test]
fn adobes_custom_objects() {
    let rows = [
        "red,bmw,2002,WBA4R7C55HK895912",
        "yellow,bmw,320i,WBA4R7C30HK896061",
        "blue,bmw,325i,WBS3U9C52HP970604",
    ];
    let file = "color,make,model, vin,Import Failure Reason\n\
        red,bmw,2002,WBA4R7C55HK895912,missing.dedupe.fields\n\
        blue,bmw,325i,WBS3U9C52HP970604,missing.dedupe.fields\n";
    insta::assert_snapshot!(table(&["color", "make", "model", " vin"], &rows, &[], file, 2), @r#"
    0 exact [] "missing.dedupe.fields"
    2 exact [] "missing.dedupe.fields"
    2 found, 0 unmatched, 0 ambiguous
    "#);
}

#[test]
fn the_empty_email_column_is_gone() {
    let rows = [
        "Benji,Nordstrom,212-555-2323,",
        "Benji,Nordstrom,212-555-2323,b@example.com",
    ];
    let file = "firstName,lastName,phone,Import Failure Reason\n\
        Benji,Nordstrom,212-555-2323,Value for lookup field 'email' not found\n";
    insta::assert_snapshot!(table(&["firstName", "lastName", "phone", "email"], &rows, &[3], file, 1), @r#"
    0 normalized [] "Value for lookup field 'email' not found"
    1 found, 0 unmatched, 0 ambiguous
    "#);
}

#[test]
fn rows_that_differ_only_in_their_quotes() {
    let rows = ["\"a,b\",c", "a,\"b,c\""];
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,c,bad\n", 1), @r#"
    0 ambiguous [0, 1] "bad"
    1 found, 0 unmatched, 1 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\n\"a,b\",c,bad\n", 1), @r#"
    0 exact [] "bad"
    1 found, 0 unmatched, 0 ambiguous
    "#);
    // Both failed for one reason: which line is which does not matter.
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,c,bad\na,b,c,bad\n", 2), @r#"
    0 normalized [] "bad"
    1 normalized [] "bad"
    2 found, 0 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,c,bad\na,b,c,worse\n", 2), @r#"
    0 ambiguous [0, 1] "bad"
    1 ambiguous [0, 1] "worse"
    2 found, 0 unmatched, 2 ambiguous
    "#);
}

#[test]
fn some_of_several_identical_rows() {
    let rows = ["a,b", "c,d", "a,b", "\"a\",b"];
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,bad\na,b,bad\n", 2), @r#"
    0 ambiguous [0, 2, 3] "bad"
    2 ambiguous [0, 2, 3] "bad"
    2 found, 0 unmatched, 2 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,bad\na,b,bad\na,b,bad\n", 3), @r#"
    0 exact [] "bad"
    2 exact [] "bad"
    3 exact [] "bad"
    3 found, 0 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\nc,d,bad\nc,d,bad\n", 2), @r#"
    1 exact [] "bad"
    - unmatched [] "bad" raw "c,d,bad"
    2 found, 1 unmatched, 0 ambiguous
    "#);
}

#[test]
fn the_reason_may_be_the_end_of_a_longer_row() {
    let rows = ["a,b", "a,\"b,Invalid\""];
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,Invalid,data\n", 1), @r#"
    0 ambiguous [0, 1] "Invalid,data"
    1 found, 0 unmatched, 1 ambiguous
    "#);
}

#[test]
fn blanks_tell_rows_apart_once_the_file_is_seen_to_keep_them() {
    let rows = ["a,b", "a, b", "c , d"];
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,bad\n", 1), @r#"
    0 ambiguous [0, 1] "bad"
    1 found, 0 unmatched, 1 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,bad\nc , d,bad\n", 2), @r#"
    0 exact [] "bad"
    2 exact [] "bad"
    2 found, 0 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,bad\nc,d,bad\n", 2), @r#"
    0 ambiguous [0, 1] "bad"
    2 normalized [] "bad"
    2 found, 0 unmatched, 1 ambiguous
    "#);
}

#[test]
fn a_changed_value_is_found_by_its_key() {
    let rows = [
        "a@example.com,10.40,\"x, y\"",
        "b@example.com,1,z",
        "c@example.com,2,z",
        "c@example.com,3,z",
    ];
    let file = "email,amount,note,Import Failure Reason\n\
        a@example.com,10.4,x, y,bad amount\n\
        b@example.com,1.0,z,bad amount\n\
        c@example.com,2.0,z,bad amount\n\
        d@example.com,2.0,z,bad amount\n";
    insta::assert_snapshot!(table(&["email", "amount", "note"], &rows, &[0], file, 4), @r#"
    0 key [] "bad amount" raw "a@example.com,10.4,x, y,bad amount"
    1 key [] "bad amount" raw "b@example.com,1.0,z,bad amount"
    - unmatched [] "bad amount" raw "c@example.com,2.0,z,bad amount"
    - unmatched [] "bad amount" raw "d@example.com,2.0,z,bad amount"
    4 found, 2 unmatched, 0 ambiguous
    "#);
}

#[test]
fn reasons_over_several_lines() {
    let rows = ["a,b", "c,d", "e,f"];
    let file = "x,y,Import Failure Reason\na,b,first, with\n\nmore, of, it\nc,d,\"second\nline\"\n?,?,third\n";
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], file, 3), @r#"
    0 exact [] "first, with"
    - unmatched [] " it" raw "more, of, it"
    1 exact [] "second\nline"
    - unmatched [] "third" raw "?,?,third"
    4 found, 2 unmatched, 0 ambiguous
    "#);
    let file = "x,y,Import Failure Reason\na,b,first, with\n\nmore, of, it\nc,d,\"second\nline\"\n";
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], file, 2), @r#"
    0 exact [] "first, with\n\nmore, of, it"
    1 exact [] "second\nline"
    2 found, 0 unmatched, 0 ambiguous
    "#);
}

#[test]
fn headers_that_cannot_be_trusted() {
    let rows = ["a,b", "c,d"];
    let both = ["x", "y"];
    insta::assert_snapshot!(table(&both, &rows, &[], "", 0), @"0 found, 0 unmatched, 0 ambiguous");
    insta::assert_snapshot!(table(&both, &rows, &[], "x,y,Import Failure Reason", 0), @"0 found, 0 unmatched, 0 ambiguous");
    insta::assert_snapshot!(table(&both, &rows, &[], "Display X,Display Y,Import Failure Reason\na,b,bad\n", 1), @r#"
    0 normalized [] "bad"
    1 found, 0 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&both, &rows, &[], "X,Other,More,Import Failure Reason\na,b,c,bad\n", 1), @r#"
    - unmatched [] "bad" raw "a,b,c,bad"
    1 found, 1 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&both, &rows, &[], "x,y\na,b\nc,d", 2), @r#"
    0 exact [] ""
    - unmatched [] "" raw "c,d"
    2 found, 1 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x", "x"], &rows, &[], "x,x,Import Failure Reason\na,b,bad\n", 1), @r#"
    0 exact [] "bad"
    1 found, 0 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&both, &[], &[0], "x,y,Import Failure Reason\na,b,bad\n", 1), @r#"
    - unmatched [] "bad" raw "a,b,bad"
    1 found, 1 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&both, &rows, &[], "Import Failure Reason\nbad\nworse\n", 2), @r#"
    - unmatched [] "bad" raw "bad"
    - unmatched [] "worse" raw "worse"
    2 found, 2 unmatched, 0 ambiguous
    "#);
}

#[test]
fn the_last_line_is_cut_off() {
    let rows = ["a,b", "c,d"];
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], "x,y,Import Failure Reason\na,b,bad\nc,d", 2), @r#"
    0 exact [] "bad"
    - unmatched [] "" raw "c,d"
    2 found, 1 unmatched, 0 ambiguous
    "#);
}

#[test]
fn rows_of_another_width_and_bytes_that_are_no_text() {
    let rows = ["a", "a,b,c", "\u{feff}\"q\"\"\",x\0y"];
    let file = "x,y,Import Failure Reason\na,,bad\na,b,c,bad\n\u{feff}\"q\"\"\",x\0y,bad\n";
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], file, 3), @r#"
    0 normalized [] "bad"
    1 normalized [] "bad"
    2 exact [] "bad"
    3 found, 0 unmatched, 0 ambiguous
    "#);
}

#[test]
fn a_quoted_reason_may_hold_a_row_that_was_sent() {
    let rows = ["a,b", "c,d"];
    let file = "x,y,Import Failure Reason\na,b,\"bad\nc,d,oops\"\n";
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], file, 1), @r#"
    0 exact [] "bad\nc,d,oops"
    1 found, 0 unmatched, 0 ambiguous
    "#);
    // Marketo's count is of neither: then it is not known which it is.
    assert!(!table(&["x", "y"], &rows, &[], file, 7).contains("1 exact"));
    let file = format!("{file}c,d,worse\n");
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], &file, 2), @r#"
    0 exact [] "bad\nc,d,oops"
    1 exact [] "worse"
    2 found, 0 unmatched, 0 ambiguous
    "#);
}

#[test]
fn a_key_that_is_a_part_of_another_is_no_key() {
    // The first row failed, and its amount came back changed.
    let rows = ["\"k1,k2\",10.40,t", "k1,1,t"];
    let file = "email,amount,note,Import Failure Reason\nk1,k2,10.4,t,bad\n";
    insta::assert_snapshot!(table(&["email", "amount", "note"], &rows, &[0], file, 1), @r#"
    - unmatched [] "bad" raw "k1,k2,10.4,t,bad"
    1 found, 1 unmatched, 0 ambiguous
    "#);
}

#[test]
fn candidates_stay_few_where_most_of_many_identical_rows_failed() {
    let rows = sent_rows(&vec!["a,b"; 3_000]);
    let header = ["x".to_string(), "y".to_string()];
    let sent = Sent {
        rows: &rows,
        header: &header,
        format: Format::Csv,
        key_columns: &[],
    };
    let file = format!("x,y,Import Failure Reason\n{}", "a,b,bad\n".repeat(2_999));
    let (list, found) = findings(&sent, file.as_bytes(), 2_999, 1 << 20);
    assert_eq!((list.len(), found.ambiguous), (2_999, 2_999));
    let listed: usize = list.iter().map(|finding| finding.candidates.len()).sum();
    assert!(listed < 1_100_000, "{listed}");
    for finding in list {
        let row = finding.row.unwrap();
        assert!(finding.candidates.contains(&row), "its own row is one");
        assert!(finding.candidates.len() > 1);
    }
}
