//! Files that can be divided into records in several ways.

use super::samples::table;

#[test]
fn marketos_count_says_whether_a_row_of_two_lines_is_two_rows() {
    let rows = ["\",\r\"", "b", "\"\"", "\"\""];
    let file = "x,Import Failure Reason\nb,it goes on\nwith a, b; c\n,\n,bad\n";
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 3), @r#"
    1 exact [] "it goes on\nwith a, b; c"
    2 ambiguous [2, 3] ""
    3 ambiguous [2, 3] "bad"
    3 found, 0 unmatched, 2 ambiguous
    "#);
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 2), @r#"
    1 exact [] "it goes on\nwith a, b; c"
    0 normalized [] "bad"
    2 found, 0 unmatched, 0 ambiguous
    "#);
    // Another count proves nothing of either.
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 4), @r#"
    1 exact [] "it goes on"
    - unmatched [] " b; c" raw "with a, b; c"
    2 ambiguous [0, 2, 3] ""
    3 ambiguous [0, 2, 3] "bad"
    4 found, 1 unmatched, 2 ambiguous
    "#);
}

#[test]
fn the_writer_says_whether_a_row_of_two_lines_is_two_rows() {
    let rows = ["\",\r\"", "\" b\"", "\"\"", "\"\""];
    let file = "x,Import Failure Reason\n b,bad\n,\n,bad\n";
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 9), @r#"
    1 exact [] "bad"
    2 ambiguous [0, 2, 3] ""
    3 ambiguous [0, 2, 3] "bad"
    3 found, 0 unmatched, 2 ambiguous
    "#);
    let file = "x,Import Failure Reason\n\" b\",bad\n,\n,bad\n";
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 9), @r#"
    1 exact [] "bad"
    2 ambiguous [2, 3] ""
    3 ambiguous [2, 3] "bad"
    3 found, 0 unmatched, 2 ambiguous
    "#);
}

#[test]
fn what_two_paths_do_not_share_is_for_neither() {
    // Two rows of two lines or four of one, and three failed.
    let rows = ["\"b,\na\"", "b", "a", "c"];
    let file = "x,Import Failure Reason\nb,\na,bad\nc,bad\nb,\na,worse\n";
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 4), @r#"
    0 ambiguous [0, 1, 2] "bad"
    3 exact [] "bad"
    1 ambiguous [0, 1, 2] ""
    2 ambiguous [0, 1, 2] "worse"
    4 found, 0 unmatched, 3 ambiguous
    "#);
    // Two paths of two records each.
    let rows = ["\"b,\na\"", "b", "\"a,\nc\"", "c"];
    let file = "x,Import Failure Reason\nb,\na,\nc,bad\n";
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 2), @r#"
    0 ambiguous [0, 1, 2, 3] ""
    3 ambiguous [0, 1, 2, 3] "bad"
    2 found, 0 unmatched, 2 ambiguous
    "#);
}

#[test]
fn one_file_for_two_truths() {
    // Rows 0 and 1 failed, for no reason and for "bad", or rows 3 and 2, for "b"
    // and "\nb,bad".
    let rows = ["\"\",\",b\n\"", "\" \",\"\nb\"", "\"\",\"\n \"", ","];
    let file = "x,y,Import Failure Reason\n,,b\n,\n ,\nb,bad\n";
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], file, 2), @r#"
    0 ambiguous [0, 1, 2, 3] ""
    1 ambiguous [0, 1, 2, 3] "bad"
    2 found, 0 unmatched, 2 ambiguous
    "#);
}

