//! Faults drawn from a seed, a hundred times.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use mktoload::ledger::{ChunkRecord, ChunkState, Ledger};
use mktoload::sandbox::Settings;

use super::super::in_process::{Done, Lab, request_bytes, settings};

const SEEDS: u64 = 100;
const ROWS: u64 = 24;

/// What can befall any call.
const ANY: [&str; 19] = [
    "601",
    "602",
    "604",
    "606",
    "608",
    "611",
    "614",
    "615",
    "713",
    "719",
    "9001",
    "http-500",
    "http-502",
    "http-503",
    "http-429",
    "cut-before",
    "cut-after",
    "html",
    "hang-5ms",
];
const CREATE: [&str; 10] = [
    "607",
    "1016",
    "1019",
    "1003",
    "http-413",
    "truncated",
    "empty-result",
    "job-failed",
    "status-Mending",
    "cut-after",
];
const STATUS: [&str; 4] = ["607", "truncated", "empty-result", "status-Mending"];
const FILES: [&str; 2] = ["607", "truncated"];
const IDENTITY: [&str; 5] = ["expires-0", "http-503", "cut-before", "cut-after", "html"];

/// A few rules, each with odds.
fn rules(dice: &mut fastrand::Rng) -> Vec<String> {
    let count = dice.usize(3..9);
    let mut rule = || {
        let (call, own) = match dice.u8(0..10) {
            0..4 => ("create", &CREATE[..]),
            4..7 => ("status", &STATUS[..]),
            7 => ("failures", &FILES[..]),
            8 => ("warnings", &FILES[..]),
            _ => ("identity", &IDENTITY[..]),
        };
        let effect = if call != "identity" && dice.bool() {
            ANY[dice.usize(..ANY.len())]
        } else {
            own[dice.usize(..own.len())]
        };
        format!("{call}:{}%:{effect}", dice.u8(5..30))
    };
    (0..count).map(|_| rule()).collect()
}

fn email(row: u64) -> String {
    match row % 7 {
        0 => format!("p{row:02} at b.co"),
        _ => format!("p{row:02}@b.co"),
    }
}

