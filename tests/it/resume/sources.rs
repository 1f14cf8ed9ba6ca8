//! A source that is no longer what it was is refused before anything is sent;
//! and standard input can be given again.

use std::fs::File;
use std::process::Stdio;

use mktoload::sandbox::Call;

use super::super::in_process::{self, LEADS, Lab, request_bytes, settings};
use super::super::workdir::Run;
use super::{five, people, people_of};

/// Resumes the lab's run with `input`, or nothing, on standard input.
fn resume(lab: &Lab, input: Option<&str>) -> Run {
    let mut command = lab.command();
    command.args(["resume", "--json"]);
    if let Some(input) = input {
        lab.workdir.write("input", input);
        command.stdin(File::open(lab.workdir.path("input")).unwrap());
    }
    let folder = lab.workdir.path("");
    tokio::task::block_in_place(|| Run::of(&folder, &mut command, b""))
}

/// Imports `source` in chunks of at most `limit` bytes, one after the other.
fn import(lab: &Lab, source: &str, limit: u64) -> Run {
    let limit = limit.to_string();
    let mut command = lab.command();
    command
        .args(LEADS)
        .args([source, "--max-part-bytes", &limit, "--max-in-flight", "1"])
        .stdin(Stdio::null());
    if source == "-" {
        command.stdin(File::open(lab.workdir.path("p.csv")).unwrap());
    }
    let folder = lab.workdir.path("");
    tokio::task::block_in_place(|| Run::of(&folder, &mut command, b""))
}

