//! When a run ends before its source does, and how it says so.

use super::in_process::{LEADS, Lab, people, request_bytes, settings};
use super::workdir::Workdir;

/// People of whom every tenth lacks the lookup field.
fn some_bad(rows: usize) -> String {
    let row = |row: usize| match row % 10 {
        0 => ",Rome\n".to_owned(),
        _ => format!("p{row:05}@b.co,Rome\n"),
    };
    let rows = (1..=rows).map(row);
    std::iter::once("email,city\n".to_owned())
        .chain(rows)
        .collect()
}

#[test]
fn max_errors_stops_before_all_is_sent() {
    let workdir = Workdir::new();
    workdir.write("p.csv", some_bad(400));
    let limit = request_bytes(400).to_string();
    let with = |most| {
        let args = [
            "p.csv",
            "--max-errors",
            most,
            "--max-part-bytes",
            &limit,
            "--max-in-flight",
            "1",
        ];
        workdir.import_leads(&args)
    };
    let run = with("3").exits(4);
    let summary = run.summary();
    assert_eq!(summary["balanced"], true, "{run}");
    let failed = summary["rows"]["failed"].as_u64().unwrap();
    let read = summary["rows"]["read"].as_u64().unwrap();
    assert!(failed > 3 && failed < 20, "{run}");
    assert!(read < 400, "the rest was not sent{run}");
    assert_eq!(run.report().len() as u64, failed, "{run}");
    // Forty of four hundred are ten of a hundred.
    with("40").exits(3);
    with("9%").exits(4);
    with("25%").exits(3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_used_up_is_for_later() {
    let lab = Lab::new(settings(&["create:3+:607"])).await;
    lab.workdir.write("p.csv", people(20));
    let limit = request_bytes(110).to_string();
    let args = ["p.csv", "--max-part-bytes", &limit, "--max-in-flight", "1"];
    let run = lab.run(&[&LEADS[..], &args].concat()).exits(75);
    let summary = run.summary();
    assert_eq!(summary["rows"]["accepted"], 10, "{run}");
    assert_eq!(
        summary["rows"]["read"], 10,
        "what was not sent was not read{run}"
    );
    assert_eq!(summary["balanced"], true);
    insta::assert_snapshot!(run.error().split(" (request").next().unwrap(), @"error: 127.0.0.1 refused the upload of leads: 607 Daily quota reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_never_ends_is_unknown_in_time() {
    let lab = Lab::new(settings(&["create:1:stuck"])).await;
    lab.workdir.write("p.csv", people(10));
    let limit = request_bytes(110).to_string();
    let args = [
        "p.csv",
        "--max-part-bytes",
        &limit,
        "--job-timeout",
        "200ms",
        "--max-in-flight",
        "1",
    ];
    let run = lab.run(&[&LEADS[..], &args].concat()).exits(7);
    let summary = run.summary();
    assert_eq!(summary["rows"]["unknown"], 5, "{run}");
    assert_eq!(summary["rows"]["accepted"], 5, "{run}");
    assert_eq!(summary["chunks"][0]["status"], "unknown");
    let report = run.report();
    assert!(
        report
            .iter()
            .all(|line| line["status"] == "unknown" && !line["batch_id"].is_empty())
    );
}
