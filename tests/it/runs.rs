//! The verbs that read the ledger.

use mktoload::sandbox::Settings;
use serde_json::Value;

use super::in_process::{LEADS, Lab, people, request_bytes, settings};
use super::workdir::{Run, Workdir};

/// `text` without the names of runs, times, ports and `folder`, which differ
/// from run to run; what stands in columns stays as wide.
fn steady(text: &str, workdir: &Workdir) -> String {
    let folder = workdir.path("");
    let text = text.replace(folder.to_str().unwrap(), "DIR/");
    let in_word = |c: char| c.is_ascii_alphanumeric() || "-:.".contains(c);
    let mut out = String::new();
    for word in text.split_inclusive(|c| !in_word(c)) {
        let (word, end) = match word.chars().last() {
            Some(last) if !in_word(last) => word.split_at(word.len() - last.len_utf8()),
            _ => (word, ""),
        };
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
    let mut child = command.args(LEADS).args(args).spawn().unwrap();
    while lab.inspect().jobs().len() < jobs {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
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

#[test]
fn a_run_in_an_embedded_sandbox_cannot_be_resumed() {
    let workdir = Workdir::new();
    workdir.write("p.csv", PEOPLE);
    let run = workdir
        .import_leads(&["p.csv", "--max-errors", "0"])
        .exits(4);
    let known = workdir.run(&["runs", "--json"]).summary();
    assert_eq!(known[0]["resumable"], false, "{run}");
    assert_eq!(known[0]["endpoint"], "sandbox");
}
