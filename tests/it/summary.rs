//! The JSON summary: the contract's keys, before every exit code.

use std::collections::BTreeSet;

use serde_json::Value;

use super::in_process::{LEADS, Lab, settings};
use super::workdir::{Run, Workdir};

/// The contract's document, as it stands there.
const CONTRACT: &str = r#"
{"schema":1,"run_id":"…","outcome":"rows_failed","exit_code":3,
 "rows":{"read":0,"accepted":0,"failed":0,"warned":0,"rejected":0,"unknown":0},
 "balanced":true,
 "bytes":{"read":0,"sent":0},
 "chunks":[{"chunk":1,"rows":0,"bytes":0,"batch_id":0,"status":"Complete","accepted":0,"failed":0,"warned":0,"submits":1,"message":""}],
 "reasons":[{"reason":"…","status":"failed","rows":0,"first_rows":[1,2,3]}],
 "api_calls":0,"elapsed_ms":0,"report":"…","rejects":"…"}"#;

/// Keys that the summary has beyond the contract's.
const BEYOND: [&str; 4] = [
    "imbalances",
    "rejects_candidates",
    "rejects_missing",
    "serialize_waits",
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn keys_and_kinds_are_the_contracts() {
    let workdir = Workdir::new();
    workdir.write("p.csv", "email,city\na@b.co,Rome\n,Oslo\n");
    let run = workdir.import_leads(&["p.csv"]).exits(3);
    let (contract, summary): (Value, Value) =
        (serde_json::from_str(CONTRACT).unwrap(), run.summary());
    let mut wanted = keys(&contract);
    wanted.extend(BEYOND);
    assert_eq!(keys(&summary), wanted);
    for (name, inner) in [
        ("rows", ""),
        ("bytes", ""),
        ("chunks", "/0"),
        ("reasons", "/0"),
    ] {
        let at = format!("/{name}{inner}");
        let (ours, theirs) = (
            summary.pointer(&at).unwrap(),
            contract.pointer(&at).unwrap(),
        );
        assert_eq!(keys(ours), keys(theirs), "{name}");
    }
    for (key, theirs) in contract.as_object().unwrap() {
        let ours = &summary[key];
        let kinds = [ours, theirs].map(std::mem::discriminant);
        assert_eq!(kinds[0], kinds[1], "{key}: {ours}");
    }
    // stdout is that one document, on one line.
    assert_eq!(run.stdout().lines().count(), 1);
    assert_eq!(summary["reasons"][0]["first_rows"], serde_json::json!([2]));
    assert_eq!(summary["schema"], 1);
}

#[test]
fn nothing_is_on_stdout_unless_asked_for() {
    let workdir = Workdir::new();
    workdir.write("p.csv", "email\na@b.co\n");
    let args = ["import", "leads", "p.csv", "--endpoint", "sandbox"];
    let run = workdir.run(&args).exits(0);
    assert_eq!(run.stdout(), "");
    let stderr = run.stderr();
    assert!(
        stderr.starts_with("run "),
        "the first line names the run{run}"
    );
    let text = filtered(&workdir, &stderr);
    insta::assert_snapshot!(text, @"
    run RUN: importing leads, 13 B
    Finished: every row was accepted.
      read                   1
      accepted               1  100.00%
      0.0 MB in 1 chunk, 2 calls, 0s (0.0 MB/s)
      report   DIR/state/runs/RUN/report.csv
    ");
    let run = workdir.run(&[&args[..], &["--quiet"]].concat()).exits(0);
    assert_eq!((run.stdout(), run.stderr()), (String::new(), String::new()));
    // Quiet, and yet the one document.
    let args = [&args[..], &["--quiet", "--json"]].concat();
    let run = workdir.run(&args).exits(0);
    assert_eq!(run.summary()["exit_code"], 0);
    assert_eq!(run.stderr(), "");
}

/// Names of runs, folders and times as words.
fn filtered(workdir: &Workdir, text: &str) -> String {
    let folder = workdir.path("").display().to_string();
    let text = text.replace(folder.trim_end_matches('/'), "DIR");
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let is_run = |word: &str| word.len() == 21 && word.as_bytes()[15] == b'Z';
        let word = word
            .split_inclusive(['/', ':'])
            .map(|part| {
                let name = part.trim_end_matches(['/', ':']);
                if is_run(name) {
                    part.replace(name, "RUN")
                } else {
                    part.to_owned()
                }
            })
            .collect::<String>();
        let number = word
            .trim_end()
            .trim_end_matches(',')
            .trim_start_matches('(');
        let is_time =
            number.ends_with("ms") && number.trim_end_matches("ms").parse::<u32>().is_ok();
        if is_time {
            word.replace(number, "TIME")
        } else {
            word
        }
    });
    words.collect()
}

