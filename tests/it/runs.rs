//! The verbs that read the ledger.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use mktoload::units::RunId;
use serde_json::Value;

use super::in_process::{LEADS, Lab, people, request_bytes, settings};
use super::workdir::{LEADS_INTO_SANDBOX, Workdir};

/// `text` without the names of runs, times, ports and `folder`, which differ
/// from run to run; what stands in columns stays as wide.
fn steady(text: &str, workdir: &Workdir) -> String {
    let folder = workdir.path("");
    let text = text.replace(folder.to_str().unwrap(), "DIR/");
    let in_word = |c: char| c.is_ascii_alphanumeric() || "-:.".contains(c);
    let mut out = String::new();
    for word in text.split_inclusive(|c| !in_word(c)) {
        let ends = word.trim_end_matches(|c| !in_word(c) || ":.".contains(c));
        let (word, end) = word.split_at(ends.len());
        let shape: String = word
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        if shape.starts_with("00000000T000000Z-") {
            out += "00000000T000000Z-abcd";
        } else if shape.starts_with("0000-00-00T") {
            out += "TIME";
        } else if word.starts_with("127.0.0.1:") {
            out += "HOST";
        } else if ["0000-00-00", "00:00:00"].contains(&shape.as_str()) {
            out += &shape;
        } else {
            out += word;
        }
        out += end;
    }
    out
}

/// Three people, of whom the second is refused.
const PEOPLE: &str = "email,numberOfEmployees\na@b.co,1\nb@b.co,many\nc@b.co,3\n";

/// The only run's name.
fn the_run(workdir: &Workdir) -> String {
    let runs = workdir.run(&["runs", "--json"]).exits(0).summary();
    assert_eq!(runs.as_array().unwrap().len(), 1);
    runs[0]["run_id"].as_str().unwrap().to_owned()
}

/// An import of 60 people in chunks of five that was killed when `jobs` were
/// taken, of which the last never ends.
async fn killed(jobs: usize) -> (Lab, String) {
    let stuck = format!("create:{jobs}:stuck");
    let lab = Lab::new(settings(&[&stuck])).await;
    lab.workdir.write("p.csv", people(60));
    let limit = request_bytes(110).to_string();
    let args = ["p.csv", "--max-part-bytes", &limit, "--max-in-flight", "1"];
    let mut command = lab.command();
    command.args(LEADS).args(args).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    // Until the job is written down, and the next chunk is cut.
    loop {
        let status = lab.run(&["status", "--json"]);
        let known = status.stdout();
        let job = format!("\"batch_id\":{}", 1000 + jobs);
        if known.contains(&job) && known.contains("ready") {
            break;
        }
    }
    child.kill().unwrap();
    tokio::task::block_in_place(|| child.wait()).unwrap();
    let run = the_run(&lab.workdir);
    (lab, run)
}

