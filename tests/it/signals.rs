//! SIGINT and SIGTERM with jobs in flight: nothing more is sent, what is in
//! flight is seen to its end, and the books balance.

use std::io::BufRead;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mktoload::sandbox::{Call, Settings};

use super::in_process::{LEADS, Lab, people, request_bytes, settings};
use super::workdir::Run;

/// Starts an import of 400 people in chunks of five, of which one at a time is
/// in flight, and comes back when `jobs` were taken.
pub(crate) async fn start(lab: &Lab, jobs: usize) -> Child {
    lab.workdir.write("p.csv", people(400));
    let limit = request_bytes(110).to_string();
    let child = lab
        .command()
        .args(LEADS)
        .args(["p.csv", "--max-part-bytes", &limit, "--max-in-flight", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Another process: all that can be done is to look again.
    while lab.inspect().jobs().len() < jobs {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    child
}

pub(crate) fn raise(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let done = Command::new("kill").args(["-s", signal, &id]).status();
    assert!(done.unwrap().success());
}

pub(crate) fn ended(lab: &Lab, child: Child) -> Run {
    let wait = || Run::ended(&lab.workdir.path(""), "mktoload".to_owned(), child);
    tokio::task::block_in_place(wait)
}

/// The next line with `word` of what a child says.
pub(crate) fn said(stderr: &mut impl BufRead, word: &str) -> String {
    loop {
        let mut line = String::new();
        let read = tokio::task::block_in_place(|| stderr.read_line(&mut line));
        assert!(read.unwrap() > 0, "nothing was said of {word}");
        if line.contains(word) {
            return line;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_in_flight_are_seen_to_their_end() {
    for (signal, code, outcome) in [("INT", 130, "interrupted"), ("TERM", 143, "terminated")] {
        let lab = Lab::new(Settings {
            rows_per_second: Some(50),
            ..settings(&[])
        })
        .await;
        let child = start(&lab, 3).await;
        raise(&child, signal);
        let run = ended(&lab, child).exits(code);
        let summary = run.summary();
        assert_eq!(summary["outcome"], outcome, "{run}");
        assert_eq!(summary["balanced"], true, "{run}");
        let sent = lab.inspect().jobs().len() as u64;
        assert!(sent < 10, "{sent} of 80 chunks{run}");
        assert_eq!(summary["rows"]["accepted"], sent * 5, "{run}");
        assert_eq!(summary["rows"]["read"], sent * 5, "{run}");
        assert!(run.stderr().contains("stopping"), "{run}");
        assert!(run.report().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_leaves_the_job_unknown() {
    let lab = Lab::new(settings(&["create:2:stuck"])).await;
    let mut child = start(&lab, 2).await;
    raise(&child, "INT");
    // Signals of one kind are merged: the second is sent when the first was
    // heard, which is said on stderr.
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    said(&mut stderr, "stopping");
    raise(&child, "INT");
    let run = ended(&lab, child).exits(130);
    let summary = run.summary();
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(summary["rows"]["accepted"], 5, "{run}");
    assert_eq!(summary["rows"]["unknown"], 5, "{run}");
    let report = run.report();
    assert_eq!(report.len(), 5);
    assert!(report.iter().all(|line| line["status"] == "unknown"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_waits_for_no_answer_to_an_upload() {
    let lab = Lab::new(settings(&["create:2:timeout"])).await;
    let mut child = start(&lab, 1).await;
    while lab.inspect().calls_of(Call::Create) < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let begun = std::time::Instant::now();
    raise(&child, "INT");
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    said(&mut stderr, "stopping");
    raise(&child, "INT");
    let run = ended(&lab, child).exits(130);
    assert!(begun.elapsed() < Duration::from_secs(10), "{run}");
    let summary = run.summary();
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(summary["rows"]["accepted"], 5, "{run}");
    assert_eq!(summary["rows"]["unknown"], 5, "{run}");
    let done = lab.run(&["resume", "--json"]).exits(0);
    assert_eq!(done.summary()["rows"]["accepted"], 400, "{done}");
}
