//! Bad input gets a clear message, and nothing is lost.

use super::in_process::{LEADS, Lab, settings};
use super::workdir::{SECRET, Workdir};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_named_and_nothing_is_sent() {
    let lab = Lab::new(settings(&[])).await;
    let sources = [
        ("empty.csv", ""),
        ("mark.csv", "\u{feff}"),
        ("blank.csv", "\n\r\n\n"),
        ("nameless.csv", "email,,city\na@b.co,x,Rome\n"),
        ("twice.csv", "email,city,email\na@b.co,Rome,b@b.co\n"),
        ("padded.csv", "email, city\na@b.co,Rome\n"),
        ("open-header.csv", "email,\"city\na@b.co,Rome\n"),
    ];
    let mut texts = String::new();
    for (name, text) in sources {
        lab.workdir.write(name, text);
        let run = lab.run(&[&LEADS[..], &[name]].concat()).exits(5);
        texts += &format!("{}\n", run.error());
    }
    std::fs::create_dir(lab.workdir.path("folder.csv")).unwrap();
    for name in ["none.csv", "none-*.csv", "folder.csv"] {
        let run = lab.run(&[&LEADS[..], &[name]].concat()).exits(5);
        texts += &format!("{}\n", run.error());
    }
    assert!(lab.inspect().creates().is_empty());
    insta::assert_snapshot!(texts, @"
    error: the source is empty: it has no header
      at: empty.csv
      hint: the first row has to name the columns
    error: the source is empty: it has no header
      at: mark.csv
      hint: the first row has to name the columns
    error: the source is empty: it has no header
      at: blank.csv
      hint: the first row has to name the columns
    error: column 2 of the header has no name
      at: nameless.csv, line 1
      hint: every column needs the REST API name of a Marketo field
    error: columns 1 and 3 of the header have the same name, `email`
      at: twice.csv, line 1, column `email`
      hint: rename or drop one of them
    error: column 2 of the header is padded with blanks: ` city`
      at: padded.csv, line 1, column ` city`
      hint: Marketo takes blanks as part of the name; write `city`
    error: a quote opens in the header at line 1 and never closes
      at: open-header.csv
    error: no such file
      at: none.csv
    error: no file matches `none-*.csv`
    error: this is a folder, not a file
      at: folder.csv
      hint: name its files: `folder.csv/*.csv`
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_alone_is_no_rows_and_no_job() {
    let lab = Lab::new(settings(&[])).await;
    for text in ["email,city\n", "email,city"] {
        lab.workdir.write("p.csv", text);
        let run = lab.run(&[&LEADS[..], &["p.csv"]].concat()).exits(0);
        let summary = run.summary();
        assert_eq!(
            (summary["rows"]["read"].as_u64(), &summary["balanced"]),
            (Some(0), &true.into())
        );
        assert!(run.report().is_empty());
    }
    assert!(lab.inspect().creates().is_empty());
}

#[test]
fn a_quote_that_never_closes_is_placed_and_the_rows_before_are_in() {
    let workdir = Workdir::new();
    let text = "email,city\na@b.co,\"Ro\nme\"\n\nb@b.co,Oslo\nc@b.co,\"Bonn\nd@b.co,Rome\n";
    workdir.write("p.csv", text);
    let run = workdir.import_leads(&["p.csv"]).exits(5);
    insta::assert_snapshot!(run.error(), @"
    error: a quote opens here and never closes
      at: p.csv, line 6, row 3
      hint: close the quote, or double a quote that is part of the value; the rows before it were taken
    ");
    let summary = run.summary();
    assert_eq!(summary["outcome"], "bad_input");
    assert_eq!(summary["rows"]["read"], 2, "{run}");
    assert_eq!(summary["rows"]["accepted"], 2, "{run}");
    assert_eq!(summary["balanced"], true);
}

#[test]
fn a_command_that_cannot_run_says_what_to_type() {
    let workdir = Workdir::new();
    workdir.write("p.csv", "email\na@b.co\n");
    let far = ["--endpoint", "https://123-ABC-456.mktorest.com"];
    let plain = ["--endpoint", "http://marketo.example.org"];
    let sandbox = ["--endpoint", "sandbox"];
    let cases: [&[&str]; 9] = [
        &[],
        &far,
        &[far[0], far[1], "--client-id", "x"],
        &plain,
        &["--endpoint", "https://user:pass@123-abc-456.mktorest.com"],
        &[sandbox[0], sandbox[1], "--report", "none/r.csv"],
        &[sandbox[0], sandbox[1], "--rejects", "/proc/no/x.csv"],
        &[
            sandbox[0],
            sandbox[1],
            "--report",
            "r.csv",
            "--rejects",
            "r.csv",
        ],
        &[sandbox[0], sandbox[1], "--poll-interval", "1ms"],
    ];
    let mut texts = String::new();
    for args in cases {
        let run = workdir
            .run(&[&["import", "leads", "p.csv"], args].concat())
            .exits(2);
        assert_eq!(run.stdout(), "", "{run}");
        texts += &format!("{}\n", run.error());
    }
    assert!(!texts.contains("pass@"), "a password is not repeated");
    insta::assert_snapshot!(texts, @"
    error: no endpoint is given
      hint: pass --endpoint or set MKTO_ENDPOINT (Admin > Web Services > REST API shows it), or try `--endpoint sandbox`
    error: no client id is given
      hint: pass --client-id or set MKTO_CLIENT_ID; Marketo shows it under Admin > LaunchPoint > View Details of the custom service
    error: no client secret is given
      hint: set MKTO_CLIENT_SECRET, or MKTO_CLIENT_SECRET_FILE to a file that holds it; Marketo shows it under Admin > LaunchPoint > View Details of the custom service
    error: the endpoint is plain http to another machine (marketo.example.org)
      hint: write `https://marketo.example.org`, or pass --allow-insecure-http if the client secret may cross this network unencrypted
    error: the endpoint holds a user name or password
      hint: give only the address, `https://123-abc-456.mktorest.com`; credentials go into --client-id and MKTO_CLIENT_SECRET
    error: cannot write `none/r.csv`
      why: there is no folder `none`
      hint: create the folder, or give another path
    error: cannot write `/proc/no/x.csv`
      why: there is no such device
      hint: give another path
    error: --report and --rejects name the same file
    error: --poll-interval is shorter than 10ms
      hint: Adobe advises 5s to 30s
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_cannot_be_written_is_found_before_anything_is_sent() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir.write("p.csv", "email\na@b.co\n");
    lab.workdir.write("file", "");
    for path in ["none/r.csv", "file/r.csv", "."] {
        for flag in ["--report", "--rejects"] {
            let run = lab
                .run(&[&LEADS[..], &["p.csv", flag, path]].concat())
                .exits(2);
            assert!(run.error().contains("cannot write"), "{run}");
        }
    }
    assert!(lab.inspect().calls().is_empty());
}

#[test]
fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
    let workdir = Workdir::new();
    workdir.write("p.csv", "email\na@b.co\n");
    let attached = format!("--client-secret={SECRET}");
    for args in [&["--client-secret", SECRET][..], &[&attached]] {
        let run = workdir
            .run(&[&["import", "leads", "p.csv", "-vv"], args].concat())
            .exits(2);
        assert!(
            !run.to_string()
                .split("== stdout")
                .nth(1)
                .unwrap()
                .contains(SECRET),
            "{run}"
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.error(), @"
            error: a secret is never an argument: other users of this machine could read it
              hint: set MKTO_CLIENT_SECRET, or MKTO_CLIENT_SECRET_FILE to a file that holds it; and take this one as known
            ");
        }
    }
}