/// The error of a resume that is refused with 5 and sends nothing; the run can
/// be resumed as before.
#[track_caller]
fn refused(lab: &Lab, input: Option<&str>) -> String {
    let creates = lab.inspect().calls_of(Call::Create);
    let run = resume(lab, input).exits(5);
    assert_eq!(lab.inspect().calls_of(Call::Create), creates, "{run}");
    let stderr = run.stderr();
    let last = stderr.lines().last().unwrap();
    assert!(last.starts_with("mktoload resume 2"), "{run}");
    run.error()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_has_changed_is_refused_until_it_is_put_back() {
    // Four chunks of 20 kB are done, the fifth is left, the sixth is not read.
    let lab = Lab::new(settings(&["create:5:607"])).await;
    let text = in_process::people(7000);
    lab.workdir.write("p.csv", &text);
    import(&lab, "p.csv", request_bytes(6 + 1000 * 20 + 2)).exits(75);
    let path = lab.workdir.path("p.csv");
    let modified = path.metadata().unwrap().modified().unwrap();

    lab.workdir
        .write("p.csv", format!("{text}new@example.org\n"));
    insta::assert_snapshot!(refused(&lab, None), @"
    error: the source is not what it was when the run began: it had 140006 bytes and now has 140022
      at: p.csv
      hint: put the source back as it was and resume again, or begin a new run
    ");
    lab.workdir
        .write("p.csv", text.replacen("p000001", "q000001", 1));
    insta::assert_snapshot!(refused(&lab, None), @"
    error: the source is not what it was when the run began: it begins otherwise
      at: p.csv
      hint: put the source back as it was and resume again, or begin a new run
    ");
    // Beyond what is remembered of its beginning: chunk by chunk.
    lab.workdir
        .write("p.csv", text.replacen("p003500", "q003500", 1));
    insta::assert_snapshot!(refused(&lab, None), @"
    error: the 1000 rows of chunk 4, from row 3001 on, are no longer what was read from the source
      at: p.csv
      hint: put the source back as it was, and resume again
    ");
    // In what is still to be sent, and its time put back.
    lab.workdir
        .write("p.csv", text.replacen("p004500", "q004500", 1));
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    insta::assert_snapshot!(refused(&lab, None), @"
    error: the 1000 rows of chunk 5, from row 4001 on, are no longer what was read from the source
      at: p.csv
      hint: put the source back as it was, and resume again
    ");
    std::fs::remove_file(&path).unwrap();
    insta::assert_snapshot!(refused(&lab, None), @"
    error: the source is gone, or is no plain file any more
      at: p.csv
      hint: put the source back as it was and resume again, or begin a new run
    ");

    // Put back, though touched.
    lab.workdir.write("p.csv", &text);
    assert_ne!(path.metadata().unwrap().modified().unwrap(), modified);
    let summary = resume(&lab, None).exits(0).summary();
    assert_eq!(summary["rows"]["read"], 7000);
    assert_eq!(summary["rows"]["accepted"], 7000);
    assert_eq!(lab.inspect().jobs().len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_needed_any_more_may_be_gone() {
    let lab = Lab::new(settings(&["failures:3:http-503"])).await;
    lab.workdir.write("p.csv", people());
    import(&lab, "p.csv", five()).exits(3);
    let all_but_the_end = "UPDATE runs SET state = 'running'";
    lab.database().execute_batch(all_but_the_end).unwrap();
    std::fs::remove_file(lab.workdir.path("p.csv")).unwrap();
    let summary = resume(&lab, None).exits(3).summary();
    assert_eq!(summary["rows"]["read"], 15);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_input_is_given_again_and_compared() {
    let lab = Lab::new(settings(&["create:2:607"])).await;
    lab.workdir.write("p.csv", people_of(50));
    import(&lab, "-", five()).exits(75);
    insta::assert_snapshot!(refused(&lab, None), @"
    error: the source is empty: it has no header
      at: -
      hint: the first row has to name the columns
    ");
    let other = people_of(50).replacen("email,", "Email,", 1);
    insta::assert_snapshot!(refused(&lab, Some(&other)), @"
    error: the source is not what it was when the run began: it has another header
      hint: give it the source as it was and resume again, or begin a new run
    ");

    // What was read before is on disk, so it is sent all the same.
    let run = resume(&lab, Some(&people_of(50).replacen("p01", "q01", 1))).exits(5);
    insta::assert_snapshot!(run.error(), @"
    error: the source is not what it was when the run began: its 5 rows from row 1 on, which were chunk 1, are others or gone
      hint: give it the source as it was and resume again, or begin a new run
    ");
    assert_eq!(run.summary()["balanced"], true, "{run}");
    let short: String = people_of(50).split_inclusive('\n').take(8).collect();
    let run = resume(&lab, Some(&short)).exits(5);
    insta::assert_snapshot!(run.error(), @"
    error: the source is not what it was when the run began: its 5 rows from row 6 on, which were chunk 2, are others or gone
      hint: give it the source as it was and resume again, or begin a new run
    ");
    assert_eq!(run.summary()["balanced"], true, "{run}");

    let run = resume(&lab, Some(&people_of(50))).exits(3);
    let summary = run.summary();
    assert_eq!(summary["rows"]["read"], 50, "{run}");
    assert_eq!(summary["rows"]["accepted"], 40, "{run}");
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(run.report().len(), 10);
    assert_eq!(lab.inspect().jobs().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_input_that_was_read_to_its_end_is_not_needed_again() {
    let lab = Lab::new(settings(&["create:3:607"])).await;
    lab.workdir.write("p.csv", people());
    import(&lab, "-", five()).exits(75);
    let run = resume(&lab, None).exits(3);
    let summary = run.summary();
    assert_eq!(summary["rows"]["read"], 15, "{run}");
    assert_eq!(summary["bytes"]["read"], people().len(), "{run}");
    assert_eq!(summary["balanced"], true, "{run}");
    let report = run.report();
    assert_eq!(
        super::super::workdir::column(&report, "source_row"),
        ["3", "8", "13"]
    );
    let spool = below_state(&lab, "spool");
    assert!(spool.is_empty(), "what is done is let go: {spool:?}");
}

/// Files in the folders of that name below the state folder.
fn below_state(lab: &Lab, folder: &str) -> Vec<std::path::PathBuf> {
    let mut all = super::super::privacy::below(&lab.workdir.path("state"));
    all.retain(|path| path.is_file() && path.parent().unwrap().ends_with(folder));
    all
}
