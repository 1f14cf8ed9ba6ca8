//! What passes is waited out, said once, and loses nothing.

use std::time::Duration;

use mktoload::config::Target;
use mktoload::event::{Event, WaitReason};
use mktoload::sandbox::{Call, Settings};

use super::in_process::{Done, LEADS, Lab, people, request_bytes, settings};

/// The waits for `reason`, by chunk.
fn waits(done: &Done, wanted: WaitReason) -> Vec<Option<u32>> {
    let chunk_of = |event: &Event| match event {
        Event::Waiting { chunk, reason, .. } if *reason == wanted => {
            Some(chunk.map(mktoload::units::ChunkNumber::get))
        }
        _ => None,
    };
    done.events.iter().filter_map(chunk_of).collect()
}

#[tokio::test]
async fn a_full_queue_is_waited_out_and_said_once() {
    let lab = Lab::new(settings(&["create:1-4:1016"])).await;
    let done = lab.import(lab.plan("p.csv", people(5), 10_000)).await;
    assert_eq!(done.summary.exit_code, 0);
    assert_eq!(waits(&done, WaitReason::QueueFull), [Some(1)]);
    assert_eq!(done.summary.chunks[0].submits, 1, "a refusal is no submit");
    assert_eq!(lab.inspect().calls_of(Call::Create), 5);
    assert_eq!(lab.inspect().jobs().len(), 1);
}

#[tokio::test]
async fn a_list_that_others_import_into_is_waited_out_and_said_once() {
    let lab = Lab::new(Settings {
        one_job_per_list: true,
        job_latency: Duration::from_millis(30),
        ..settings(&["create:1-3:1019"])
    })
    .await;
    let mut plan = lab.plan("p.csv", people(15), request_bytes(110));
    plan.target = Target::Leads {
        lookup_field: None,
        list_id: Some(7),
        partition: None,
    };
    let done = lab.import(plan).await;
    assert_eq!(done.summary.rows.accepted, 15);
    assert_eq!(waits(&done, WaitReason::ListBusy), [Some(1)]);
    // Of our own jobs none is in another's way: the sandbox refused none.
    assert_eq!(lab.inspect().most_in_flight(), 1);
    assert_eq!(lab.inspect().errors()[&1019], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_told_of_the_queue_in_one_line() {
    let lab = Lab::new(settings(&["create:1-2:1016"])).await;
    lab.workdir.write("p.csv", people(5));
    let run = lab.run(&[&LEADS[..], &["p.csv"]].concat()).exits(0);
    let stderr = run.stderr();
    let lines: Vec<&str> = stderr
        .lines()
        .filter(|line| line.contains("1016"))
        .collect();
    assert_eq!(lines.len(), 1, "{run}");
    let (before, after) = lines[0].split_once("waits ").unwrap();
    let (_, after) = after.split_once(": ").unwrap();
    let (after, _) = after.split_once(" (request").unwrap();
    let line = format!("{before}waits TIME: {after}");
    insta::assert_snapshot!(line, @"chunk 1 waits TIME: Marketo's import queue is full (1016): 1016 There are 10 imports currently being processed. Please try again later");
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_is_renewed() {
    let faults = ["create:2:602", "status:2:601", "failures:1:602"];
    let lab = Lab::new(settings(&faults)).await;
    let text = format!("{}\n,\n", people(20).trim_end()).replace('\n', ",1\n");
    let text = text
        .replacen("email,1", "email,numberOfEmployees", 1)
        .replace(",,1", ",many");
    let mut plan = lab.plan("p.csv", &text, request_bytes(130));
    plan.max_in_flight = 1;
    let done = lab.import(plan).await;
    let rows = done.summary.rows;
    assert_eq!(done.summary.exit_code, 3, "{rows:?} {:?}", done.error);
    assert_eq!((rows.read, rows.accepted, rows.failed), (21, 20, 1));
    assert_eq!(lab.inspect().calls_of(Call::Identity), 4);
    assert_eq!(lab.inspect().errors()[&602], 2);
}

#[tokio::test]
async fn passing_faults_lose_nothing() {
    let faults = [
        "identity:1:http-502",
        "create:1:606",
        "create:2:615",
        "create:3:cut-before",
        "create:5:http-503",
        "status:1:html",
        "status:2:http-500",
        "status:3:cut-before",
        "status:4:611",
        "status:5:truncated",
        "status:6:status-Mending",
    ];
    let lab = Lab::new(settings(&faults)).await;
    let done = lab
        .import(lab.plan("p.csv", people(40), request_bytes(110)))
        .await;
    let summary = &done.summary;
    assert!(done.error.is_none(), "{:?}", done.error);
    assert_eq!((summary.rows.read, summary.rows.accepted), (40, 40));
    assert_eq!(summary.exit_code, 0);
    let accepted: u64 = lab.inspect().jobs().iter().map(|job| job.accepted).sum();
    let twice: u64 = summary
        .chunks
        .iter()
        .map(|chunk| u64::from(chunk.submits - 1) * chunk.rows)
        .sum();
    // What may have come twice is said, chunk by chunk; no less came.
    assert!(
        accepted >= 40 && accepted <= 40 + twice,
        "{accepted}, {twice}"
    );
}
