//! What the files of a run hold; its ending and the laws stand beside.

mod ending;
mod laws;

use insta::assert_snapshot;

use super::*;
use crate::config::Format;
use crate::config::choice::ReportColumns;
use crate::error::ErrorKind;
use crate::failures::Match;
use crate::units::{BatchId, ChunkNumber, LineNumber, RowNumber, SourceIndex};

fn key(row: u64) -> Key {
    Key {
        source: SourceIndex::new(0),
        row: RowNumber::new(row),
    }
}

fn entry(row: Option<u64>, chunk: Option<u32>, status: Status) -> Entry {
    Entry {
        source: SourceIndex::new(0),
        row: row.map(RowNumber::new),
        line: row.map(|row| LineNumber::new(row + 1)),
        chunk: chunk.map(ChunkNumber::new),
        batch_id: chunk.map(|chunk| BatchId::new(1_000 + i64::from(chunk))),
        status,
        matched: None,
        job_failed: false,
        only_candidate: false,
        reason: "no good".into(),
        candidates: Vec::new(),
        raw: Vec::new(),
        bytes: row.map(|row| format!("r{row}@x.de,{row}\n").into_bytes()),
    }
}

fn layout(columns: ReportColumns) -> Layout {
    Layout {
        sources: vec!["leads.csv".into(), "more.csv".into()],
        header: b"email,status\n".to_vec(),
        names: vec!["email".into(), "status".into()],
        format: Format::Csv,
        key_columns: vec![0],
        columns,
    }
}

/// Writes entries of one chunk (or of none) and returns report, rejects, tally.
fn written(layout: Layout, format: ReportFormat, entries: Vec<Entry>) -> (String, Vec<u8>, Tally) {
    let folder = tempfile::tempdir().unwrap();
    let mut reporter = Reporter::new(folder.path().join("run"), layout).unwrap();
    let (inside, outside): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.chunk.is_some());
    for entry in &outside {
        reporter.rejected(entry).unwrap();
    }
    let inside = inside.into_iter().map(Ok);
    reporter
        .chunk_writer()
        .chunk(ChunkNumber::new(1), key(1), inside)
        .unwrap();
    let (report, rejects) = (folder.path().join("report"), folder.path().join("rejects"));
    let tally = reporter.finish(&report, format, &rejects).unwrap();
    let report = std::fs::read_to_string(report).unwrap();
    (report, std::fs::read(rejects).unwrap(), tally)
}

fn samples() -> Vec<Entry> {
    let mut failed = entry(Some(4), Some(1), Status::Failed);
    failed.matched = Some(Match::Exact);
    failed.reason = "Invalid \"email\", sorry".into();
    failed.bytes = Some(b"=1+1@x.de,\"a\nb\"".to_vec());
    failed.raw = b"=1+1@x.de,a\nb".to_vec();
    let mut twin = entry(Some(2), Some(1), Status::Failed);
    twin.matched = Some(Match::Ambiguous);
    twin.candidates = vec![RowNumber::new(2), RowNumber::new(5)];
    let mut lost = entry(None, Some(1), Status::Failed);
    lost.matched = Some(Match::Unmatched);
    lost.raw = b"who,knows".to_vec();
    let mut wide = entry(Some(3), None, Status::Rejected);
    wide.reason = "3 fields where the header has 2".into();
    wide.bytes = Some(b"a\xff@x.de,b,c\r\n".to_vec());
    let mut narrow = entry(Some(6), Some(1), Status::Warning);
    narrow.matched = Some(Match::Key);
    narrow.bytes = Some(b"n@x.de\n".to_vec());
    let mut job = entry(Some(7), Some(1), Status::Unknown);
    job.job_failed = true;
    let held = entry(Some(8), Some(1), Status::Unknown);
    vec![lost, failed, narrow, job, twin, wide, held]
}

