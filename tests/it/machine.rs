//! The machine fails: a full disk, a folder that cannot be written, a source
//! that changes while it is read, nobody at the other end of a pipe.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mktoload::sandbox::{Call, Settings};

use super::in_process::{LEADS, Lab, people, request_bytes, settings};
use super::privacy::below;
use super::workdir::{Run, SECRET};

/// Rows of a file that is far longer than what is read ahead.
const MANY: usize = 100_000;

fn with_args(mut command: Command, args: &[&str]) -> Command {
    command.args(LEADS).args(args);
    command
}

fn ended(lab: &Lab, child: Child) -> Run {
    let wait = || Run::ended(&lab.workdir.path(""), "mktoload".to_owned(), child);
    tokio::task::block_in_place(wait)
}

/// The real binary, which can write no file beyond so many KiB: what a full disk
/// does, without one.
fn limited(lab: &Lab, kib: u64, args: &[&str]) -> Command {
    let mut command = Command::new("bash");
    let script = r#"trap "" XFSZ; ulimit -f "$0" || exit 99; exec "$@""#;
    command
        .args(["-c", script, &kib.to_string()])
        .arg(env!("CARGO_BIN_EXE_mktoload"))
        .args(args)
        .current_dir(lab.workdir.path(""))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("MKTOLOAD_STATE_DIR", lab.workdir.path("state"))
        .env("MKTO_ENDPOINT", lab.sandbox.base_url())
        .env("MKTO_CLIENT_ID", "tests")
        .env("MKTO_CLIENT_SECRET", SECRET)
        .stdin(Stdio::null());
    command
}

fn run(lab: &Lab, command: &mut Command) -> Run {
    let folder = lab.workdir.path("");
    tokio::task::block_in_place(|| Run::of(&folder, command, b""))
}

/// A fault of the machine in the middle: the summary all the same, books that
/// balance, and the way on.
#[track_caller]
fn stopped(run: Run, code: i32) -> Run {
    let run = run.exits(code);
    let summary = run.summary();
    let id = summary["run_id"].as_str().unwrap();
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(summary["exit_code"], code, "{run}");
    let wanted = format!("mktoload resume {id}");
    assert_eq!(run.stderr().lines().last(), Some(&wanted[..]), "{run}");
    run
}

