//! Which runs can be resumed, by whom and how; and what the last line says.

use std::time::Duration;

use mktoload::pipeline::{Left, Signal};
use mktoload::sandbox::{Call, JobState, Settings};
use tokio::sync::watch;

use super::super::in_process::{self, LEADS, Lab, import_at, request_bytes, settings};
use super::super::signals::{ended, raise, start};
use super::super::workdir::Run;
use super::{five, people, people_of};

/// An import of three chunks with these options.
fn import(lab: &Lab, options: &[&str]) -> Run {
    lab.workdir.write("p.csv", people());
    let limit = five().to_string();
    let args = ["p.csv", "--max-part-bytes", &limit, "--max-in-flight", "1"];
    lab.run(&[&LEADS[..], &args, options].concat())
}

/// The last line, with the run it names.
fn last_line(run: &Run) -> (String, String) {
    let id = run.summary()["run_id"].as_str().unwrap().to_owned();
    let last = run.stderr().lines().last().unwrap_or_default().to_owned();
    (last, id)
}

#[track_caller]
fn says_resume(run: &Run) -> String {
    let (last, id) = last_line(run);
    assert_eq!(last, format!("mktoload resume {id}"), "{run}");
    id
}

/// The error with `id` taken out.
fn error(run: &Run, id: &str) -> String {
    run.error().replace(id, "RUN")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_belongs_to_one_process_until_it_is_finished() {
    let lab = Lab::new(settings(&["create:2:607"])).await;
    let run = lab.run(&["resume"]).exits(2);
    insta::assert_snapshot!(run.error(), @"
    error: there is no unfinished run
      at: DIRstate/ledger.sqlite
      hint: `mktoload runs` lists the runs that are known
    ");
    let id = says_resume(&import(&lab, &[]).exits(75));
    let state = lab.workdir.path("state");
    let left = Left::find(&state, Some(&id)).await.unwrap();
    for args in [&["resume"][..], &["resume", &id]] {
        let run = lab.run(args).exits(75);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error(&run, &id), @"
            error: another process is working on run RUN
              hint: `mktoload status RUN` shows how far it is
            ");
        }
    }
    drop(left);
    let run = lab.run(&["resume", &id, "--json"]).exits(3);
    let (last, _) = last_line(&run);
    assert!(!last.contains("mktoload resume"), "{run}");
    let calls = lab.inspect().calls();
    let run = lab.run(&["resume", &id]).exits(2);
    insta::assert_snapshot!(error(&run, &id), @"
    error: run RUN is finished: nothing of it is left to do
      hint: `mktoload report RUN` writes its report again
    ");
    lab.run(&["resume"]).exits(2);
    assert_eq!(lab.inspect().calls(), calls);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_differ_is_refused() {
    let lab = Lab::new(settings(&["create:2:607"])).await;
    let id = says_resume(&import(&lab, &[]).exits(75));
    let at = lab.sandbox.base_url();
    let calls = lab.inspect().calls();
    for fixed in [
        ["--format", "csv"],
        ["--max-part-bytes", "9000"],
        ["--on-bad-row", "send"],
        ["--report-columns", "none"],
        ["--serialize-on", "email"],
    ] {
        let run = lab.run(&["resume", fixed[0], fixed[1]]).exits(2);
        assert!(run.error().contains("stays as it was"), "{run}");
    }
    let other = "https://123-ABC-456.mktorest.com";
    let run = lab.run(&["resume", "--endpoint", other]).exits(2);
    insta::assert_snapshot!(error(&run, &id).replace(&at, "HERE"), @"
    error: run RUN went to HERE, not to `https://123-ABC-456.mktorest.com`
      hint: leave --endpoint and MKTO_ENDPOINT out, or name the run's own
    ");
    let embedded = |to: bool| {
        let (from, to) = (
            format!("\"embedded\":{}", !to),
            format!("\"embedded\":{to}"),
        );
        format!("UPDATE runs SET arguments = replace(arguments, '{from}', '{to}')")
    };
    lab.database().execute_batch(&embedded(true)).unwrap();
    let run = lab.run(&["resume"]).exits(2);
    insta::assert_snapshot!(error(&run, &id), @"
    error: run RUN imported into an embedded sandbox, which ended with it
      hint: run the import again
    ");
    lab.database().execute_batch(&embedded(false)).unwrap();
    assert_eq!(lab.inspect().calls(), calls);
    lab.run(&["resume", "--max-in-flight", "5"]).exits(3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_of_another_version_are_refused() {
    let lab = Lab::new(settings(&["create:2:607"])).await;
    let id = says_resume(&import(&lab, &[]).exits(75));
    let other = "UPDATE runs SET arguments = '{}', tool_version = '7.0.0'";
    lab.database().execute_batch(other).unwrap();
    let run = lab.run(&["resume"]).exits(2);
    insta::assert_snapshot!(error(&run, &id), @"
    error: run RUN was begun by version 7.0.0 and cannot be read by this one
      why: missing field `plan` at line 1 column 2
      hint: use the version that began it
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_signal_stopped_is_resumed() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let lab = Lab::new(settings(&[])).await;
        let child = start(&lab, 3).await;
        raise(&child, signal);
        let run = ended(&lab, child).exits(code);
        says_resume(&run);
        let run = lab
            .run(&["resume", "--json", "--max-in-flight", "8"])
            .exits(0);
        let summary = run.summary();
        assert_eq!(summary["rows"]["accepted"], 400, "{run}");
        assert_eq!(summary["balanced"], true, "{run}");
        let (last, _) = last_line(&run);
        assert!(!last.contains("mktoload resume"), "{run}");
        assert_eq!(lab.inspect().jobs().len(), 80);
    }
}

#[tokio::test]
async fn a_job_that_was_no_longer_waited_for_is_looked_at_again() {
    let lab = Lab::new(Settings {
        job_latency: Duration::from_millis(400),
        ..settings(&[])
    })
    .await;
    let plan = lab.plan("p.csv", in_process::people(10), request_bytes(110));
    let at = lab.sandbox.base_url();
    let (raise, signal) = watch::channel(None);
    let interrupts = async {
        while lab.inspect().jobs().len() < 2 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        raise.send_replace(Some(Signal::Interrupt));
        tokio::time::sleep(Duration::from_millis(50)).await;
        raise.send_replace(Some(Signal::Interrupt));
    };
    let (stopped, ()) = tokio::join!(import_at(&at, plan, signal), interrupts);
    let stopped = stopped.unwrap();
    assert_eq!(stopped.summary.exit_code, 130);
    assert_eq!(stopped.summary.rows.unknown, 10);
    assert_eq!(stopped.report().len(), 10);
    assert!(stopped.resumable && stopped.summary.balanced);
    let done = lab.resume(&stopped.summary.run_id).await.unwrap();
    assert_eq!(done.summary.exit_code, 0, "{:?}", done.error);
    assert_eq!(done.summary.rows.accepted, 10);
    assert!(done.report().is_empty(), "what was unknown is known");
    let jobs = lab.inspect().jobs();
    assert!(jobs.iter().all(|job| job.state == JobState::Complete));
    assert_eq!(jobs.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_too_many_errors_goes_on_with_a_higher_limit() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir.write("p.csv", people_of(50));
    let limit = five().to_string();
    let args = ["p.csv", "--max-part-bytes", &limit, "--max-in-flight", "1"];
    let args = [&LEADS[..], &args, &["--max-errors", "2"]].concat();
    let run = lab.run(&args).exits(4);
    says_resume(&run);
    let creates = lab.inspect().calls_of(Call::Create);
    assert!(creates < 7, "{creates}");

    let again = lab.run(&["resume", "--json"]).exits(4);
    says_resume(&again);
    assert_eq!(lab.inspect().calls_of(Call::Create), creates, "{again}");
    assert_eq!(again.summary()["rows"], run.summary()["rows"], "{again}");
    assert_eq!(again.summary()["balanced"], true, "{again}");

    let run = lab
        .run(&["resume", "--json", "--max-errors", "50%"])
        .exits(3);
    let summary = run.summary();
    assert_eq!(summary["rows"]["read"], 50, "{run}");
    assert_eq!(summary["rows"]["failed"], 10, "{run}");
    assert_eq!(summary["balanced"], true, "{run}");
    assert_eq!(run.report().len(), 10, "{run}");
    assert_eq!(lab.inspect().jobs().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_resumed_from_any_folder() {
    let lab = Lab::new(settings(&["create:2:607"])).await;
    let id = says_resume(&import(&lab, &["--report", "here.csv"]).exits(75));
    let elsewhere = lab.workdir.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let mut command = lab.command();
    let args = ["resume", &id, "--json", "--rejects", "there.csv"];
    command.args(args).current_dir(&elsewhere);
    let run = tokio::task::block_in_place(|| Run::of(&lab.workdir.path(""), &mut command, b""));
    let run = run.exits(3);
    assert_eq!(run.summary()["rows"]["read"], 15, "{run}");
    assert_eq!(run.report().len(), 3, "{run}");
    assert!(elsewhere.join("there.csv").exists(), "{run}");
    assert!(lab.workdir.path("here.csv").exists(), "{run}");
}