#[test]
fn a_csv_report_has_each_entry_in_source_order() {
    let (report, ..) = written(layout(ReportColumns::All), ReportFormat::Csv, samples());
    assert_snapshot!(report, @r#"
    source,source_row,source_line,chunk,batch_id,status,match,reason,candidates,raw,email,status
    leads.csv,2,3,1,1001,failed,ambiguous,no good,2;5,"r2@x.de,2",r2@x.de,2
    leads.csv,3,4,,,rejected,,3 fields where the header has 2,,"a�@x.de,b,c",a�@x.de,b
    leads.csv,4,5,1,1001,failed,exact,"Invalid ""email"", sorry",,"=1+1@x.de,a
    b",=1+1@x.de,"a
    b"
    leads.csv,6,7,1,1001,warning,key,no good,,n@x.de,n@x.de,
    leads.csv,7,8,1,1001,unknown,,no good,,"r7@x.de,7",r7@x.de,7
    leads.csv,8,9,1,1001,unknown,,no good,,"r8@x.de,8",r8@x.de,8
    leads.csv,,,1,1001,failed,unmatched,no good,,"who,knows",,
    "#);
}

#[test]
fn a_jsonl_report_has_unique_keys_and_numbers() {
    let mut layout = layout(ReportColumns::All);
    layout.names = vec!["email".into(), "email".into()];
    let (report, ..) = written(layout, ReportFormat::Jsonl, samples().split_off(4));
    assert_snapshot!(report, @r#"
    {"source":"leads.csv","source_row":2,"source_line":3,"chunk":1,"batch_id":1001,"status":"failed","match":"ambiguous","reason":"no good","candidates":[2,5],"raw":"r2@x.de,2","email":"r2@x.de","email#2":"2"}
    {"source":"leads.csv","source_row":3,"source_line":4,"chunk":null,"batch_id":null,"status":"rejected","match":null,"reason":"3 fields where the header has 2","candidates":[],"raw":"a�@x.de,b,c","email":"a�@x.de","email#2":"b"}
    {"source":"leads.csv","source_row":8,"source_line":9,"chunk":1,"batch_id":1001,"status":"unknown","match":null,"reason":"no good","candidates":[],"raw":"r8@x.de,8","email":"r8@x.de","email#2":"8"}
    "#);
    let layout = self::layout(ReportColumns::All);
    let (report, ..) = written(layout, ReportFormat::Jsonl, samples());
    for line in report.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line.as_object().unwrap().len(), 12);
        assert!(line.get("source.status").is_some());
    }
}

#[test]
fn columns_that_may_not_be_shown_show_nowhere() {
    for format in [ReportFormat::Csv, ReportFormat::Jsonl] {
        let (report, ..) = written(layout(ReportColumns::Key), format, samples());
        assert!(
            report.contains("r2@x.de") && !report.contains("a\nb") && !report.contains("a\\nb")
        );
        assert!(!report.contains("knows"));
        let (report, ..) = written(layout(ReportColumns::None), format, samples());
        assert!(!report.contains("x.de") && !report.contains("knows"));
    }
}

#[test]
fn rejects_are_original_bytes_each_with_a_record_end() {
    let (_, rejects, tally) = written(layout(ReportColumns::All), ReportFormat::Csv, samples());
    let expected: &[u8] =
        b"email,status\nr2@x.de,2\na\xff@x.de,b,c\r\n=1+1@x.de,\"a\nb\"\nr7@x.de,7\n";
    assert_eq!(rejects, expected, "{}", String::from_utf8_lossy(&rejects));
    assert_eq!((tally.rejects, tally.rejects_missing), (4, 1));
    assert_eq!(
        (tally.failed, tally.warned, tally.rejected, tally.unknown),
        (3, 1, 1, 2)
    );
}

#[test]
fn rejects_end_rows_as_the_header_does_and_hold_a_row_once() {
    let mut layout = layout(ReportColumns::All);
    layout.header = b"email,status\r\n".to_vec();
    let mut row = entry(Some(1), Some(1), Status::Failed);
    row.bytes = Some(b"a,b".to_vec());
    let (_, rejects, _) = written(layout, ReportFormat::Csv, vec![row.clone(), row]);
    assert_eq!(rejects, b"email,status\r\na,b\r\n");
}

#[test]
fn an_interrupted_run_keeps_its_rejected_rows_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let open = || Reporter::new(&run, layout(ReportColumns::All)).unwrap();
    let row = |row| entry(Some(row), None, Status::Rejected);
    let mut first = open();
    first.rejected(&row(1)).unwrap();
    first.rejected(&row(2)).unwrap();
    first.sync().unwrap();
    drop(first);
    let file = run.join("rejected.entries");
    let whole = std::fs::metadata(&file).unwrap().len();
    // The crash came in the middle of the second record.
    let torn = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    torn.set_len(whole - 3).unwrap();
    let mut again = open();
    for number in 1..=3 {
        again.rejected(&row(number)).unwrap();
    }
    let (report, rejects) = (folder.path().join("r.csv"), folder.path().join("x.csv"));
    let tally = again.finish(&report, ReportFormat::Csv, &rejects).unwrap();
    assert_eq!(tally.rejected, 3);
    let text = std::fs::read_to_string(rejects).unwrap();
    assert_eq!(text, "email,status\nr1@x.de,1\nr2@x.de,2\nr3@x.de,3\n");
}

