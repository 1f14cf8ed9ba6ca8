mod file;
mod moves;
mod runs;

use super::*;
use crate::units::{BatchId, ChunkNumber, LineNumber, RowNumber, RunId, SourceIndex};

/// A run called `name` that began on the given day of a month.
fn a_run(name: &str, day: i8) -> RunRecord {
    let started = jiff::civil::date(2026, 11, day)
        .in_tz("UTC")
        .unwrap()
        .timestamp();
    RunRecord {
        run: RunId::known(name),
        tool_version: "0.1.0".to_owned(),
        started,
        arguments: r#"{"separator":","}"#.to_owned(),
        target: "leads".to_owned(),
        endpoint: "123-abc-456.mktorest.com".to_owned(),
    }
}

fn a_source() -> SourceRecord {
    SourceRecord {
        source: SourceIndex::new(0),
        name: "leads.csv".to_owned(),
        size: Some(4096),
        modified: Some(jiff::Timestamp::new(1_700_000_000, 123_456_789).unwrap()),
        beginning: Some("00ff".to_owned()),
    }
}

fn a_chunk(number: u32) -> ChunkRecord {
    let piece = |at: u64| PieceRecord {
        source: SourceIndex::new(0),
        first_row: RowNumber::new(at),
        first_line: LineNumber::new(at + 1),
        rows: 3,
        range: at * 10..at * 10 + 30,
    };
    ChunkRecord {
        chunk: ChunkNumber::new(number),
        parent: None,
        cut: Some(number.into()),
        pieces: vec![piece(1), piece(7)],
        rows: 6,
        bytes: 80,
        digest: u128::MAX - u128::from(number),
        state: ChunkState::Ready { lost: 0 },
        result: None,
        submits: Vec::new(),
    }
}

/// A run with chunk 1 in a ledger of its own.
async fn one_chunk() -> (tempfile::TempDir, Ledger, RunLedger) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).await.unwrap();
    let run = ledger
        .begin_run(a_run("20261101T000000Z-aaaa", 1), vec![a_source()])
        .await
        .unwrap();
    run.cut(a_chunk(1)).await.unwrap();
    (folder, ledger, run)
}

const ONE: ChunkNumber = ChunkNumber::new(1);

/// Notes events of chunk 1 that must be possible.
async fn note_all(run: &RunLedger, events: &[ChunkEvent]) {
    for event in events {
        run.note(ONE, *event, Note::default()).await.unwrap();
    }
}

/// The text of an error without the folder, which differs from run to run.
fn said(error: &crate::Error, folder: &tempfile::TempDir) -> String {
    let folder = folder.path().display().to_string();
    error.render().replace(&folder, "STATE")
}
