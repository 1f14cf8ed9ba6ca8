//! SIGKILL at any moment, and resume until it is done: no row is lost, and none
//! is sent twice but for those that the summary says.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use mktoload::ledger::{ChunkState, Ledger, RunOverview, RunState};
use mktoload::sandbox::Settings;
use mktoload::units::RunId;

use super::in_process::{LEADS, Lab, request_bytes, settings};
use super::workdir::{Run, column, read_report};

const ROWS: usize = 300;

/// People of whom every 25th is refused.
fn people() -> String {
    let row = |row: usize| {
        let employees = if row.is_multiple_of(25) { "many" } else { "12" };
        format!("p{row:04}@b.co,{employees}\n")
    };
    let rows: String = (1..=ROWS).map(row).collect();
    format!("email,numberOfEmployees\n{rows}")
}

/// Kills the process `after` so long, unless it has ended by itself.
fn killed(lab: &Lab, args: &[&str], after: Duration) -> Option<Run> {
    let mut command = lab.command();
    if args.contains(&"-") || args[0] == "resume" {
        command.stdin(std::fs::File::open(lab.workdir.path("p.csv")).unwrap());
    }
    let mut child = command
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    tokio::task::block_in_place(|| {
        let end = Instant::now() + after;
        while child.try_wait().unwrap().is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
        }
        let run = Run::ended(&lab.workdir.path(""), format!("{args:?}"), child);
        run.code().map(|_| run)
    })
}

/// How often each chunk was submitted that is done, by its number.
async fn done(lab: &Lab) -> BTreeMap<u32, usize> {
    let ledger = Ledger::open(&lab.workdir.path("state")).await.unwrap();
    let Some(run) = ledger.newest().await.unwrap() else {
        return BTreeMap::new();
    };
    let chunks = ledger.run(&run).await.unwrap().chunks().await.unwrap();
    let done = chunks
        .iter()
        .filter(|chunk| matches!(chunk.state, ChunkState::Ended { reported: true, .. }));
    done.map(|chunk| (chunk.chunk.get(), chunk.submits.len()))
        .collect()
}

/// The newest run, or one that has not begun.
async fn overview(lab: &Lab) -> RunOverview {
    let ledger = Ledger::open(&lab.workdir.path("state")).await.unwrap();
    let mut runs = ledger.runs().await.unwrap();
    assert!(runs.len() <= 1, "a resume begins no run");
    runs.pop().unwrap_or_else(|| RunOverview {
        run: RunId::known("none"),
        started: jiff::Timestamp::UNIX_EPOCH,
        ended: None,
        target: String::new(),
        endpoint: String::new(),
        state: RunState::Running,
        exit_code: None,
        summary: None,
    })
}

/// One import, killed at up to `most` random moments; how many there were.
async fn killed_again_and_again(source: &str, most: usize, seed: u64) -> usize {
    let lab = Lab::new(Settings {
        job_latency: Duration::from_millis(4),
        ..settings(&[])
    })
    .await;
    lab.workdir.write("p.csv", people());
    let mut random = fastrand::Rng::with_seed(seed);
    let limit = request_bytes(120).to_string();
    let import = [&LEADS[..], &[source, "--max-part-bytes", &limit]].concat();
    let resume = [
        "resume",
        "--poll-interval",
        "10ms",
        "--rate-limit",
        "10000/1s",
        "--json",
    ];
    let mut finished = BTreeMap::new();
    let mut kills = 0;
    while kills < most {
        let begun = overview(&lab).await.started != jiff::Timestamp::UNIX_EPOCH;
        let args = if begun { &resume[..] } else { &import[..] };
        let run = killed(&lab, args, Duration::from_millis(random.u64(30..200)));
        let now = done(&lab).await;
        for (chunk, submits) in &finished {
            assert_eq!(
                now.get(chunk),
                Some(submits),
                "a finished chunk was sent again"
            );
        }
        finished = now;
        if run.is_some() || overview(&lab).await.state == RunState::Finished {
            break;
        }
        kills += 1;
    }
    // It may have been killed after all was done.
    if overview(&lab).await.state != RunState::Finished {
        killed(&lab, &resume, Duration::from_secs(60))
            .unwrap()
            .exits(3);
    }
    let overview = overview(&lab).await;
    assert_eq!(
        (overview.state, overview.exit_code),
        (RunState::Finished, Some(3))
    );
    let run = overview.summary.unwrap();
    let summary: serde_json::Value = serde_json::from_str(&run).unwrap();
    assert_eq!(summary["balanced"], true, "{run}");
    let rows = &summary["rows"];
    assert_eq!(rows["read"], ROWS, "{run}");
    assert_eq!(rows["failed"], ROWS / 25, "{run}");
    assert_eq!(rows["accepted"], ROWS - ROWS / 25, "{run}");
    // Each failed row once, though its chunk may have been looked at twice.
    let report = read_report(summary["report"].as_str().unwrap().as_ref());
    let wanted: Vec<String> = (1..=ROWS / 25).map(|nth| (nth * 25).to_string()).collect();
    assert_eq!(column(&report, "source_row"), wanted, "{run}");
    // What Marketo took, row by row, against what the summary says was sent.
    let mut taken: BTreeMap<String, u64> = BTreeMap::new();
    for job in lab.inspect().jobs() {
        for row in lab.inspect().accepted_rows(job.batch_id) {
            *taken.entry(row[0].clone()).or_default() += 1;
        }
    }
    let mut row = 0;
    for chunk in summary["chunks"].as_array().unwrap() {
        let submits = chunk["submits"].as_u64().unwrap();
        for _ in 0..chunk["rows"].as_u64().unwrap() {
            row += 1;
            let times = taken.remove(&format!("p{row:04}@b.co"));
            if row % 25 == 0 {
                assert_eq!(times, None);
            } else {
                let times = times.unwrap_or(0);
                assert!(
                    (1..=submits).contains(&times),
                    "row {row} was taken {times} times, the summary says {submits}: {run}"
                );
            }
        }
    }
    assert!(taken.is_empty(), "{taken:?}");
    kills
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_import_of_a_file_goes_on() {
    let (mut kills, mut seed) = (0, 0);
    while kills < 40 {
        kills += killed_again_and_again("p.csv", 40 - kills, seed).await;
        seed += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_import_of_standard_input_goes_on() {
    let (mut kills, mut seed) = (0, 1000);
    while kills < 10 {
        kills += killed_again_and_again("-", 10 - kills, seed).await;
        seed += 1;
    }
}