#[test]
fn a_damaged_record_is_an_error_and_throws_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Reporter::new(folder.path(), layout(ReportColumns::All));
    let mut first = open().unwrap();
    for number in 1..=3 {
        let row = entry(Some(number), None, Status::Rejected);
        first.rejected(&row).unwrap();
    }
    first.sync().unwrap();
    let file = folder.path().join("rejected.entries");
    let mut bytes = std::fs::read(&file).unwrap();
    // The first byte behind the first length: no longer an entry.
    bytes[4] = 0xc1;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(open().unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn a_retried_chunk_replaces_its_entries() {
    let folder = tempfile::tempdir().unwrap();
    let mut reporter =
        Reporter::new(folder.path().join("run"), layout(ReportColumns::All)).unwrap();
    let one = ChunkNumber::new(1);
    let failed = entry(Some(1), Some(1), Status::Failed);
    reporter
        .chunk_writer()
        .chunk(one, key(1), [Ok(failed)])
        .unwrap();
    reporter.chunk_writer().chunk(one, key(1), []).unwrap();
    let (report, rejects) = (folder.path().join("r.csv"), folder.path().join("x.csv"));
    let tally = reporter
        .finish(&report, ReportFormat::Csv, &rejects)
        .unwrap();
    assert_eq!(tally, Tally::default());
}

#[cfg(unix)]
#[test]
fn files_with_row_data_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut reporter = Reporter::new(&run, layout(ReportColumns::All)).unwrap();
    let failed = entry(Some(1), Some(1), Status::Failed);
    reporter
        .chunk_writer()
        .chunk(ChunkNumber::new(1), key(1), [Ok(failed)])
        .unwrap();
    let (report, rejects) = (folder.path().join("r.csv"), folder.path().join("x.csv"));
    reporter
        .finish(&report, ReportFormat::Csv, &rejects)
        .unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&run), 0o700);
    let stored = std::fs::read_dir(&run)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files: Vec<_> = stored.chain([report, rejects]).collect();
    assert_eq!(files.len(), 4);
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_path_that_cannot_be_written_is_told_before() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("r.csv");
    check_writable(&good).unwrap();
    assert!(!good.exists());
    check_writable(std::path::Path::new("/dev/null")).unwrap();
    check_writable(std::path::Path::new("/dev/stdout")).unwrap();
    for bad in [folder.path().to_owned(), folder.path().join("no/r.csv")] {
        let error = check_writable(&bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.render().contains("hint:"), "{}", error.render());
    }
}

#[test]
fn reasons_are_bounded_and_sorted() {
    let mut reasons = reasons::Reasons::default();
    for row in 1..=1_005 {
        let mut one = entry(Some(row), Some(1), Status::Failed);
        one.reason = format!("bad value {row}");
        reasons.push(&one);
    }
    let all = reasons.into_sorted();
    assert_eq!(all.len(), 1_001);
    assert_eq!(all[0].rows, 5);
    assert!(all[0].reason.starts_with("(other reasons"));
    assert_eq!(all[0].first_rows, [1_001, 1_002, 1_003].map(RowNumber::new));
    assert_eq!(all.iter().map(|reason| reason.rows).sum::<u64>(), 1_005);
}

#[cfg(unix)]
#[test]
fn a_report_for_another_program_is_written_straight() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    check_writable(&fifo).unwrap();
    let reading = {
        let fifo = fifo.clone();
        std::thread::spawn(move || std::fs::read_to_string(fifo).unwrap())
    };
    let run = folder.path().join("run");
    let mut reporter = Reporter::new(run, layout(ReportColumns::None)).unwrap();
    let failed = entry(Some(1), Some(1), Status::Failed);
    reporter
        .chunk_writer()
        .chunk(ChunkNumber::new(1), key(1), [Ok(failed)])
        .unwrap();
    let rejects = folder.path().join("x.csv");
    reporter.finish(&fifo, ReportFormat::Csv, &rejects).unwrap();
    assert_eq!(reading.join().unwrap().lines().count(), 2);
}
