//! Marketo finds a chunk too large (413): it goes in halves, and every row
//! keeps its number.

use std::collections::BTreeSet;
use std::time::Duration;

use mktoload::event::Event;
use mktoload::sandbox::Settings;
use mktoload::source::Source;

use super::in_process::{LEADS, Lab, people, request_bytes, settings};
use super::workdir::column;

/// A source of people whose rows span two lines, some of them without an
/// e-mail address, some too wide, some after an empty line. The lines of the
/// report that it should come to: row, line, status.
fn source(name: &str, rows: u64) -> (String, Vec<(u64, u64, &'static str)>) {
    let (mut text, mut line, mut wrong) = ("email,city\n".to_owned(), 2, Vec::new());
    for row in 1..=rows {
        if row % 5 == 0 {
            text += "\n";
            line += 1;
        }
        let email = if row % 4 == 0 {
            String::new()
        } else {
            format!("{name}{row}@b.co")
        };
        let more = if row % 7 == 0 { ",wide" } else { "" };
        match (row % 7, row % 4) {
            (0, _) => wrong.push((row, line, "rejected")),
            (_, 0) => wrong.push((row, line, "failed")),
            _ => {}
        }
        text += &format!("{email},\"{name}, the\n{row}th\"{more}\n");
        line += 2;
    }
    (text, wrong)
}

#[tokio::test]
async fn every_row_keeps_its_number_whatever_parts_it_is_sent_in() {
    // Of the chunks' size, a third of it, and so little that few rows fit.
    for (body_limit, halved) in [(1200, false), (500, true), (290, true)] {
        let lab = Lab::new(Settings {
            body_limit,
            job_latency: Duration::from_millis(5),
            ..settings(&[])
        })
        .await;
        let mut plan = lab.plan("unused.csv", "", 1200);
        plan.max_in_flight = 1;
        plan.sources.clear();
        let mut wanted = Vec::new();
        for (name, rows) in [("one", 33), ("two", 20), ("three", 40)] {
            let (text, wrong) = source(name, rows);
            // The last row has no end of its own.
            lab.workdir.write(name, text.trim_end());
            let path = lab.workdir.path(name);
            wanted.extend(wrong.into_iter().map(|(row, line, status)| {
                (
                    path.display().to_string(),
                    row.to_string(),
                    line.to_string(),
                    status.to_owned(),
                )
            }));
            plan.sources.push(Source::File(path));
        }
        plan.format = Some(mktoload::config::Format::Csv);
        let done = lab.import(plan).await;
        let (summary, rows) = (&done.summary, done.summary.rows);
        assert!(done.error.is_none(), "{:?}", done.error);
        assert!(summary.balanced, "{:?}", summary.imbalances);
        assert_eq!(summary.exit_code, 3);
        let failed = wanted.iter().filter(|line| line.3 == "failed").count() as u64;
        assert_eq!((rows.read, rows.failed), (93, failed));
        assert_eq!(rows.accepted, 93 - wanted.len() as u64);
        let report = done.report();
        let lines: Vec<_> = report
            .iter()
            .map(|line| {
                let cell = |name: &str| line[name].clone();
                (
                    cell("source"),
                    cell("source_row"),
                    cell("source_line"),
                    cell("status"),
                )
            })
            .collect();
        assert_eq!(lines, wanted);
        // Their quotes are lost on the way back.
        assert!(
            report
                .iter()
                .all(|line| line["status"] == "rejected" || line["match"] == "normalized"),
            "{:?}",
            column(&report, "match")
        );
        // In Marketo the rows are in their order, each once.
        let jobs = lab.inspect().jobs();
        let sent: Vec<String> = jobs
            .iter()
            .flat_map(|job| lab.inspect().accepted_rows(job.batch_id))
            .map(|row| row[1].clone())
            .collect();
        let good = [("one", 33), ("two", 20), ("three", 40)]
            .iter()
            .flat_map(|(name, rows)| (1..=*rows).map(move |row| (name, row)))
            .filter(|(_, row)| row % 4 != 0 && row % 7 != 0)
            .map(|(name, row)| format!("{name}, the\n{row}th"));
        assert_eq!(sent, good.collect::<Vec<_>>());
        assert_eq!(lab.inspect().most_in_flight(), 1);
        // Parts have numbers of their own; what was halved is not listed.
        let mut numbers = BTreeSet::new();
        for chunk in &summary.chunks {
            assert!(numbers.insert(chunk.chunk.get()));
            assert_eq!(chunk.submits, 1, "a refusal is no submit");
        }
        assert_eq!(summary.chunks.len(), jobs.len());
        let mut parted = 0;
        for event in &done.events {
            if let Event::Halved {
                chunk,
                first,
                second,
            } = event
            {
                parted += 1;
                assert!(!numbers.contains(&chunk.get()));
                assert!(chunk < first && first < second);
            }
        }
        assert_eq!(parted > 0, halved, "{parted}");
    }
}

#[tokio::test]
async fn a_single_413_costs_no_row() {
    let lab = Lab::new(settings(&["create:2:http-413"])).await;
    let mut plan = lab.plan("p.csv", people(20), request_bytes(110));
    plan.max_in_flight = 1;
    let done = lab.import(plan).await;
    assert_eq!(done.summary.exit_code, 0);
    assert_eq!(done.summary.rows.accepted, 20);
    let rows: Vec<u64> = done.summary.chunks.iter().map(|c| c.rows).collect();
    assert_eq!(rows.iter().sum::<u64>(), 20);
    assert_eq!(rows.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_too_large_alone_is_refused_by_name_and_the_others_are_in() {
    let lab = Lab::new(Settings {
        body_limit: request_bytes(110),
        ..settings(&[])
    })
    .await;
    let long = format!("{}@example.org\n", "x".repeat(200));
    lab.workdir
        .write("p.csv", people(6).replace("p000004@example.org\n", &long));
    let run = lab.run(&[&LEADS[..], &["p.csv"]].concat()).exits(8);
    let summary = run.summary();
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(summary["rows"]["accepted"], 5, "{run}");
    assert_eq!(summary["rows"]["rejected"], 1, "{run}");
    let report = run.report();
    let [line] = &report[..] else { panic!("{run}") };
    assert_eq!((&*line["source_row"], &*line["source_line"]), ("4", "5"));
    insta::assert_snapshot!(line["reason"], @"Marketo refused the chunk: row 4 of 213 bytes is too large even alone: 127.0.0.1 refused the upload of leads: HTTP 413: no Marketo answer (text/plain; charset=utf-8, 22 bytes)");
    let stderr = run.stderr();
    let halves: Vec<&str> = stderr.lines().filter(|l| l.contains("halves")).collect();
    insta::assert_snapshot!(halves.join("\n"), @"
    chunk 1 is too large for Marketo (413): sent in halves 2 and 3
    chunk 3 is too large for Marketo (413): sent in halves 4 and 5
    ");
}
