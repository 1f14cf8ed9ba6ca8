//! Several processes of one machine share the slots of an instance.

use std::io::BufReader;
use std::process::{Child, Stdio};
use std::time::Duration;

use mktoload::sandbox::Settings;

use super::in_process::{LEADS, Lab, people, request_bytes, settings};
use super::signals::{ended, said};

/// Starts the binary in the lab's folder.
fn start(lab: &Lab, args: &[&str]) -> Child {
    lab.command()
        .args(LEADS)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

const OTHERS: &str = "other mktoload processes on this machine use the slots";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_have_no_more_in_flight_than_one() {
    let lab = Lab::new(Settings {
        job_latency: Duration::from_millis(40),
        ..settings(&[])
    })
    .await;
    lab.workdir.write("p.csv", people(50));
    let limit = request_bytes(110).to_string();
    let args = ["p.csv", "--max-part-bytes", &limit];
    let both = [(); 2].map(|()| start(&lab, &args));
    for child in both {
        let run = ended(&lab, child).exits(0);
        assert_eq!(run.summary()["rows"]["accepted"], 50, "{run}");
    }
    let inspect = lab.inspect();
    assert_eq!(inspect.jobs().len(), 20);
    assert_eq!(inspect.most_in_flight(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_frees_its_slot() {
    let lab = Lab::new(settings(&["create:1:stuck"])).await;
    lab.workdir.write("p.csv", people(5));
    let args = ["p.csv", "--max-in-flight", "1"];
    let mut first = start(&lab, &args);
    while lab.inspect().jobs().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut second = start(&lab, &args);
    let mut stderr = BufReader::new(second.stderr.take().unwrap());
    said(&mut stderr, OTHERS);
    assert_eq!(lab.inspect().jobs().len(), 1);
    first.kill().unwrap();
    first.wait().unwrap();
    ended(&lab, second).exits(0);
    assert_eq!(lab.inspect().jobs().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slots_are_found_unusable_before_anything_is_sent() {
    let lab = Lab::new(settings(&[])).await;
    lab.workdir.write("p.csv", people(5));
    lab.workdir.write("state/gates", "in the way");
    let run = lab.run(&[&LEADS[..], &["p.csv"]].concat()).exits(2);
    assert!(run.error().contains("--state-dir"), "{run}");
    assert!(lab.inspect().creates().is_empty());
    // An embedded Marketo is nobody else's.
    let run = lab
        .workdir
        .import_leads(&["p.csv", "--state-dir", "other"])
        .exits(0);
    assert!(!lab.workdir.path("other/gates").exists(), "{run}");
}
