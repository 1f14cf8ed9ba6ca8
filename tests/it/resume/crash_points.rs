//! Each row of the ledger's table of places where a process can die: the ledger
//! of a run is set back to what it holds there, and the run resumed.

use mktoload::ErrorKind;
use mktoload::config::choice::OnUnknown;
use mktoload::ledger::{ChunkState, Ledger, RunState};
use mktoload::sandbox::Call;

use super::super::in_process::{Done, Lab, settings};
use super::super::workdir::{Line, column};
use super::{five, people, report};

/// A place where a process can die, between two writes about chunk 2 of 3.
struct Point {
    name: &'static str,
    /// What befalls the import before.
    fault: &'static str,
    /// What leads from the ledger of the finished run back to that place.
    set_back: &'static str,
    /// Whether the entries of chunk 2 are on disk.
    entries: bool,
    /// POSTs that the resume makes, and how often chunk 2 may then have been
    /// taken.
    creates: u64,
    submits: u32,
    /// Whether jobs are looked at.
    polls: bool,
}

const READY: &str =
    "UPDATE chunks SET state = 'ready', reported = 0, result = NULL WHERE chunk = 2;
     DELETE FROM submits WHERE chunk = 2";
const SUBMITTING: &str =
    "UPDATE chunks SET state = 'submitting', reported = 0, result = NULL WHERE chunk = 2;
     UPDATE submits SET outcome = NULL, batch_id = NULL, request_id = NULL, detail = ''
         WHERE chunk = 2";
const LOST: &str =
    "UPDATE chunks SET state = 'ready', lost = 1, reported = 0, result = NULL WHERE chunk = 2;
     UPDATE submits SET outcome = 'lost', batch_id = NULL WHERE chunk = 2";
const IN_FLIGHT: &str =
    "UPDATE chunks SET state = 'in flight', reported = 0, result = NULL, batch_id =
         (SELECT batch_id FROM submits WHERE submits.chunk = 2) WHERE chunk = 2";
const ENDED: &str = "UPDATE chunks SET reported = 0, result = NULL WHERE chunk = 2";
const CUT: &str = "DELETE FROM chunks WHERE chunk = 3; UPDATE runs SET bytes_at_end = NULL";
const FIRST_CUT: &str = "DELETE FROM chunks; UPDATE runs SET bytes_at_end = NULL";

const POINTS: [Point; 13] = [
    Point {
        name: "before the first cut",
        fault: "",
        set_back: FIRST_CUT,
        entries: true,
        creates: 3,
        submits: 1,
        polls: true,
    },
    Point {
        name: "after the cut, before the intent",
        fault: "",
        set_back: READY,
        entries: false,
        creates: 1,
        submits: 1,
        polls: true,
    },
    Point {
        name: "after the intent: before, during or after the POST",
        fault: "",
        set_back: SUBMITTING,
        entries: false,
        creates: 1,
        submits: 2,
        polls: true,
    },
    Point {
        name: "after a lost answer was noted",
        fault: "",
        set_back: LOST,
        entries: false,
        creates: 1,
        submits: 2,
        polls: true,
    },
    Point {
        name: "in flight, or after the end of the job, before it is noted",
        fault: "",
        set_back: IN_FLIGHT,
        entries: false,
        creates: 0,
        submits: 1,
        polls: true,
    },
    Point {
        name: "in flight, the job will have failed",
        fault: "create:2:job-failed",
        set_back: IN_FLIGHT,
        entries: false,
        creates: 0,
        submits: 1,
        polls: true,
    },
    Point {
        name: "after the end is noted, before the entries are written",
        fault: "",
        set_back: ENDED,
        entries: false,
        creates: 0,
        submits: 1,
        polls: true,
    },
    Point {
        name: "after the entries, before `reported`",
        fault: "",
        set_back: ENDED,
        entries: true,
        creates: 0,
        submits: 1,
        polls: true,
    },
    Point {
        name: "the job failed, before the entries are written",
        fault: "create:2:job-failed",
        set_back: ENDED,
        entries: false,
        creates: 0,
        submits: 1,
        polls: true,
    },
    Point {
        name: "refused, before the entries are written",
        fault: "create:2:1003",
        set_back: ENDED,
        entries: false,
        creates: 0,
        submits: 0,
        polls: false,
    },
    Point {
        name: "before the next cut",
        fault: "",
        set_back: CUT,
        entries: true,
        creates: 1,
        submits: 1,
        polls: true,
    },
    Point {
        name: "after the last cut, before the end of the source is noted",
        fault: "",
        set_back: "UPDATE runs SET bytes_at_end = NULL",
        entries: true,
        creates: 0,
        submits: 1,
        polls: false,
    },
    Point {
        name: "after the last chunk is reported, before the run's end",
        fault: "",
        set_back: "SELECT 1",
        entries: true,
        creates: 0,
        submits: 1,
        polls: false,
    },
];

