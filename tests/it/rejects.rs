//! The rejects file: mend the cause, import it again, and all is in.

use super::workdir::{Workdir, column};

#[test]
fn rejects_are_taken_once_their_cause_is_mended() {
    for (name, separator, end) in [
        ("people.csv", ",", "\n"),
        ("people.ssv", ";", "\r\n"),
        ("people.tsv", "\t", "\n"),
    ] {
        let workdir = Workdir::new();
        let row = |fields: [&str; 3]| fields.join(separator) + end;
        let header = row(["email", "city", "numberOfEmployees"]);
        let wrong = [
            row(["b@b.co", "\"Ro\nme\"", "many"]),
            row(["c@b.co", "\"say \"\"hi\"\"\"", "few"]),
        ];
        let source = [
            "\u{feff}",
            &header,
            &row(["a@b.co", "Rome", "1"]),
            &wrong[0],
            &wrong[1],
            &row(["d@b.co", "Oslo", "2"]),
        ];
        workdir.write(name, source.concat());
        let again = format!("again-{name}");
        let args = [name, "--rejects", &again, "--report", "r.csv"];
        let run = workdir.import_leads(&args).exits(3);
        assert_eq!(run.summary()["balanced"], true, "{run}");
        assert_eq!(column(&run.report(), "source_row"), ["2", "3"], "{run}");
        let rejects = workdir.text(&again);
        assert_eq!(rejects, [header, wrong.concat()].concat(), "original bytes");

        workdir.write(&again, rejects.replace("many", "3").replace("few", "4"));
        let run = workdir.import_leads(&[&again]).exits(0);
        assert_eq!(run.summary()["rows"]["accepted"], 2);
        assert!(run.report().is_empty());
    }
}

#[test]
fn bad_rows_are_rejected_stop_the_run_or_are_sent() {
    let workdir = Workdir::new();
    let good = "a@b.co,Rome\n";
    workdir.write(
        "p.csv",
        format!("email,city\n{good}b@b.co\nc@b.co,Oslo,x\n{good}"),
    );
    let with = |on_bad_row| {
        let args = ["p.csv", "--on-bad-row", on_bad_row];
        let run = workdir.import_leads(&args);
        let rows = run.summary()["rows"].clone();
        let counts = ["read", "accepted", "failed", "rejected"];
        (counts.map(|name| rows[name].as_u64().unwrap()), run)
    };

    let (counts, run) = with("reject");
    assert_eq!(counts, [4, 2, 0, 2], "{run}");
    let report = run.exits(3).report();
    let reasons = column(&report, "reason");
    let wanted = [
        "the row has 1 fields, the header 2",
        "the row has 3 fields, the header 2",
    ];
    assert_eq!(reasons, wanted);
    assert_eq!(column(&report, "source_line"), ["3", "4"]);

    // The rows before it are done, and the books say so.
    let (counts, run) = with("stop");
    assert_eq!(counts, [1, 1, 0, 0], "{run}");
    insta::assert_snapshot!(run.exits(5).error(), @"
    error: the row has 1 fields, the header 2
      at: p.csv, line 3, row 2
      hint: --on-bad-row reject leaves such rows out and lists them in the report
    ");

    // The sandbox takes a short row and refuses a wide one.
    let (counts, run) = with("send");
    assert_eq!(counts, [4, 3, 1, 0], "{run}");
    assert_eq!(column(&run.exits(3).report(), "source_row"), ["3"]);
}

#[test]
fn what_is_not_utf8_is_rejected_with_its_bytes() {
    let workdir = Workdir::new();
    let source = b"email,city\na@b.co,K\xf6ln\nb@b.co,K\xc3\xb6ln\n";
    workdir.write("p.csv", source);
    let run = workdir.import_leads(&["p.csv"]).exits(3);
    assert_eq!(run.rejects(), b"email,city\na@b.co,K\xf6ln\n");
    let report = run.report();
    let reason = "not UTF-8: byte 9 of the row begins no valid character";
    assert_eq!(column(&report, "reason"), [reason]);
    assert_eq!(column(&report, "status"), ["rejected"]);
    assert_eq!(column(&report, "chunk"), [""]);
    let run = workdir
        .import_leads(&["p.csv", "--on-bad-row", "send"])
        .exits(3);
    assert_eq!(
        run.summary()["rows"]["rejected"],
        1,
        "could not be taken{run}"
    );
}