/// People of whom some are refused, some warned of, and some rejected here.
fn people() -> String {
    let row = |row: u64| match (row % 6, row % 8) {
        (_, 0) => format!("{},12,wide\n", email(row)),
        (0, _) => format!("{},many\n", email(row)),
        _ => format!("{},12\n", email(row)),
    };
    let rows: String = (1..=ROWS).map(row).collect();
    format!("email,numberOfEmployees\n{rows}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_mixtures_of_faults_lose_nothing() {
    let runs = futures::stream::iter((0..SEEDS).map(under_faults));
    let whole: Vec<bool> = runs.buffer_unordered(8).collect().await;
    // A test of what cannot be told would tell nothing.
    let whole = whole.iter().filter(|whole| **whole).count();
    assert!(whole > 50, "only {whole} runs came to a whole end");
}

/// One run, resumed until nothing is left of it. Whether all of it is known.
async fn under_faults(seed: u64) -> bool {
    let mut dice = fastrand::Rng::with_seed(seed);
    let rules = rules(&mut dice);
    let faults: Vec<&str> = rules.iter().map(String::as_str).collect();
    let lab = Lab::new(Settings {
        seed,
        ..settings(&faults)
    })
    .await;
    let mut plan = lab.plan("p.csv", people(), request_bytes(90));
    plan.max_in_flight = dice.usize(1..4);
    let run = plan.run.clone();
    let told = format!("seed {seed}, {faults:?}");
    let at = lab.sandbox.base_url();
    let (_signal, never) = tokio::sync::watch::channel(None);
    // Faults of the login before the run began leave nothing behind.
    let Ok(mut done) = super::super::in_process::import_at(&at, plan, never).await else {
        assert!(lab.inspect().jobs().is_empty(), "{told}");
        return false;
    };
    for _ in 0..60 {
        let chunks = chunks(&lab, &run).await;
        check(&lab, &done, &chunks, &told);
        if !done.resumable {
            let rows = done.summary.rows;
            return done.summary.balanced && rows.read == ROWS && rows.unknown == 0;
        }
        // One that cannot begin leaves the run as it was.
        if let Ok(further) = lab.resume(&run).await {
            done = further;
        }
    }
    panic!("{told}: no end: {:?} {:?}", done.error, done.summary);
}

async fn chunks(lab: &Lab, run: &mktoload::units::RunId) -> Vec<ChunkRecord> {
    let ledger = Ledger::open(&lab.workdir.path("state")).await.unwrap();
    ledger.run(run).await.unwrap().chunks().await.unwrap()
}

/// What the summary and the report say against what the sandbox took.
fn check(lab: &Lab, done: &Done, chunks: &[ChunkRecord], told: &str) {
    let (summary, inspect) = (&done.summary, lab.inspect());
    let told = format!("{told}: {:?} {summary:?}", done.error);
    assert_eq!(summary.balanced, summary.imbalances.is_empty(), "{told}");
    let rows = summary.rows;
    let parts = rows.accepted + rows.failed + rows.rejected + rows.unknown;
    assert!(rows.read == parts || !summary.balanced, "{told}");
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for job in inspect.jobs() {
        for row in inspect.accepted_rows(job.batch_id) {
            *taken.entry(row[0].clone()).or_default() += 1;
        }
    }
    let mut lines: BTreeMap<u64, Vec<(String, String)>> = BTreeMap::new();
    for line in done.report() {
        let row = line["source_row"].parse().unwrap_or(0);
        let line = (line["chunk"].clone(), line["status"].clone());
        lines.entry(row).or_default().push(line);
    }
    for row in 1..=ROWS {
        let times = taken.remove(&email(row)).unwrap_or(0);
        let said: Vec<&str> = lines
            .get(&row)
            .into_iter()
            .flatten()
            .map(|(_, status)| status.as_str())
            .collect();
        let holds = |chunk: &&ChunkRecord| {
            chunk.state != ChunkState::Halved
                && chunk.pieces.iter().any(|piece| {
                    (piece.first_row.get()..piece.first_row.get() + piece.rows).contains(&row)
                })
        };
        let told = format!("row {row}, taken {times} times, said {said:?}: {told}");
        let number = chunks.iter().find(holds).map(|chunk| chunk.chunk);
        let chunk = summary.chunks.iter().find(|it| Some(it.chunk) == number);
        if row % 8 == 0 {
            assert!(times == 0 && number.is_none(), "{told}");
            assert!(said.is_empty() || said == ["rejected"], "{told}");
            continue;
        }
        let Some(chunk) = chunk else {
            assert!(times == 0 && said.is_empty(), "not sent, {told}");
            continue;
        };
        // A file that was cut off may end in half a row.
        let is_unmatched = |status: &str| {
            let line = (chunk.chunk.to_string(), status.to_owned());
            lines.get(&0).is_some_and(|lines| lines.contains(&line))
        };
        let bad = row % 6 == 0;
        match chunk.status.as_str() {
            "Complete" if bad => {
                assert_eq!(times, 0, "{told}");
                let unmatched = is_unmatched("failed");
                assert!(
                    said == ["failed"] || unmatched || !summary.balanced,
                    "{told}"
                );
            }
            "Complete" => {
                assert!((1..=chunk.submits).contains(&times), "{told}");
                let warned = if row % 7 == 0 { &["warning"][..] } else { &[] };
                let unmatched = is_unmatched("warning");
                assert!(said == warned || unmatched || !summary.balanced, "{told}");
            }
            "refused" => {
                assert_eq!(times, 0, "{told}");
                assert_eq!(said, ["rejected"], "{told}");
            }
            "unknown" | "Failed" => {
                assert!(times <= chunk.submits, "{told}");
                assert_eq!(said, ["unknown"], "{told}");
            }
            other => panic!("{other}: {told}"),
        }
    }
    assert!(taken.is_empty(), "{taken:?}: {told}");
}