/// The summary's outcome, with its exit code held against the process's.
fn outcome(run: &Run) -> String {
    let summary = run.summary();
    let code = summary["exit_code"].as_i64().unwrap();
    assert_eq!(run.code().map(i64::from), Some(code), "{run}");
    format!("{code} {}", summary["outcome"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_comes_before_every_exit_code() {
    let cases: [(&str, &[&str], &[&str]); 9] = [
        ("0 accepted", &[], &["good.csv"]),
        ("3 rows_failed", &[], &["bad.csv"]),
        ("4 max_errors", &[], &["bad.csv", "--max-errors", "0"]),
        ("5 bad_input", &[], &["open.csv"]),
        ("6 auth", &["create:1:603"], &["good.csv"]),
        (
            "7 unbalanced",
            &["create:1:cut-after"],
            &["good.csv", "--on-unknown", "hold"],
        ),
        ("8 refused", &["create:1:job-failed"], &["good.csv"]),
        ("8 refused", &["create:1:1013"], &["good.csv"]),
        ("75 try_later", &["create:1:607"], &["good.csv"]),
    ];
    for (wanted, faults, args) in cases {
        let lab = Lab::new(settings(faults)).await;
        lab.workdir.write("good.csv", "email\na@b.co\n");
        lab.workdir.write("bad.csv", "email,city\n,Rome\n");
        lab.workdir
            .write("open.csv", "email,city\na@b.co,Rome\nb@b.co,\"Oslo\n");
        let run = lab.run(&[&LEADS[..], args].concat());
        assert_eq!(outcome(&run), wanted, "{run}");
        assert_eq!(run.summary()["balanced"], true, "{run}");
    }
}

/// Holds the summary of a run that did not begin against the contract; its
/// outcome, and whether it has the name of a run.
fn of_no_run(run: &Run) -> (String, bool) {
    let summary = run.summary();
    let contract: Value = serde_json::from_str(CONTRACT).unwrap();
    let mut wanted = keys(&contract);
    wanted.extend(BEYOND);
    assert_eq!(keys(&summary), wanted, "{run}");
    assert_eq!(run.stdout().lines().count(), 1, "{run}");
    for (rows, count) in summary["rows"].as_object().unwrap() {
        assert_eq!(count, 0, "{rows}{run}");
    }
    assert_eq!(summary["chunks"], serde_json::json!([]), "{run}");
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(
        (&summary["report"], &summary["rejects"]),
        (&"".into(), &"".into())
    );
    assert!(run.stderr().contains("error: "), "{run}");
    (outcome(run), summary["run_id"] != "")
}

#[test]
fn it_comes_before_the_errors_of_a_command_that_cannot_run() {
    let workdir = Workdir::new();
    workdir.write("p.csv", "email\na@b.co\n");
    let table = "[source]\nfiles = [\"p.csv\"]\n[target]\nobject = \"leads\"\n";
    workdir.write("typo.toml", format!("{table}[options]\nmax_inflight = 2\n"));
    workdir.write("no-endpoint.toml", table);
    let usage: [&[&str]; 8] = [
        &["import", "leads", "p.csv"],
        &["import", "leads", "p.csv", "--endpoint", "far away"],
        &["import", "leads", "p.csv", "--client-secret", "x"],
        // What clap refuses.
        &["import", "leads", "p.csv", "--max-in-flight", "99"],
        &["import", "leads", "p.csv", "--no-such-flag"],
        &["run", "typo.toml"],
        &["run", "no-endpoint.toml"],
        &["run", "none.toml"],
    ];
    for args in usage {
        let run = workdir.run(&[args, &["--json"]].concat());
        assert_eq!(of_no_run(&run), ("2 usage".to_owned(), false), "{run}");
    }
    let run = workdir.import_leads(&["none-*.csv"]);
    assert_eq!(of_no_run(&run), ("5 bad_input".to_owned(), false), "{run}");
    assert!(!workdir.path("state").exists(), "no run was begun");
    let run = workdir.import_leads(&["p.csv", "--report", "none/r.csv"]);
    assert_eq!(of_no_run(&run), ("2 usage".to_owned(), true), "{run}");
    workdir.write("empty.csv", "");
    let run = workdir.import_leads(&["empty.csv"]);
    assert_eq!(of_no_run(&run), ("5 bad_input".to_owned(), true), "{run}");
    // Other verbs have no summary, and help is no error.
    let run = workdir.run(&["split", "p.csv", "--json"]).exits(2);
    assert_eq!(run.stdout(), "", "{run}");
    let run = workdir
        .run(&["import", "leads", "--json", "--help"])
        .exits(0);
    assert!(!run.stdout().contains("run_id"), "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_comes_before_the_error_of_a_login_that_is_refused() {
    let lab = Lab::new(mktoload::sandbox::Settings {
        client_secret: Some("another".into()),
        ..settings(&[])
    })
    .await;
    lab.workdir.write("p.csv", "email\na@b.co\n");
    let run = lab.run(&[&LEADS[..], &["p.csv"]].concat());
    assert_eq!(of_no_run(&run), ("6 auth".to_owned(), true), "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_that_could_not_be_written_hides_no_counts() {
    let lab = Lab::new(mktoload::sandbox::Settings {
        job_latency: std::time::Duration::from_millis(300),
        ..settings(&[])
    })
    .await;
    lab.workdir.write("p.csv", "email\na@b.co\nb@b.co\n");
    lab.workdir.write("out/keep", "");
    let child = lab
        .command()
        .args(LEADS)
        .args(["p.csv", "--report", "out/report.csv"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while lab.inspect().jobs().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    std::fs::remove_dir_all(lab.workdir.path("out")).unwrap();
    let run = super::signals::ended(&lab, child);
    let summary = run.summary();
    assert_eq!(summary["rows"]["accepted"], 2, "{run}");
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(summary["report"], "", "{run}");
    assert!(!run.stderr().contains("  report "), "{run}");
    assert!(run.error().contains("out/report.csv"), "{run}");
    assert_ne!(run.code(), Some(0), "{run}");
    assert_eq!(run.code().unwrap(), summary["exit_code"], "{run}");
}
