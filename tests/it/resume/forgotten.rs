//! Jobs whose results Marketo no longer keeps, clocks that were set back, and
//! what the ledger does not hold.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use mktoload::sandbox::Call;

use super::super::in_process::{Done, LEADS, Lab, settings};
use super::super::privacy::{below, contains};
use super::super::workdir::{Run, SECRET};
use super::{five, people};

const IN_FLIGHT: &str = "UPDATE chunks SET state = 'in flight', reported = 0, result = NULL,
     batch_id = (SELECT batch_id FROM submits WHERE submits.chunk = 2) WHERE chunk = 2";
const ENDED: &str = "UPDATE chunks SET reported = 0, result = NULL WHERE chunk = 2";

/// A run whose second chunk was submitted at another time, and stands where
/// `set_back` puts it.
async fn submitted_at(lab: &Lab, at: jiff::Timestamp, set_back: &str) -> Done {
    let done = lab.import(lab.plan("p.csv", people(), five())).await;
    let died = "UPDATE runs SET state = 'running'";
    let when = format!("UPDATE submits SET at = '{at:.9}' WHERE chunk = 2");
    let change = format!("{died}; {when}; {set_back}");
    lab.database().execute_batch(&change).unwrap();
    done
}

#[tokio::test]
async fn after_seven_days_nobody_can_tell() {
    let now = jiff::Timestamp::now();
    for set_back in [IN_FLIGHT, ENDED] {
        let lab = Lab::new(settings(&[])).await;
        let day = Duration::from_secs(24 * 3600);
        let then = submitted_at(&lab, now - 8 * day, set_back).await;
        let before = lab.inspect().calls();
        let done = lab.resume(&then.summary.run_id).await.unwrap();
        let after = lab.inspect().calls();
        for call in [Call::Create, Call::Status, Call::Failures] {
            assert_eq!(after[&call], before[&call], "{call}");
        }
        assert!(done.error.is_none(), "{:?}", done.error);
        assert_eq!(done.summary.exit_code, 7);
        assert!(!done.resumable && done.summary.balanced);
        let rows = done.summary.rows;
        assert_eq!((rows.accepted, rows.failed, rows.unknown), (8, 2, 5));
        let chunk = &done.summary.chunks[1];
        assert_eq!((chunk.status.as_str(), chunk.submits), ("unknown", 1));
        assert_eq!(chunk.batch_id, then.summary.chunks[1].batch_id);
        let report = done.report();
        let unknown: Vec<_> = report
            .iter()
            .filter(|line| line["status"] == "unknown")
            .collect();
        assert_eq!(unknown.len(), 5);
        insta::allow_duplicates! {
            insta::assert_snapshot!(unknown[0]["reason"], @"Marketo keeps a job's result for seven days, and this job is older: its rows may have been imported");
        }
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_makes_no_job_old() {
    let now = jiff::Timestamp::now();
    let day = Duration::from_secs(24 * 3600);
    for at in [now + 400 * day, now - 6 * day] {
        let lab = Lab::new(settings(&[])).await;
        let then = submitted_at(&lab, at, IN_FLIGHT).await;
        let done = lab.resume(&then.summary.run_id).await.unwrap();
        assert_eq!(done.summary.exit_code, 3, "{at}");
        assert_eq!(done.summary.rows, then.summary.rows, "{at}");
        assert_eq!(lab.inspect().jobs().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_holds_no_secret_and_no_row() {
    let lab = Lab::new(settings(&["create:3:607"])).await;
    let text = people() + "wide@b.co,1,2\n";
    lab.workdir.write("p.csv", &text);
    let limit = five().to_string();
    let mut command = lab.command();
    command
        .args(LEADS)
        .args(["-", "--max-part-bytes", &limit, "--max-in-flight", "1"])
        .stdin(File::open(lab.workdir.path("p.csv")).unwrap());
    let folder = lab.workdir.path("");
    let run = tokio::task::block_in_place(|| Run::of(&folder, &mut command, b""));
    run.exits(75);
    check_state(&lab, true);
    // What SQLite has written, but for the moment that it is open.
    let open = lab.database();
    open.execute_batch("BEGIN IMMEDIATE; UPDATE runs SET exit_code = 75")
        .unwrap();
    check_state(&lab, true);
    drop(open);
    lab.run(&["resume"]).exits(3);
    check_state(&lab, false);
}

/// All files of the state folder, while rows are in the spool or are not.
fn check_state(lab: &Lab, spooled: bool) {
    let all = below(&lab.workdir.path("state"));
    for path in &all {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{} has {mode:o}", path.display());
    }
    let with = |what: &str| -> Vec<String> {
        let files = all.iter().filter(|path| path.is_file());
        let files = files.filter(|path| contains(&std::fs::read(path).unwrap(), what));
        files.map(|path| path.display().to_string()).collect()
    };
    assert_eq!(with(SECRET), [""; 0]);
    // A row that is not done, and one that failed.
    let spool = with("p12@b.co");
    assert_eq!(spool.len(), usize::from(spooled), "{spool:?}");
    assert!(
        spool.iter().all(|path| path.contains("/spool/")),
        "{spool:?}"
    );
    for row in ["p03@b.co", "wide@b.co"] {
        let files = with(row);
        assert!(!files.is_empty());
        let of_ledger: Vec<_> = files
            .iter()
            .filter(|path| path.contains("ledger"))
            .collect();
        assert!(of_ledger.is_empty(), "{of_ledger:?}");
    }
    assert!(with("@b.co").iter().all(|path| !path.contains("ledger")));
}
