//! An interrupted run comes to what it would have come to undisturbed, byte for
//! byte.

use mktoload::pipeline::Plan;
use mktoload::sandbox::Call;
use mktoload::source::Source;

use super::super::in_process::{Done, Lab, request_bytes, settings};

/// CRLF, a row of several lines, empty lines, rows that are rejected and rows
/// that fail, and no end of the last row.
const ONE: &str = "email,city,numberOfEmployees\r\n\
    a1@b.co,Rome,1\r\n\
    a2@b.co,Rome,many\r\n\
    a3@b.co,\"Ro\r\nme\",3\r\n\
    \r\n\
    a4@b.co,too,many,fields\r\n\
    a5@b.co,\"Ro\n\nme\",many\r\n\
    a6@b.co,Rome,6\r\n\
    a7@b.co,Rome,many";
/// A byte order mark, LF, and bad rows at both ends.
const TWO: &str = "\u{feff}email,city,numberOfEmployees\n\
    b1@b.co,too,many,fields\n\
    b2@b.co,Oslo,many\n\
    b3@b.co,\"said \"\"no\"\"\",many\n\
    b4@b.co,Oslo,4\n\
    b5@b.co,too few";
const THREE: &str = "email,city,numberOfEmployees\n\
    c1@b.co,Bonn,many\n\
    c2@b.co,Bonn,2\n\
    ,Bonn,3\n\
    c4@b.co,Bonn,4\n\
    c5@b.co,Bonn,many";

fn plan(lab: &Lab) -> Plan {
    let mut plan = lab.plan("one.csv", ONE, request_bytes(75));
    for (name, text) in [("two.csv", TWO), ("three.csv", THREE)] {
        lab.workdir.write(name, text);
        plan.sources.push(Source::File(lab.workdir.path(name)));
    }
    plan.max_in_flight = 1;
    plan
}

/// Report and rejects as text, without what differs from run to run: this
/// test's folder and the batch ids.
fn files(lab: &Lab, done: &Done) -> (String, String) {
    let folder = lab.workdir.path("").display().to_string();
    let report = std::fs::read_to_string(&done.summary.report).unwrap();
    let mut report = report.replace(&folder, "DIR/");
    for job in lab.inspect().jobs() {
        report = report.replace(&format!(",{},", job.batch_id), ",BATCH,");
    }
    (report, String::from_utf8(done.rejects()).unwrap())
}

/// What an undisturbed run comes to, and its chunks.
async fn undisturbed() -> ((String, String), Done, usize) {
    let lab = Lab::new(settings(&[])).await;
    let done = lab.import(plan(&lab)).await;
    let rows = done.summary.rows;
    assert_eq!((rows.read, rows.failed, rows.rejected), (17, 8, 3));
    let chunks = done.summary.chunks.len();
    assert!(chunks > 5, "{chunks}");
    (files(&lab, &done), done, chunks)
}

fn is_the_same(lab: &Lab, done: &Done, wanted: &(String, String), undisturbed: &Done, how: &str) {
    assert!(done.error.is_none(), "{how}: {:?}", done.error);
    assert_eq!(&files(lab, done), wanted, "{how}");
    let (summary, wanted) = (&done.summary, &undisturbed.summary);
    assert_eq!(summary.rows, wanted.rows, "{how}");
    assert_eq!(summary.bytes.read, wanted.bytes.read, "{how}");
    assert_eq!(summary.exit_code, wanted.exit_code, "{how}");
    assert!(summary.balanced, "{how}");
    let rows = |done: &Done| -> Vec<(u32, u64, u32)> {
        let chunks = done.summary.chunks.iter();
        chunks
            .map(|chunk| (chunk.chunk.get(), chunk.rows, chunk.submits))
            .collect()
    };
    assert_eq!(rows(done), rows(undisturbed), "{how}");
}

#[tokio::test]
async fn an_interruption_between_any_two_chunks_leaves_no_trace() {
    let (wanted, undisturbed, chunks) = undisturbed().await;
    for nth in 1..=chunks {
        let rule = format!("create:{nth}:607");
        let lab = Lab::new(settings(&[&rule])).await;
        let stopped = lab.import(plan(&lab)).await;
        assert_eq!(stopped.summary.exit_code, 75, "{rule}");
        assert!(stopped.resumable && stopped.summary.balanced, "{rule}");
        let run = &stopped.summary.run_id;
        // Stopped again before anything of it is sent.
        let interrupt = Some(mktoload::pipeline::Signal::Interrupt);
        let creates = lab.inspect().calls_of(Call::Create);
        let at_once = lab.resume_with(run, interrupt, |_| {}).await.unwrap();
        assert_eq!(at_once.summary.exit_code, 130, "{rule}");
        assert!(at_once.resumable, "{rule}");
        assert!(at_once.summary.balanced, "{rule}: {:?}", at_once.summary);
        let accepted = stopped.summary.rows.accepted;
        assert_eq!(at_once.summary.rows.accepted, accepted, "{rule}");
        assert_eq!(lab.inspect().calls_of(Call::Create), creates, "{rule}");
        let done = lab.resume(run).await.unwrap();
        is_the_same(&lab, &done, &wanted, &undisturbed, &rule);
    }
}

#[tokio::test]
async fn an_interruption_at_every_chunk_of_one_run_leaves_no_trace() {
    let (wanted, undisturbed, chunks) = undisturbed().await;
    let rules: Vec<String> = (0..chunks)
        .map(|chunk| format!("create:{}:607", 2 * chunk + 1))
        .collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let lab = Lab::new(settings(&rules)).await;
    let mut done = lab.import(plan(&lab)).await;
    let mut resumes = 0;
    while done.resumable {
        assert!(done.summary.balanced);
        done = lab.resume(&done.summary.run_id).await.unwrap();
        resumes += 1;
    }
    assert_eq!(resumes, chunks);
    is_the_same(&lab, &done, &wanted, &undisturbed, "all");
}
