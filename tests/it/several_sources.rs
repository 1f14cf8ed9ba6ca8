//! Several sources are one stream, in the order given, each with its own rows.

use super::workdir::{LEADS_INTO_SANDBOX, Workdir, column};

const GOOD: &str = "email,city\na@b.co,Rome\n";
const BAD: &str = "email,city\n\n\nc@d.co,Oslo\n,Paris";

#[test]
fn rows_are_numbered_in_their_own_file() {
    let workdir = Workdir::new();
    workdir.write("b.csv", BAD);
    workdir.write("a.csv", GOOD);
    let input = "\u{feff}email,city\r\n,Bonn\r\n";
    let args = [&LEADS_INTO_SANDBOX[..], &["b.csv", "a.csv", "-"]].concat();
    let run = workdir.run_with_input(&args, input.as_bytes()).exits(3);
    let summary = run.summary();
    assert_eq!(
        summary["chunks"].as_array().unwrap().len(),
        1,
        "one stream{run}"
    );
    assert_eq!(summary["rows"]["read"], 4);
    let report = run.report();
    assert_eq!(column(&report, "source"), ["b.csv", "-"]);
    assert_eq!(column(&report, "source_row"), ["2", "1"]);
    assert_eq!(column(&report, "source_line"), ["5", "2"]);
    assert_eq!(column(&report, "match"), ["exact", "exact"]);
    let rejects = String::from_utf8(run.rejects()).unwrap();
    // Record ends are the header's.
    assert_eq!(rejects, "email,city\n,Paris\n,Bonn\n");
}

#[test]
fn a_glob_is_taken_in_the_order_of_names() {
    let workdir = Workdir::new();
    workdir.write("part-2.csv", BAD);
    workdir.write("part-1.csv", BAD);
    let run = workdir.import_leads(&["part-*.csv"]).exits(3);
    let report = run.report();
    assert_eq!(column(&report, "source"), ["part-1.csv", "part-2.csv"]);
    // The rows are the same in both files, and all of them failed.
    assert_eq!(column(&report, "source_row"), ["2", "2"]);
}

#[test]
fn another_header_is_found_before_anything_is_sent() {
    let workdir = Workdir::new();
    workdir.write("a.csv", GOOD);
    workdir.write("b.csv", "email,country\na@b.co,Italy\n");
    workdir.write("c.csv", "city,email\nRome,a@b.co\n");
    let run = workdir.import_leads(&["a.csv", "b.csv"]).exits(5);
    insta::assert_snapshot!(run.error(), @r#"
    error: the header differs from the first source's: it lacks ["city"] and adds ["country"]
      at: b.csv, line 1
      hint: sources of one run need the same header; import this one in a run of its own
    "#);
    let run = workdir.import_leads(&["a.csv", "c.csv"]).exits(5);
    insta::assert_snapshot!(run.error(), @"
    error: the header names the columns in another order than the first source's
      at: c.csv, line 1
      hint: sources of one run need the same header; import this one in a run of its own
    ");
}