#[test]
fn no_runs_are_said_and_nothing_is_made() {
    let workdir = Workdir::new();
    let run = workdir.run(&["runs"]).exits(0);
    assert_eq!(run.stdout(), "");
    insta::assert_snapshot!(steady(&run.stderr(), &workdir), @"no run is known in DIR/state");
    assert_eq!(workdir.run(&["runs", "--json"]).exits(0).stdout(), "[]\n");
    assert!(!workdir.path("state").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_listed_newest_first() {
    let (lab, _) = killed(3).await;
    lab.workdir.write("q.csv", PEOPLE);
    lab.run(&[&LEADS[..], &["q.csv"]].concat()).exits(3);
    let cars = ["import", "custom-objects", "car_c", "cars.csv", "--quiet"];
    lab.workdir.write("cars.csv", "vin\n1\n");
    lab.run(&cars).exits(0);
    let run = lab.run(&["runs"]).exits(0);
    assert_eq!(run.stderr(), "");
    insta::assert_snapshot!(steady(&run.stdout(), &lab.workdir), @"
    run                    started (UTC)        state        exit  read  accepted  failed  target                endpoint
    00000000T000000Z-abcd  0000-00-00 00:00:00  finished        0     1         1       0  custom objects car_c  http://HOST
    00000000T000000Z-abcd  0000-00-00 00:00:00  finished        3     3         2       1  leads                 http://HOST
    00000000T000000Z-abcd  0000-00-00 00:00:00  interrupted     -     -         -       -  leads                 http://HOST
    ");
    let run = lab.run(&["runs", "--json"]).exits(0);
    let text = steady(&run.stdout(), &lab.workdir).replace("},{\"run", "},\n{\"run");
    insta::assert_snapshot!(text, @r#"
    [{"run_id":"00000000T000000Z-abcd","started":"TIME","ended":"TIME","target":"custom objects car_c","endpoint":"http://HOST","state":"finished","resumable":false,"exit_code":0,"rows":{"read":1,"accepted":1,"failed":0,"warned":0,"rejected":0,"unknown":0}},
    {"run_id":"00000000T000000Z-abcd","started":"TIME","ended":"TIME","target":"leads","endpoint":"http://HOST","state":"finished","resumable":false,"exit_code":3,"rows":{"read":3,"accepted":2,"failed":1,"warned":0,"rejected":0,"unknown":0}},
    {"run_id":"00000000T000000Z-abcd","started":"TIME","ended":null,"target":"leads","endpoint":"http://HOST","state":"interrupted","resumable":true,"exit_code":null,"rows":null}]
    "#);
}

/// An import of standard input that waits for more rows, its first two rows
/// being another width.
fn at_work(workdir: &Workdir) -> (Child, ChildStdin) {
    let mut child = workdir
        .command()
        .args(LEADS_INTO_SANDBOX)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"email\na,b\n,\n").unwrap();
    while workdir.run(&["runs"]).exits(0).stdout().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    (child, stdin)
}

#[test]
fn a_run_at_work_is_running_until_its_process_dies() {
    let workdir = Workdir::new();
    let (mut child, stdin) = at_work(&workdir);
    let known = || workdir.run(&["runs", "--json"]).exits(0).summary()[0].clone();
    assert_eq!(known()["state"], "running");
    let pruned = workdir.run(&["runs", "--prune-older-than", "0s"]).exits(0);
    insta::assert_snapshot!(steady(&pruned.stderr(), &workdir), @"spared 00000000T000000Z-abcd: a process is working on it");
    assert!(pruned.stdout().contains("running"), "{pruned}");
    let status = workdir.run(&["status"]).exits(0);
    insta::assert_snapshot!(steady(&status.stdout(), &workdir), @"
    run        00000000T000000Z-abcd
    state      running
    started    0000-00-00 00:00:00 UTC
    target     leads
    endpoint   sandbox
    source     -
    rows       0 read so far, 0 accepted, 0 failed, 0 rejected, 0 unknown
    submits    0, 0 of them repeated
    report     DIR/state/runs/00000000T000000Z-abcd/report.csv
    rejects    DIR/state/runs/00000000T000000Z-abcd/rejects.csv
    ");
    let report = workdir.run(&["report"]).exits(0);
    assert!(report.stderr().contains("what is known so far"), "{report}");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(stdin);
    assert_eq!(known()["state"], "interrupted");
    // Its sandbox died with it.
    assert_eq!(known()["resumable"], false);
    let status = workdir.run(&["status"]).exits(0).stdout();
    assert!(!status.contains("mktoload resume"), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_tells_how_far_a_run_is() {
    let (lab, run) = killed(3).await;
    let status = lab.run(&["status"]).exits(0);
    assert_eq!(status.stderr(), "");
    insta::assert_snapshot!(steady(&status.stdout(), &lab.workdir), @"
    run        00000000T000000Z-abcd
    state      interrupted
    started    0000-00-00 00:00:00 UTC
    target     leads
    endpoint   http://HOST
    source     p.csv, 1.18 KiB
    rows       20 read so far, 10 accepted, 0 failed, 0 rejected, 0 unknown
    in flight  chunk 3, 5 rows, as job 1003 since 0000-00-00 00:00:00 UTC
    submits    3, 0 of them repeated
    report     DIR/state/runs/00000000T000000Z-abcd/report.csv
    rejects    DIR/state/runs/00000000T000000Z-abcd/rejects.csv

    state      chunks  rows  bytes
    ready           1     5    106
    in flight       1     5    106
    complete        2    10    212

    mktoload resume 00000000T000000Z-abcd
    ");
    assert!(
        status
            .stdout()
            .ends_with(&format!("\nmktoload resume {run}\n"))
    );
    lab.workdir.write("q.csv", PEOPLE);
    lab.run(&[&LEADS[..], &["q.csv"]].concat()).exits(3);
    let mut newest = lab.run(&["status", "--json"]).exits(0).summary();
    for count in ["api_calls", "elapsed_ms"] {
        newest["totals"][count] = 0.into();
    }
    insta::assert_snapshot!(steady(&newest.to_string(), &lab.workdir), @r#"{"chunks":[{"bytes":54,"chunks":1,"rows":3,"state":"complete"}],"ended":"TIME","endpoint":"http://HOST","exit_code":3,"in_flight":[],"read_to_end":true,"rejects":"DIR/state/runs/00000000T000000Z-abcd/rejects.csv","report":"DIR/state/runs/00000000T000000Z-abcd/report.csv","resumable":false,"rows":{"accepted":2,"failed":1,"read":3,"rejected":0,"unknown":0,"warned":0},"run_id":"00000000T000000Z-abcd","sources":[{"bytes":54,"name":"q.csv"}],"started":"TIME","state":"finished","submits":{"all":1,"repeated":0},"target":"leads","totals":{"api_calls":0,"bytes_sent":54,"elapsed_ms":0},"version":"0.1.0"}"#);
    let part = lab
        .run(&["status", "--json", &run[17..]])
        .exits(0)
        .summary();
    assert_eq!(part["run_id"], run.as_str());
    assert_eq!(part["in_flight"][0]["batch_id"], 1003);
    assert_eq!(part["rows"]["accepted"], 10);
}

#[test]
fn a_run_that_is_not_known_is_said() {
    let workdir = Workdir::new();
    for verb in ["status", "report"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(workdir.run(&[verb]).exits(2).error(), @"
            error: no run is known in `DIR/state`
              hint: name another folder with --state-dir or MKTOLOAD_STATE_DIR
            ");
        }
    }
    workdir.write("p.csv", PEOPLE);
    workdir.import_leads(&["p.csv"]).exits(3);
    insta::assert_snapshot!(workdir.run(&["report", "other"]).exits(2).error(), @"
    error: no run `other` is known
      at: DIR/state/ledger.sqlite
      hint: `mktoload runs` lists the runs that are known
    ");
}

#[test]
fn a_report_is_written_again() {
    let workdir = Workdir::new();
    workdir.write("p.csv", format!("{PEOPLE}d@b.co\n"));
    // The paths that a run was given are relative to where it began.
    let run = workdir
        .import_leads(&["p.csv", "--report", "here.csv"])
        .exits(3);
    let written = workdir.text("here.csv");
    assert_eq!(written.lines().count(), 3, "{run}");
    let again = workdir.run(&["report"]).exits(0);
    assert_eq!(
        (again.stdout(), again.stderr()),
        (written.clone(), String::new())
    );
    let to = workdir.run(&["report", "--output", "again.jsonl"]).exits(0);
    assert_eq!(to.stdout(), "");
    let lines = workdir.text("again.jsonl");
    let rows = lines.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["source_row"].as_u64().unwrap()
    });
    assert_eq!(rows.collect::<Vec<_>>(), [2, 4]);
    let to = ["report", "--output", "again.jsonl", "--format", "csv"];
    workdir.run(&to).exits(0);
    assert_eq!(workdir.text("again.jsonl"), written);
    let name = the_run(&workdir);
    let status = workdir.run(&["status", "--json"]).exits(0).summary();
    assert_eq!(status["report"], workdir.path("here.csv").to_str().unwrap());
    // As after a crash in the middle of a write.
    let rejected = format!("state/runs/{name}/entries/rejected.entries");
    let torn = [&workdir.bytes(&rejected)[..], &[9, 0, 0, 0, 1]].concat();
    workdir.write(&rejected, &torn);
    assert_eq!(workdir.run(&["report"]).exits(0).stdout(), written);
    assert_eq!(workdir.bytes(&rejected), torn, "it is only read");
    let chunk = format!("state/runs/{name}/entries/chunk-000001.entries");
    std::fs::remove_file(workdir.path(&chunk)).unwrap();
    insta::assert_snapshot!(steady(&workdir.run(&["report"]).exits(2).error(), &workdir), @"
    error: the entries of run 00000000T000000Z-abcd are gone
      why: `DIR/state/runs/00000000T000000Z-abcd/entries` does not hold them all
      hint: the report that the run wrote may still be where `mktoload status` says
    ");
    std::fs::remove_dir_all(workdir.path("state/runs")).unwrap();
    workdir.run(&["report", "--output", "again.jsonl"]).exits(2);
    assert_eq!(workdir.text("again.jsonl"), written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_of_a_run_that_died_has_what_is_known() {
    let (lab, _) = killed(3).await;
    let report = lab.run(&["report"]).exits(0);
    assert_eq!(report.stdout().lines().count(), 1, "{report}");
    insta::assert_snapshot!(steady(&report.stderr(), &lab.workdir), @"run 00000000T000000Z-abcd is interrupted: the report has what is known so far");
}

#[test]
fn old_runs_are_forgotten_with_their_folders() {
    let workdir = Workdir::new();
    workdir.write("p.csv", PEOPLE);
    workdir.import_leads(&["p.csv"]).exits(3);
    let run = the_run(&workdir);
    // Left by an import that never began, one of them just now; and not ours.
    let young = RunId::generate(jiff::Timestamp::now()).to_string();
    for name in ["20260101T000000Z-abcd", &young, "notes"] {
        workdir.write(&format!("state/runs/{name}/report.csv"), "");
    }
    let left = || {
        let runs = std::fs::read_dir(workdir.path("state/runs")).unwrap();
        let names = runs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>()
    };
    let kept = workdir.run(&["runs", "--prune-older-than", "30d"]).exits(0);
    insta::assert_snapshot!(steady(&kept.stderr(), &workdir), @"
    pruned 00000000T000000Z-abcd: an import that never began
    spared 2 younger
    ");
    let names = BTreeSet::from(["notes", &run, &young].map(str::to_owned));
    assert_eq!(left(), names);
    let pruned = workdir.run(&["runs", "--prune-older-than", "0s"]).exits(0);
    insta::assert_snapshot!(steady(&pruned.stderr(), &workdir), @"
    pruned 00000000T000000Z-abcd: finished, ended 0000-00-00 00:00:00 UTC
    spared 1 younger
    no run is known in DIR/state
    ");
    assert_eq!(left(), BTreeSet::from(["notes", &young].map(str::to_owned)));
    assert_eq!(pruned.stdout(), "");
    workdir.run(&["status", &run]).exits(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_could_be_resumed_is_forgotten_when_it_is_old() {
    let (lab, run) = killed(2).await;
    let kept = lab.run(&["runs", "--prune-older-than", "1h"]).exits(0);
    assert_eq!(kept.stderr(), "spared 1 younger\n");
    let pruned = lab.run(&["runs", "--prune-older-than", "0s"]).exits(0);
    insta::assert_snapshot!(steady(&pruned.stderr(), &lab.workdir), @"
    pruned 00000000T000000Z-abcd: interrupted, began 0000-00-00 00:00:00 UTC; it could have been resumed
    no run is known in DIR/state
    ");
    assert!(!lab.workdir.path(&format!("state/runs/{run}")).exists());
}

#[test]
fn a_run_whose_folder_is_gone_is_forgotten() {
    let workdir = Workdir::new();
    workdir.write("p.csv", PEOPLE);
    workdir.import_leads(&["p.csv"]).exits(3);
    std::fs::remove_dir_all(workdir.path("state/runs")).unwrap();
    workdir.run(&["runs", "--prune-older-than", "0s"]).exits(0);
    assert_eq!(workdir.run(&["runs", "--json"]).exits(0).stdout(), "[]\n");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let workdir = Workdir::new();
    workdir.write("p.csv", PEOPLE);
    let import = [&LEADS_INTO_SANDBOX[..], &["p.csv"]].concat();
    let verbs: [(&[&str], i32); 4] = [
        (&import, 3),
        (&["runs"], 0),
        (&["status", "--json"], 0),
        (&["report"], 0),
    ];
    for (args, code) in verbs {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = workdir.command();
        let mut child = command.args(args);
        child = child.stdout(writer).stderr(Stdio::piped());
        let output = child.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        let said = stderr.contains("panicked") || stderr.contains("error:");
        assert!(!said, "{args:?}: {stderr}");
    }
}
