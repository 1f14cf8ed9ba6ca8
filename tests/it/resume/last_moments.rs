//! The last moments of a process: what it wrote last is what a resume has.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use mktoload::ledger::Ledger;
use mktoload::sandbox::Settings;
use tokio::sync::watch;

use super::super::in_process::{LEADS, Lab, import_at, people, request_bytes, settings};
use super::super::workdir::{Run, column};

/// Bytes of a request with five people.
fn five() -> u64 {
    request_bytes(110)
}

fn run(lab: &Lab, mut command: std::process::Command) -> Run {
    let folder = lab.workdir.path("");
    command.stdin(File::open(lab.workdir.path("p.csv")).unwrap());
    tokio::task::block_in_place(|| Run::of(&folder, &mut command, b""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_rejected_behind_the_last_chunk_survive_a_kill_while_jobs_go_on() {
    let lab = Lab::new(Settings {
        job_latency: Duration::from_secs(1),
        ..settings(&[])
    })
    .await;
    let text = people(5) + "too@example.org,wide\n";
    lab.workdir.write("p.csv", text);
    let mut child = lab
        .command()
        .args(LEADS)
        .args(["p.csv"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while lab.inspect().jobs().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let ended = "SELECT bytes_at_end IS NOT NULL FROM runs";
    let database = lab.database();
    while !database
        .query_row(ended, [], |row| row.get::<_, bool>(0))
        .unwrap()
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = lab.run(&["resume", "--json"]).exits(3);
    let rows = &done.summary()["rows"];
    assert_eq!((&rows["read"], &rows["accepted"]), (&6.into(), &5.into()));
    assert_eq!(rows["rejected"], 1, "{done}");
    assert_eq!(column(&done.report(), "source_row"), ["6"], "{done}");
}

/// A source that cannot be read again has its rows in the spool alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_whose_end_could_not_be_written_down_keeps_its_rows() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir.write("p.csv", people(20));
    Ledger::open(&lab.workdir.path("state")).await.unwrap();
    let full = "CREATE TRIGGER no_room BEFORE UPDATE OF result ON chunks
                BEGIN SELECT RAISE(ABORT, 'no room'); END";
    lab.database().execute_batch(full).unwrap();
    let mut command = lab.command();
    let chunk = five().to_string();
    command
        .args(LEADS)
        .args(["-", "--max-part-bytes", &chunk, "--max-in-flight", "1"]);
    let failed = run(&lab, command).exits(1);
    assert_eq!(failed.summary()["balanced"], true, "{failed}");
    lab.database()
        .execute_batch("DROP TRIGGER no_room")
        .unwrap();
    let mut command = lab.command();
    command.args(["resume", "--json"]);
    let done = run(&lab, command).exits(0);
    assert_eq!(done.summary()["rows"]["accepted"], 20, "{done}");
    assert_eq!(lab.inspect().jobs().len(), 4, "{done}");
}

/// Rows before a source's fault are sent. Where something else keeps them from
/// it, the run is not over.
#[tokio::test]
async fn chunks_before_a_fault_of_the_source_that_could_not_be_sent_are_not_given_up() {
    let lab = Lab::new(settings(&["create:2-20:1016", "create:21:607"])).await;
    let plan = lab.plan("p.csv", people(10) + "\"never closed\n", five());
    let (_signal, never) = watch::channel(None);
    let at = lab.sandbox.base_url();
    let done = import_at(&at, plan, never).await.unwrap();
    assert_eq!(done.summary.rows.accepted, 5);
    assert!(done.resumable, "{:?}", done.error);
    assert_eq!(done.summary.exit_code, 75, "{:?}", done.error);
    let after = lab.resume(&done.summary.run_id).await.unwrap();
    assert_eq!(after.summary.rows.accepted, 10);
    assert_eq!(after.summary.exit_code, 5);
    assert!(!after.resumable);
}

/// Jobs that Marketo has hold their places before anything is sent.
#[tokio::test]
async fn a_resume_sends_nothing_beside_the_jobs_that_are_in_flight() {
    let lab = Lab::new(settings(&[])).await;
    let mut plan = lab.plan("p.csv", people(10), five());
    plan.max_in_flight = 1;
    let (_signal, never) = watch::channel(None);
    let at = lab.sandbox.base_url();
    let done = import_at(&at, plan, never).await.unwrap();
    // The first was lost time and again, and the second taken meanwhile.
    lab.database()
        .execute_batch(
            "UPDATE runs SET state = 'running';
             UPDATE chunks SET reported = 0, result = NULL;
             UPDATE submits SET outcome = 'lost', batch_id = NULL WHERE chunk = 1;
             UPDATE chunks SET state = 'ready', lost = 1 WHERE chunk = 1;
             UPDATE chunks SET state = 'in flight', batch_id =
                 (SELECT batch_id FROM submits WHERE submits.chunk = 2) WHERE chunk = 2",
        )
        .unwrap();
    let after = lab.resume(&done.summary.run_id).await.unwrap();
    let submitted_after_end = after.events.iter().position(|event| {
        matches!(event, mktoload::event::Event::Submitted { chunk, .. } if chunk.get() == 1)
    });
    let seen_to_end = after.events.iter().position(
        |event| matches!(event, mktoload::event::Event::JobSeen { chunk, .. } if chunk.get() == 2),
    );
    assert!(seen_to_end < submitted_after_end, "{:?}", after.events);
    assert_eq!(after.summary.rows.accepted, 10);
}