/// A run that ended, and its files, which a resume writes anew.
struct Before {
    done: Done,
    report: Vec<Line>,
    rejects: Vec<u8>,
}

/// A run of three chunks, its ledger set back.
async fn left_at(fault: &str, set_back: &str, entries: bool) -> (Lab, Before) {
    let faults: Vec<&str> = Some(fault)
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect();
    let lab = Lab::new(settings(&faults)).await;
    let mut plan = lab.plan("p.csv", people(), five());
    plan.max_in_flight = 1;
    let folder = plan.folder.clone();
    let done = lab.import(plan).await;
    assert_eq!(done.summary.chunks.len(), 3);
    set_back_to(&lab, set_back);
    if !entries {
        std::fs::remove_file(folder.join("entries/chunk-000002.entries")).unwrap();
    }
    let before = Before {
        report: report(&done),
        rejects: done.rejects(),
        done,
    };
    (lab, before)
}

/// The process died: the run says so, too.
fn set_back_to(lab: &Lab, set_back: &str) {
    const RUNNING: &str = "UPDATE runs SET state = 'running', ended = NULL, exit_code = NULL,
         summary = NULL";
    let database = lab.database();
    database.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    database
        .execute_batch(&format!("{RUNNING}; {set_back}"))
        .unwrap();
}

/// Nothing is left to do, says the ledger, and so says a resume.
async fn is_finished(lab: &Lab, done: &Done, name: &str) {
    let ledger = Ledger::open(&lab.workdir.path("state")).await.unwrap();
    let run = ledger.run(&done.summary.run_id).await.unwrap();
    assert_eq!(
        run.overview().await.unwrap().state,
        RunState::Finished,
        "{name}"
    );
    for chunk in run.chunks().await.unwrap() {
        let state = chunk.state;
        let is_done = matches!(
            state,
            ChunkState::Ended { reported: true, .. } | ChunkState::Halved
        );
        assert!(is_done, "{name}: {state}");
    }
    let again = lab.resume(&done.summary.run_id).await.err().unwrap();
    assert_eq!(again.kind(), ErrorKind::Usage, "{name}");
}

#[tokio::test]
async fn wherever_a_process_dies_its_run_goes_on_from_there() {
    for point in POINTS {
        let name = point.name;
        let (lab, before) = left_at(point.fault, point.set_back, point.entries).await;
        let (creates, statuses) = calls(&lab);
        let then = &before.done.summary;
        let after = lab.resume(&then.run_id).await.unwrap();
        assert!(after.error.is_none(), "{name}: {:?}", after.error);
        assert!(!after.resumable, "{name}");
        let (now, looks) = calls(&lab);
        assert_eq!(now - creates, point.creates, "{name}");
        assert_eq!(looks > statuses, point.polls, "{name}");
        let summary = &after.summary;
        assert_eq!(summary.chunks[1].submits, point.submits, "{name}");
        assert_eq!(summary.rows, then.rows, "{name}");
        assert_eq!(summary.bytes.read, then.bytes.read, "{name}");
        assert_eq!(summary.exit_code, then.exit_code, "{name}");
        assert!(summary.balanced, "{name}: {:?}", summary.imbalances);
        // What was answered to the upload is not what the job's status says.
        let without_reason = |mut lines: Vec<Line>| {
            let unknown = lines.iter_mut().filter(|line| line["status"] == "unknown");
            unknown.for_each(|line| drop(line.remove("reason")));
            lines
        };
        let (lines, wanted) = (report(&after), before.report);
        assert_eq!(without_reason(lines), without_reason(wanted), "{name}");
        assert_eq!(after.rejects(), before.rejects, "{name}");
        is_finished(&lab, &after, name).await;
    }
}