#[test]
fn a_count_between_two_possible_ones_is_not_possible() {
    // By a writer that keeps blanks and writes CRLF these would be five records
    // or seven, but six only by one that cuts them and writes LF.
    let rows = [
        "\"\n,\n\n\"",
        "\"\"",
        "\",\r,\n\"",
        "b",
        "\"\n,\n\n\"",
        "\"\"",
        "\",\r,\n\"",
    ];
    let file = "x,Import Failure Reason\r\nb,it goes on\nwith a, b\r\n,,bad\r\n,,bad\r\n\
        ,\r\n,\r\n,\n,,bad\r\n";
    insta::assert_snapshot!(table(&["x"], &rows, &[], file, 6), @r#"
    3 exact [] "it goes on\nwith a, b"
    0 ambiguous [0, 1, 4, 5] "bad"
    4 ambiguous [0, 1, 4, 5] "bad"
    1 exact [] ""
    5 exact [] ""
    2 ambiguous [1, 2, 5, 6] "bad"
    6 found, 0 unmatched, 3 ambiguous
    "#);
}

#[test]
fn records_end_as_the_header_does() {
    // By another writer the first row goes on to the second line, and the next
    // record would begin after a bare LF.
    let rows = ["\"\",\",\n\"", ",", "\"\",\"a\n,\"", "\"\n\","];
    let file = "x,y,Import Failure Reason\r\n,,\r\n,a\n,,bad\r\n";
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[], file, 2), @r#"
    1 ambiguous [1, 3] ""
    2 normalized [] "bad"
    2 found, 0 unmatched, 1 ambiguous
    "#);
}

