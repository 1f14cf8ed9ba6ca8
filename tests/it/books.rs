//! Every row goes to Marketo in exactly one chunk, within every limit.

use std::time::Duration;

use mktoload::sandbox::{JobState, Settings};

use super::in_process::{Lab, people, request_bytes, settings};

/// All accepted rows in the order of the jobs' numbers.
fn accepted(lab: &Lab) -> Vec<Vec<String>> {
    let inspect = lab.inspect();
    let jobs = inspect.jobs();
    jobs.iter()
        .flat_map(|job| inspect.accepted_rows(job.batch_id))
        .collect()
}

#[tokio::test]
async fn every_row_is_in_exactly_one_chunk() {
    let lab = Lab::new(settings(&[])).await;
    let plan = lab.plan("people.csv", people(1000), request_bytes(500));
    let done = lab.import(plan).await;
    let mut rows: Vec<String> = accepted(&lab).into_iter().flatten().collect();
    rows.sort();
    let wanted: Vec<String> = people(1000).lines().skip(1).map(str::to_owned).collect();
    assert_eq!(rows, wanted);
    let summary = done.summary;
    assert_eq!((summary.rows.read, summary.rows.accepted), (1000, 1000));
    assert_eq!(summary.exit_code, 0);
    assert_eq!(summary.chunks.len(), lab.inspect().jobs().len());
    let of_chunks: u64 = summary.chunks.iter().map(|chunk| chunk.rows).sum();
    assert_eq!(of_chunks, 1000);
    for (number, chunk) in (1..).zip(&summary.chunks) {
        assert_eq!(chunk.chunk.get(), number, "in source order");
        assert_eq!((chunk.accepted, chunk.submits), (chunk.rows, 1));
    }
}

#[tokio::test]
async fn no_request_is_over_the_limit_and_each_says_its_length() {
    let lab = Lab::new(settings(&[])).await;
    // A chunk that can be filled to the last byte: 6 of the header, 24 rows.
    let limit = request_bytes(6 + 24 * 20 + 2);
    let done = lab.import(lab.plan("people.csv", people(100), limit)).await;
    let creates = lab.inspect().creates();
    assert_eq!(creates.len(), 5);
    for create in &creates {
        assert!(!create.chunked);
        assert_eq!(create.content_length, Some(create.body_bytes));
        assert!(create.body_bytes <= limit, "{create:?}");
    }
    // The frame is reckoned with the longest file name that there can be, and
    // the room for a record end that the last row may lack.
    let greatest = lab.inspect().greatest_body();
    assert!(greatest + 10 > limit, "{greatest} of {limit} bytes used");
    // What is counted as sent are the files, without their frames.
    let files: u64 = done.summary.chunks.iter().map(|chunk| chunk.bytes).sum();
    assert_eq!(done.summary.bytes.sent, files);
    assert_eq!(done.summary.bytes.read, people(100).len() as u64);
}

#[tokio::test]
async fn never_more_jobs_are_in_flight_than_allowed() {
    for most in [1_u32, 2, 5, 10] {
        let places = most as usize;
        let lab = Lab::new(Settings {
            running_jobs: 10,
            // Long enough for all that may be in flight to be submitted.
            job_latency: Duration::from_millis(30) * most,
            ..settings(&[])
        })
        .await;
        let mut plan = lab.plan("people.csv", people(60), request_bytes(100));
        plan.max_in_flight = places;
        let done = lab.import(plan).await;
        assert_eq!(done.summary.exit_code, 0);
        assert!(lab.inspect().jobs().len() >= 15);
        let seen = lab.inspect().most_in_flight();
        assert!(seen <= places, "{seen} of {places}");
        // What is allowed is used, too, even on a machine with much else to do.
        assert!(seen > places / 2, "{seen} of {places}");
    }
}

#[tokio::test]
async fn a_job_that_fails_stops_no_other() {
    let lab = Lab::new(settings(&["create:2:job-failed"])).await;
    let mut plan = lab.plan("people.csv", people(20), request_bytes(110));
    plan.max_in_flight = 1;
    let done = lab.import(plan).await;
    let summary = &done.summary;
    assert_eq!(summary.exit_code, 8);
    assert!(summary.balanced);
    let statuses: Vec<&str> = summary
        .chunks
        .iter()
        .map(|chunk| chunk.status.as_str())
        .collect();
    assert_eq!(statuses, ["Complete", "Failed", "Complete", "Complete"]);
    assert_eq!(lab.inspect().jobs()[1].state, JobState::Failed);
    assert_eq!((summary.rows.accepted, summary.rows.unknown), (15, 5));
    // Its rows are unknown, and ready to be imported again.
    let report = done.report();
    let rows = super::workdir::column(&report, "source_row");
    assert_eq!(rows, ["6", "7", "8", "9", "10"]);
    assert!(report.iter().all(|line| line["status"] == "unknown"));
    let source = people(20);
    let second: String = source
        .split_inclusive('\n')
        .enumerate()
        .filter(|(line, _)| *line == 0 || (6..=10).contains(line))
        .map(|(_, line)| line)
        .collect();
    assert_eq!(String::from_utf8(done.rejects()).unwrap(), second);
}

#[tokio::test]
async fn a_file_that_is_refused_stops_no_other() {
    let lab = Lab::new(settings(&["create:2:1003"])).await;
    let mut plan = lab.plan("people.csv", people(20), request_bytes(110));
    plan.max_in_flight = 1;
    let done = lab.import(plan).await;
    let rows = done.summary.rows;
    assert_eq!(done.summary.exit_code, 8);
    assert!(done.summary.balanced);
    assert_eq!((rows.accepted, rows.rejected), (15, 5));
    let report = done.report();
    assert!(report.iter().all(|line| line["status"] == "rejected"));
    let rows = super::workdir::column(&report, "source_row");
    assert_eq!(rows, ["6", "7", "8", "9", "10"]);
    assert_eq!(done.rejects().len(), 6 + 5 * 20);
}

#[tokio::test]
async fn a_lost_answer_is_sent_again_or_held_and_said() {
    use mktoload::config::choice::OnUnknown;
    for (on_unknown, jobs, code) in [(OnUnknown::Resend, 3, 0), (OnUnknown::Hold, 2, 7)] {
        let lab = Lab::new(settings(&["create:1:cut-after"])).await;
        let mut plan = lab.plan("people.csv", people(10), request_bytes(110));
        plan.max_in_flight = 1;
        plan.on_unknown = on_unknown;
        let done = lab.import(plan).await;
        let rows = done.summary.rows;
        assert_eq!(lab.inspect().jobs().len(), jobs);
        assert_eq!(done.summary.exit_code, code);
        assert_eq!(rows.read, 10);
        match on_unknown {
            OnUnknown::Resend => {
                assert_eq!(rows.accepted, 10);
                assert_eq!(done.summary.chunks[0].submits, 2, "sent twice, and said");
            }
            OnUnknown::Hold => {
                assert_eq!((rows.accepted, rows.unknown), (5, 5));
                assert_eq!(done.summary.chunks[0].batch_id, None);
                let header_only = done.rejects();
                assert_eq!(header_only, b"email\n", "they may have been imported");
            }
        }
    }
}