fn calls(lab: &Lab) -> (u64, u64) {
    let seen = lab.inspect();
    (seen.calls_of(Call::Create), seen.calls_of(Call::Status))
}

#[tokio::test]
async fn a_chunk_that_may_have_been_taken_can_be_held() {
    for set_back in [SUBMITTING, LOST] {
        let (lab, before) = left_at("", set_back, false).await;
        let (creates, _) = calls(&lab);
        let hold = |plan: &mut mktoload::pipeline::Plan| plan.on_unknown = OnUnknown::Hold;
        let run = &before.done.summary.run_id;
        let after = lab.resume_with(run, None, hold).await.unwrap();
        assert_eq!(calls(&lab).0, creates, "nothing is sent again");
        let rows = after.summary.rows;
        assert_eq!(
            (rows.read, rows.accepted, rows.failed, rows.unknown),
            (15, 8, 2, 5)
        );
        assert_eq!(after.summary.exit_code, 7);
        assert!(after.summary.balanced);
        assert_eq!(after.summary.chunks[1].submits, 1);
        assert_eq!(after.report().len(), 2 + 5);
        is_finished(&lab, &after, set_back).await;
    }
}

/// As the pieces and digests of its halves are written in one step with it,
/// both are there or neither.
#[tokio::test]
async fn the_halves_of_a_chunk_are_sent_and_the_chunk_is_not() {
    let text = people();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // Rows 6 to 8 and 9 to 10.
    let half = |number: u32, first: usize, end: usize| {
        let from: usize = lines[..first].iter().map(|line| line.len()).sum();
        let rows = lines[first..end].concat();
        let digest = twox_hash::XxHash3_128::oneshot(rows.as_bytes());
        let (count, bytes, to) = (end - first, lines[0].len() + rows.len(), from + rows.len());
        format!(
            "INSERT INTO chunks (run, chunk, parent, rows, bytes, digest, state, lost, reported)
                 SELECT run, {number}, 2, {count}, {bytes}, '{digest:032x}', 'ready', 0, 0 FROM runs;
             INSERT INTO pieces
                 SELECT run, {number}, 0, 0, {first}, {line}, {count}, {from}, {to} FROM runs;",
            line = first + 1,
        )
    };
    let halved = "UPDATE chunks SET state = 'halved', reported = 0, result = NULL WHERE chunk = 2;
         UPDATE submits SET outcome = 'too large', batch_id = NULL WHERE chunk = 2;";
    let set_back = format!("{halved}{}{}", half(4, 6, 9), half(5, 9, 11));
    let (lab, before) = left_at("", &set_back, false).await;
    let (creates, _) = calls(&lab);
    let after = lab.resume(&before.done.summary.run_id).await.unwrap();
    assert!(after.error.is_none(), "{:?}", after.error);
    assert_eq!(calls(&lab).0 - creates, 2);
    let chunks: Vec<(u32, u64)> = after
        .summary
        .chunks
        .iter()
        .map(|chunk| (chunk.chunk.get(), chunk.rows))
        .collect();
    assert_eq!(chunks, [(1, 5), (3, 5), (4, 3), (5, 2)]);
    assert_eq!(after.summary.rows, before.done.summary.rows);
    assert!(after.summary.balanced, "{:?}", after.summary.imbalances);
    let lines = report(&after);
    assert_eq!(column(&before.report, "chunk"), ["1", "2", "3"]);
    assert_eq!(column(&lines, "chunk"), ["1", "4", "3"]);
    assert_eq!(column(&lines, "source_row"), ["3", "8", "13"]);
    is_finished(&lab, &after, "halved").await;
}