#[test]
fn a_line_of_a_changed_row_is_not_another_row() {
    let header = ["e", "n", "t"];
    let rows = ["k9,1,z", "k0,10.40,\"x\nk1,5,hello\"", "k1,5,hello"];
    let file = "e,n,t,Import Failure Reason\nk9,1,z,bad\nk0,10.4,x\nk1,5,hello,bad\n";
    insta::assert_snapshot!(table(&header, &rows, &[], file, 2), @r#"
    0 exact [] "bad"
    2 ambiguous [1, 2] "bad" raw "k0,10.4,x\nk1,5,hello,bad"
    2 found, 0 unmatched, 1 ambiguous
    "#);
    insta::assert_snapshot!(table(&header, &rows, &[0], file, 3), @r#"
    0 exact [] "bad"
    2 ambiguous [1, 2] "bad" raw "k0,10.4,x\nk1,5,hello,bad"
    2 found, 0 unmatched, 1 ambiguous
    "#);
    let file = "e,n,t,Import Failure Reason\nk0,10.4,x\nk1,5,hello,bad\nk9,1,z,bad\n";
    insta::assert_snapshot!(table(&header, &rows, &[0], file, 2), @r#"
    2 ambiguous [1, 2] "bad" raw "k0,10.4,x\nk1,5,hello,bad"
    0 exact [] "bad"
    2 found, 0 unmatched, 1 ambiguous
    "#);
    // The changed value comes after the other row's text.
    let rows = ["k9,1,z", "k0,\"x\nk1,5,hello\",10.40", "k1,5,hello"];
    let file = "e,n,t,Import Failure Reason\nk9,1,z,bad\nk0,x\nk1,5,hello,10.4,bad\n";
    insta::assert_snapshot!(table(&header, &rows, &[0], file, 2), @r#"
    0 exact [] "bad"
    2 ambiguous [1, 2] "10.4,bad" raw "k0,x\nk1,5,hello,10.4,bad"
    2 found, 0 unmatched, 1 ambiguous
    "#);
}

#[test]
fn a_line_of_a_changed_row_that_is_quoted_is_not_another_row() {
    let header = ["e", "n", "t"];
    let rows = ["k9,1,z", "k0,10.40,\"x\nk1,5,hello,you\"", "k1,5,hello"];
    let file = "e,n,t,Import Failure Reason\nk9,1,z,bad\nk0,10.4,\"x\nk1,5,hello,you\",bad\n";
    insta::assert_snapshot!(table(&header, &rows, &[0], file, 2), @r#"
    0 exact [] "bad"
    1 key [] "bad" raw "k0,10.4,\"x\nk1,5,hello,you\",bad"
    2 found, 0 unmatched, 0 ambiguous
    "#);
    insta::assert_snapshot!(table(&header, &rows, &[], file, 2), @r#"
    0 exact [] "bad"
    - unmatched [] "bad" raw "k0,10.4,\"x\nk1,5,hello,you\",bad"
    2 found, 1 unmatched, 0 ambiguous
    "#);
}

#[test]
fn a_row_more_than_counted_may_be_a_part_of_a_reason() {
    let rows = ["a,b", "c,d", "\"e,e\",f"];
    let both = ["x", "y"];
    let header = "x,y,Import Failure Reason\n";
    let file = format!("{header}a,b,bad\nc,d,oops");
    insta::assert_snapshot!(table(&both, &rows, &[], &file, 1), @r#"
    0 exact [] "bad"
    1 ambiguous [0, 1] "oops"
    2 found, 0 unmatched, 1 ambiguous
    "#);
    let file = format!("{header}a,b,\"bad\nc,d,oops");
    insta::assert_snapshot!(table(&both, &rows, &[], &file, 1), @r#"
    0 exact [] "\"bad"
    1 ambiguous [0, 1] "oops"
    2 found, 0 unmatched, 1 ambiguous
    "#);
    // What was counted is no more than the first line, which no row explains.
    let file = format!("{header}?,?,bad\na,b,bad\nc,d,oops");
    insta::assert_snapshot!(table(&both, &rows, &[], &file, 2), @r#"
    - unmatched [] "bad" raw "?,?,bad"
    0 exact [] "bad"
    1 ambiguous [0, 1] "oops"
    3 found, 1 unmatched, 1 ambiguous
    "#);
    // One that quotes quotes a reason of two lines.
    let file = format!("{header}a,b,bad\n\"e,e\",f,bad\nc,d,oops");
    insta::assert_snapshot!(table(&both, &rows, &[], &file, 1), @r#"
    0 exact [] "bad"
    2 exact [] "bad"
    1 exact [] "oops"
    3 found, 0 unmatched, 0 ambiguous
    "#);
}

#[test]
fn columns_of_other_names_may_be_in_another_order() {
    let rows = ["a,b", "b,a", "c,d"];
    let both = ["x", "y"];
    let file = "Display Y,Display X,Import Failure Reason\nb,a,bad\nc,d,bad\n";
    insta::assert_snapshot!(table(&both, &rows, &[0], file, 2), @r#"
    1 ambiguous [0, 1] "bad"
    2 normalized [] "bad"
    2 found, 0 unmatched, 1 ambiguous
    "#);
    // The one that is left is no other.
    let file = "x,Display Y,Import Failure Reason\nb,a,bad\nc,e,bad\n";
    insta::assert_snapshot!(table(&both, &rows, &[0], file, 2), @r#"
    1 normalized [] "bad"
    2 key [] "bad" raw "c,e,bad"
    2 found, 0 unmatched, 0 ambiguous
    "#);
    // A value in the place of a key is no key.
    let file = "Display Y,Display X,Import Failure Reason\nc,10.4,bad\n";
    insta::assert_snapshot!(table(&both, &rows, &[0], file, 1), @r#"
    - unmatched [] "bad" raw "c,10.4,bad"
    1 found, 1 unmatched, 0 ambiguous
    "#);
}

#[test]
fn a_header_that_comes_twice_is_no_row() {
    let rows = ["x,y", "c,d"];
    let header = "x,y,Import Failure Reason\n";
    let file = format!("{header}{header}c,d,bad\n");
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[0], &file, 1), @r#"
    1 exact [] "bad"
    1 found, 0 unmatched, 0 ambiguous
    "#);
    let file = format!("{header}c,d,bad\n{header}x,y,bad\n");
    insta::assert_snapshot!(table(&["x", "y"], &rows, &[0], &file, 3), @r#"
    1 exact [] "bad"
    - unmatched [] "Import Failure Reason" raw "x,y,Import Failure Reason"
    0 exact [] "bad"
    3 found, 1 unmatched, 0 ambiguous
    "#);
}
