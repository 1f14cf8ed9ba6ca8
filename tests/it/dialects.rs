//! Every dialect of the source comes through: values as they were, once.

use super::in_process::{Lab, settings};
use super::workdir::{LEADS_INTO_SANDBOX, Workdir};

const EXPECTED: [[&str; 3]; 2] = [["a@b.co", "Ann", "Ro\nme"], ["c@d.co", "O'Hara", ""]];

#[tokio::test]
async fn every_dialect_gives_the_same_rows() {
    let sources = [
        (
            "plain.csv",
            "email,firstName,city\na@b.co,Ann,\"Ro\nme\"\nc@d.co,O'Hara,\n",
        ),
        (
            "plain.ssv",
            "email;firstName;city\na@b.co;Ann;\"Ro\nme\"\nc@d.co;O'Hara;\n",
        ),
        (
            "plain.tsv",
            "email\tfirstName\tcity\na@b.co\tAnn\t\"Ro\nme\"\nc@d.co\tO'Hara\t\n",
        ),
        (
            "sniffed.txt",
            "email;firstName;city\na@b.co;Ann;\"Ro\nme\"\nc@d.co;O'Hara;\n",
        ),
        (
            "mark.csv",
            "\u{feff}email,firstName,city\na@b.co,Ann,\"Ro\nme\"\nc@d.co,O'Hara,\n",
        ),
        (
            "crlf.csv",
            "email,firstName,city\r\na@b.co,Ann,\"Ro\nme\"\r\nc@d.co,O'Hara,\r\n",
        ),
        (
            "cr.csv",
            "email,firstName,city\ra@b.co,Ann,\"Ro\nme\"\rc@d.co,O'Hara,\r",
        ),
        (
            "quoted.csv",
            "\"email\",\"firstName\",\"city\"\n\"a@b.co\",\"Ann\",\"Ro\nme\"\n\"c@d.co\",\"O'Hara\",\"\"\n",
        ),
        (
            "no-last-end.csv",
            "email,firstName,city\na@b.co,Ann,\"Ro\nme\"\nc@d.co,O'Hara,",
        ),
        (
            "blank-lines.csv",
            "\n\nemail,firstName,city\n\na@b.co,Ann,\"Ro\nme\"\n\r\n\nc@d.co,O'Hara,\n\n",
        ),
    ];
    for (name, text) in sources {
        let lab = Lab::new(settings(&[])).await;
        let done = lab.import(lab.plan(name, text, 10_000)).await;
        assert_eq!(done.summary.exit_code, 0, "{name}");
        assert_eq!(done.summary.rows.read, 2, "{name}");
        let jobs = lab.inspect().jobs();
        assert_eq!(jobs.len(), 1, "{name}");
        let rows = lab.inspect().accepted_rows(jobs[0].batch_id);
        assert_eq!(rows, EXPECTED, "{name}");
    }
}

#[test]
fn standard_input_is_a_source_named_or_not() {
    let text = b"email;city\na@b.co;Rome\n;Oslo\n";
    for source in [&["-"][..], &[]] {
        let workdir = Workdir::new();
        let run = workdir.run_with_input(&[&LEADS_INTO_SANDBOX, source].concat(), text);
        let run = run.exits(3);
        assert_eq!(run.summary()["rows"]["read"], 2, "{run}");
        let line = &run.report()[0];
        assert_eq!(
            (line["source"].as_str(), line["source_row"].as_str()),
            ("-", "2")
        );
        assert_eq!(run.rejects(), b"email;city\n;Oslo\n");
    }
}

#[test]
fn a_given_format_goes_before_the_name() {
    let workdir = Workdir::new();
    workdir.write("people.csv", "email;city\na@b.co;Rome\n");
    let run = workdir.import_leads(&["people.csv"]).exits(5);
    insta::assert_snapshot!(run.error(), @"
    error: read as csv, the header is one column, `email;city`
      at: people.csv, line 1, column `email;city`
      hint: it looks like ssv: pass --format ssv
    ");
    let args = ["people.csv", "--format", "ssv"];
    workdir.import_leads(&args).exits(0);
}