/// Each of the first `rows` people was taken once.
fn all_once(lab: &Lab, rows: usize) {
    let inspect = lab.inspect();
    let jobs = inspect.jobs();
    let mut taken: Vec<String> = jobs
        .iter()
        .flat_map(|job| inspect.accepted_rows(job.batch_id))
        .flatten()
        .collect();
    taken.sort();
    let text = people(rows);
    assert!(taken.iter().map(String::as_str).eq(text.lines().skip(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_folder_that_cannot_be_made_is_said_before_anything() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir.write("p.csv", people(3));
    let args = [&LEADS[..], &["p.csv", "--state-dir", "p.csv/state"]].concat();
    let run = lab.run(&args).exits(2);
    assert_eq!(run.summary()["rows"]["read"], 0, "{run}");
    let error = run.error();
    assert!(error.contains("p.csv/state"), "{run}");
    assert!(error.contains("--state-dir"), "{run}");
    assert!(lab.inspect().calls().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_of_the_spool_stops_the_run_for_a_while() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir.write("p.csv", people(MANY));
    let chunk = request_bytes(1_500_000).to_string();
    let args = [&LEADS[..], &["-", "--max-part-bytes", &chunk]].concat();
    let input = || File::open(lab.workdir.path("p.csv")).unwrap();
    let full = run(&lab, limited(&lab, 1024, &args).stdin(input()));
    let full = stopped(full, 1);
    assert!(full.error().contains("make room on the disk"), "{full}");
    assert_eq!(full.summary()["rows"]["read"], 0, "{full}");
    assert_eq!(lab.inspect().jobs().len(), 0);
    let mut resume = lab.command();
    resume.args(["resume", "--json"]).stdin(input());
    let done = run(&lab, &mut resume).exits(0);
    assert_eq!(done.summary()["rows"]["accepted"], MANY, "{done}");
    all_once(&lab, MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_of_the_report_loses_no_line_of_it() {
    let lab = Lab::new(settings(&[])).await;
    let rows = 4000;
    let row = |row: usize| format!("p{row:06}@example.org,many,{}\n", "x".repeat(80));
    let text: String = (1..=rows).map(row).collect();
    lab.workdir
        .write("p.csv", format!("email,numberOfEmployees,city\n{text}"));
    // Chunks of 100 kB, and a report of all of them.
    let chunk = request_bytes(100_000).to_string();
    let args = [&LEADS[..], &["p.csv", "--max-part-bytes", &chunk]].concat();
    let full = run(&lab, &mut limited(&lab, 400, &args));
    let full = stopped(full, 1);
    assert!(full.error().contains("cannot write the report"), "{full}");
    let summary = full.summary();
    assert_eq!(summary["rows"]["failed"], rows, "{full}");
    assert_eq!(summary["report"], "", "none is better than half");
    let files = below(&lab.workdir.path("state"));
    assert!(!files.iter().any(|path| path.ends_with("report.csv")));
    let calls = lab.inspect().calls();
    let done = lab.run(&["resume", "--json"]).exits(3);
    assert_eq!(done.report().len(), rows);
    assert_eq!(done.summary()["balanced"], true, "{done}");
    let after = lab.inspect().calls();
    for call in [Call::Create, Call::Status, Call::Failures] {
        assert_eq!(after[&call], calls[&call], "all was known before");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_of_the_ledger_stops_the_run_for_a_while() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir.write("p.csv", people(500));
    let chunk = request_bytes(110).to_string();
    let args = [&LEADS[..], &["p.csv", "--max-part-bytes", &chunk]].concat();
    let full = run(&lab, &mut limited(&lab, 400, &args)).exits(1);
    assert!(full.error().contains("ledger"), "{full}");
    let summary = full.summary();
    let read = summary["rows"]["read"].as_u64().unwrap();
    assert!((1..500).contains(&read), "{full}");
    assert_eq!(summary["balanced"], true, "{full}");
    let done = lab.run(&["resume", "--json"]).exits(0);
    let summary = done.summary();
    assert_eq!(summary["rows"]["accepted"], 500, "{done}");
    assert_eq!(summary["balanced"], true, "{done}");
    let submits: u64 = summary["chunks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chunk| chunk["submits"].as_u64().unwrap())
        .sum();
    // A POST whose answer could not be written down is one without an answer.
    assert!(lab.inspect().jobs().len() as u64 <= submits, "{done}");
}

/// Begins an import of many people in chunks of 100 kB, one at a time, and comes
/// back when the first was taken.
async fn begun(lab: &Lab, sources: &[&str]) -> Child {
    let chunk = request_bytes(100_000).to_string();
    let options = ["--max-part-bytes", &chunk, "--max-in-flight", "1"];
    let child = with_args(lab.command(), &[sources, &options].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while lab.inspect().jobs().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    child
}

async fn slow() -> Lab {
    Lab::new(Settings {
        job_latency: Duration::from_millis(20),
        ..settings(&[])
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_cut_off_while_it_is_read_sends_no_half_row() {
    let lab = slow().await;
    let text = people(MANY);
    lab.workdir.write("p.csv", &text);
    let child = begun(&lab, &["p.csv"]).await;
    let file = File::options()
        .write(true)
        .open(lab.workdir.path("p.csv"))
        .unwrap();
    file.set_len(text.len() as u64 - 100_007).unwrap();
    let run = stopped(ended(&lab, child), 5);
    insta::assert_snapshot!(run.error(), @"
    error: the source broke off while it was read
      at: p.csv
      why: the file has become shorter: 100007 bytes are missing
      hint: the rows before were taken; when the source is back, a resume goes on
    ");
    let rows = &run.summary()["rows"];
    let read = rows["read"].as_u64().unwrap();
    assert!(read > 10_000 && read < MANY as u64 - 5000, "{run}");
    assert_eq!(rows["accepted"], read, "{run}");
    // The contract: the rows before are done, also those that fill no chunk.
    assert_ne!(read % 4999, 0, "{run}");
    let again = lab.run(&["resume"]).exits(5);
    assert!(again.error().contains("and now has 1899999"), "{again}");
    lab.workdir.write("p.csv", &text);
    let done = lab.run(&["resume", "--json"]).exits(0);
    assert_eq!(done.summary()["rows"]["read"], MANY, "{done}");
    all_once(&lab, MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_grows_while_it_is_read_is_read_as_it_was() {
    let lab = slow().await;
    lab.workdir.write("p.csv", people(MANY));
    let child = begun(&lab, &["p.csv"]).await;
    let mut file = File::options()
        .append(true)
        .open(lab.workdir.path("p.csv"))
        .unwrap();
    file.write_all(b"later@example.org\nhalf a ro").unwrap();
    let run = ended(&lab, child).exits(0);
    let summary = run.summary();
    assert_eq!(summary["rows"]["accepted"], MANY, "{run}");
    assert_eq!(summary["bytes"]["read"], people(MANY).len(), "{run}");
    let said = "p.csv has grown while it was read: what came after it was opened is not imported";
    assert!(run.stderr().contains(said), "{run}");
    all_once(&lab, MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_removed_while_it_is_read_is_read_to_its_end() {
    let lab = slow().await;
    lab.workdir.write("p.csv", people(MANY));
    let child = begun(&lab, &["p.csv"]).await;
    std::fs::remove_file(lab.workdir.path("p.csv")).unwrap();
    let run = ended(&lab, child).exits(0);
    assert_eq!(run.summary()["rows"]["accepted"], MANY, "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_file_that_is_removed_before_its_turn_can_be_put_back() {
    let lab = slow().await;
    let text = people(MANY);
    let (first, second) = text.split_at(6 + 20 * (MANY - 10));
    let second = format!("email\n{second}");
    lab.workdir.write("a.csv", first);
    lab.workdir.write("b.csv", &second);
    let child = begun(&lab, &["a.csv", "b.csv"]).await;
    std::fs::remove_file(lab.workdir.path("b.csv")).unwrap();
    let run = stopped(ended(&lab, child), 5);
    insta::assert_snapshot!(run.error(), @"
    error: no such file
      at: b.csv
    ");
    lab.workdir.write("b.csv", second);
    let done = lab.run(&["resume", "--json"]).exits(0);
    assert_eq!(done.summary()["rows"]["read"], MANY, "{done}");
    all_once(&lab, MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_other_end_of_a_pipe_breaks_off_no_run() {
    for of_stdout in [true, false] {
        let lab = Lab::new(settings(&[])).await;
        lab.workdir.write("p.csv", people(30));
        let chunk = request_bytes(110).to_string();
        let mut command = with_args(lab.command(), &["p.csv", "--max-part-bytes", &chunk]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if of_stdout {
            command.stdout(writer);
        } else {
            command.args(["-vv"]).stderr(writer);
        }
        let child = command.spawn().unwrap();
        // The other end is closed in this process, too.
        drop(command);
        let run = ended(&lab, child).exits(0);
        if !of_stdout {
            assert_eq!(run.summary()["rows"]["accepted"], 30, "{run}");
        }
        all_once(&lab, 30);
    }
}
