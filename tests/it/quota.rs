//! The daily quota is used up (607): the run waits for its reset, if it may.

use std::io::BufReader;
use std::process::{Child, Stdio};

use mktoload::event::{Event, WaitReason};
use tokio::sync::watch;

use super::in_process::{Done, LEADS, Lab, import_with, request_bytes, settings};
use super::signals::{ended, raise, said};

/// Four people, of whom the second has no e-mail address.
const PEOPLE: &str = "email,city\na@b.co,Rome\n,Oslo\nc@b.co,Bonn\nd@b.co,Bern\n";

/// Imports in chunks of two, with the quota used up at three kinds of calls.
async fn import(wait_for_quota: bool) -> (Lab, Done) {
    let lab = Lab::new(settings(&[
        "create:2-3:607",
        "status:1:607",
        "failures:1:607",
    ]))
    .await;
    let mut plan = lab.plan("p.csv", PEOPLE, request_bytes(40));
    plan.max_in_flight = 1;
    let at = lab.sandbox.base_url();
    let (_signal, never) = watch::channel(None);
    let change = |config: &mut mktoload::marketo::ClientConfig| {
        config.wait_for_quota = wait_for_quota;
    };
    let done = import_with(&at, plan, never, change).await.unwrap();
    (lab, done)
}

#[tokio::test]
async fn after_the_reset_the_import_goes_on() {
    let (lab, done) = import(true).await;
    assert!(done.error.is_none(), "{:?}", done.error);
    let rows = done.summary.rows;
    assert_eq!((rows.read, rows.accepted, rows.failed), (4, 3, 1));
    assert_eq!(done.summary.exit_code, 3);
    assert!(done.summary.balanced);
    assert_eq!(lab.inspect().errors()[&607], 4);
    let mut chunks = Vec::new();
    for event in &done.events {
        if let Event::Waiting { chunk, reason, .. } = event {
            assert_eq!(*reason, WaitReason::Quota);
            chunks.push(chunk.map(mktoload::units::ChunkNumber::get));
        }
    }
    // Those of other calls than a create have no chunk.
    chunks.sort_unstable();
    assert_eq!(chunks, [None, None, Some(2), Some(2)]);
}

#[tokio::test]
async fn without_leave_nothing_is_waited_for() {
    let (_lab, done) = import(false).await;
    assert_eq!(done.summary.exit_code, 75);
    let waits = |event: &Event| matches!(event, Event::Waiting { .. });
    assert!(!done.events.iter().any(waits), "{:?}", done.events);
}

/// Starts an import that may wait, and reads what it says up to a line with
/// `607`, which is given.
fn waiting(lab: &Lab) -> (Child, BufReader<std::process::ChildStderr>, String) {
    lab.workdir.write("p.csv", PEOPLE);
    let mut child = lab
        .command()
        .args(LEADS)
        .args(["p.csv", "--wait-for-quota"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let line = said(&mut stderr, "607");
    (child, stderr, line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_says_why_and_until_when_and_can_be_interrupted() {
    let lab = Lab::new(settings(&["create:1+:607"])).await;
    let (child, _stderr, line) = waiting(&lab);
    let (before, after) = line.split_once("waits ").unwrap();
    let (_, after) = after.split_once(" (until ").unwrap();
    let (until, after) = after.split_once("): ").unwrap();
    let (after, _) = after.split_once(" (request").unwrap();
    assert!(until.ends_with(" 06:01 UTC"), "{line}");
    insta::assert_snapshot!(format!("{before}waits TIME (until DAY): {after}"), @"chunk 1 waits TIME (until DAY): the daily call quota is used up (607): 607 Daily quota reached");
    raise(&child, "INT");
    let run = ended(&lab, child).exits(130);
    let summary = run.summary();
    assert_eq!(summary["rows"]["read"], 0, "nothing was sent{run}");
    assert_eq!(summary["balanced"], true, "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_status_has_to_wait_is_unknown_after_a_second_signal() {
    let lab = Lab::new(settings(&["status:1+:607"])).await;
    let (child, mut stderr, _) = waiting(&lab);
    raise(&child, "INT");
    said(&mut stderr, "stopping");
    raise(&child, "INT");
    let run = ended(&lab, child).exits(130);
    let summary = run.summary();
    assert_eq!(summary["rows"]["unknown"], 4, "{run}");
    assert_eq!(summary["balanced"], true, "{run}");
}
