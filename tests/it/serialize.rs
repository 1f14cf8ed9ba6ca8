//! `--serialize-on`: chunks that share a value are never in flight together.

use std::time::Duration;

use mktoload::ErrorKind;
use mktoload::event::{Event, WaitReason};
use mktoload::sandbox::Settings;

use super::in_process::{Done, LEADS, Lab, import_at, request_bytes, settings};

/// A job's time: long enough for the next chunks to come while it runs, on a
/// busy machine, too.
const LATENCY: Duration = Duration::from_millis(200);

/// Chunks of five people, of whom one lives in `cities[n]`, in one spelling or
/// another, and the others where nobody else does.
fn chunks(cities: &[&str]) -> (String, u64) {
    let mut text = "email,city\n".to_owned();
    for (chunk, city) in cities.iter().enumerate() {
        for row in 0..5 {
            let own = format!("u{}", chunk * 5 + row);
            let spelled = match chunk % 3 {
                0 => (*city).to_owned(),
                1 => city.to_uppercase(),
                _ => format!("{city} "),
            };
            let city = if row == chunk % 5 { spelled } else { own };
            text += &format!("p{:06}@example.org,{city:>4}\n", chunk * 5 + row);
        }
    }
    (text, request_bytes(138))
}

/// Imports these chunks, up to three at once.
async fn import(cities: &[&str], column: Option<&str>) -> (Lab, Done) {
    let lab = Lab::new(Settings {
        job_latency: LATENCY,
        running_jobs: 10,
        ..settings(&[])
    })
    .await;
    let (text, limit) = chunks(cities);
    let mut plan = lab.plan("p.csv", text, limit);
    plan.max_in_flight = 3;
    plan.serialize_on = column.map(str::to_owned);
    let done = lab.import(plan).await;
    assert_eq!(done.summary.exit_code, 0, "{:?}", done.error);
    assert_eq!(done.summary.chunks.len(), cities.len());
    (lab, done)
}

/// Whether chunk `first`, counted from 0, was seen to end before `second` was
/// taken.
fn one_after_the_other(done: &Done, first: usize, second: usize) -> bool {
    let place = |wanted: &dyn Fn(&Event) -> bool| done.events.iter().position(wanted).unwrap();
    let is = |chunk: mktoload::units::ChunkNumber, index: usize| chunk.get() as usize == index + 1;
    let ended = place(
        &|event| matches!(event, Event::JobSeen { chunk, status, .. } if is(*chunk, first) && status == "Complete"),
    );
    let taken =
        place(&|event| matches!(event, Event::Submitted { chunk, .. } if is(*chunk, second)));
    ended < taken
}

#[tokio::test]
async fn chunks_that_share_a_value_do_not_overlap() {
    let (lab, done) = import(&["rom"; 4], Some("city")).await;
    assert_eq!(lab.inspect().most_in_flight(), 1);
    assert_eq!(done.summary.serialize_waits, 3);
}

#[tokio::test]
async fn chunks_that_share_none_do_overlap_and_so_do_all_without_the_option() {
    let (lab, done) = import(&["a", "b", "c", "d"], Some("city")).await;
    assert_eq!(lab.inspect().most_in_flight(), 3);
    assert_eq!(done.summary.serialize_waits, 0);
    // Cells without a value share none.
    let (lab, _) = import(&[""; 4], Some("city")).await;
    assert_eq!(lab.inspect().most_in_flight(), 3);
    let (lab, _) = import(&["rom"; 4], None).await;
    assert_eq!(lab.inspect().most_in_flight(), 3);
}

#[tokio::test]
async fn only_who_shares_a_value_waits_and_it_is_said_once() {
    let cities = ["rom", "x", "rom", "y", "z", "x", "rom"];
    let (lab, done) = import(&cities, Some("city")).await;
    assert!(lab.inspect().most_in_flight() > 1);
    for second in 0..cities.len() {
        for first in 0..second {
            if cities[first] == cities[second] {
                assert!(
                    one_after_the_other(&done, first, second),
                    "{first} {second}"
                );
            }
        }
    }
    let mut waits = Vec::new();
    for event in &done.events {
        if let Event::Waiting { chunk, reason, .. } = event {
            assert_eq!(*reason, WaitReason::SharedValue);
            waits.push(chunk.unwrap().get());
        }
    }
    assert_eq!(waits.first(), Some(&3), "chunk 1 is in flight");
    assert_eq!(done.summary.serialize_waits, waits.len() as u64);
    waits.dedup();
    assert_eq!(done.summary.serialize_waits, waits.len() as u64);
}

#[tokio::test]
async fn a_column_that_is_not_there_is_a_usage_error_with_the_nearest() {
    let lab = Lab::new(settings(&[])).await;
    let mut texts = String::new();
    for column in ["Email", "shoeSize"] {
        let (text, limit) = chunks(&["rom"]);
        let mut plan = lab.plan("p.csv", text, limit);
        plan.serialize_on = Some(column.to_owned());
        let (_signal, never) = tokio::sync::watch::channel(None);
        let at = lab.sandbox.base_url();
        let error = import_at(&at, plan, never).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let folder = lab.workdir.path("").display().to_string();
        texts += &format!("{}\n", error.render().replace(&folder, "DIR/"));
    }
    assert!(lab.inspect().creates().is_empty());
    insta::assert_snapshot!(texts, @"
    error: --serialize-on names `Email`, which is no column of the header
      at: DIR/p.csv
      hint: did you mean `email`?
    error: --serialize-on names `shoeSize`, which is no column of the header
      at: DIR/p.csv
      hint: the header has: email, city
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_told_how_many_chunks_were_held_back() {
    let lab = Lab::new(Settings {
        job_latency: LATENCY,
        ..settings(&[])
    })
    .await;
    let (text, limit) = chunks(&["rom"; 3]);
    lab.workdir.write("p.csv", text);
    let args = ["p.csv", "--serialize-on", "city", "--max-part-bytes"];
    let run = lab
        .run(&[&LEADS[..], &args, &[&limit.to_string()]].concat())
        .exits(0);
    assert_eq!(run.summary()["serialize_waits"], 2);
    let stderr = run.stderr();
    let lines: Vec<&str> = stderr.lines().filter(|l| l.contains("--serial")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    chunk 2 waits: a chunk in flight shares a value with it (--serialize-on): column `city`, chunk 1
      held back by --serialize-on until no chunk in flight shared a value: 2 chunks
    ");
}
