//! Scripted faults, and an end in spite of them.

use mktoload::sandbox::{Call, FaultRule, JobState, Sandbox, Settings};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Bench, LEADS, batch};

fn faults(rules: &[&str]) -> Settings {
    Settings {
        faults: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
        ..Settings::default()
    }
}

#[tokio::test]
async fn faults_strike_the_calls_they_name() {
    let bench = Bench::new(faults(&[
        "create:1:cut-before",
        "create:2:cut-after",
        "create:3:1016",
        "create:4:http-502",
        "create:5:stuck",
        "create:6:job-failed",
        "status:1:status-Mending",
        "status:2:empty-result",
        "status:3:truncated",
        "status:4:html",
        "failures:1:truncated",
        "identity:2:expires-0",
        "describe:1:hang-20ms",
    ]))
    .await;
    let inspect = bench.sandbox.inspect();
    assert!(bench.upload(LEADS, "email\na@b.co\n").await.is_err());
    assert_eq!(inspect.jobs().len(), 0, "cut before: nothing is taken");
    assert!(bench.upload(LEADS, "email\na@b.co\n").await.is_err());
    assert_eq!(inspect.jobs().len(), 1, "cut after: the job is taken");
    assert_eq!(bench.refused(LEADS, "email\n").await, "1016");
    let answer = bench.upload(LEADS, "email\n").await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    batch(&bench.create(LEADS, "email\n").await);
    let failed = bench.create(LEADS, "email\n").await;
    assert_eq!(failed["result"][0]["status"], "Failed");
    let states: Vec<JobState> = inspect.jobs().iter().map(|job| job.state).collect();
    assert_eq!(
        states,
        [JobState::Complete, JobState::Importing, JobState::Failed]
    );

    let id = batch(&bench.create(LEADS, "email,city\n,x\n,y\n").await);
    let path = format!("/bulk/v1/leads/batch/{id}.json");
    assert_eq!(bench.json(&path).await["result"][0]["status"], "Mending");
    assert_eq!(bench.json(&path).await["result"], json!([]));
    assert!(serde_json::from_str::<Value>(&bench.text(&path).await).is_err());
    assert!(bench.text(&path).await.starts_with("<!DOCTYPE html>"));
    let path = format!("/bulk/v1/leads/batch/{id}/failures.json");
    let (half, whole) = (bench.text(&path).await, bench.text(&path).await);
    assert_eq!(half, whole[..whole.len() / 2]);
    assert_eq!(bench.identity().await["expires_in"], 0);
    assert_eq!(
        bench.json("/rest/v1/leads/describe.json").await["success"],
        true
    );
}

#[test]
fn a_wrong_fault_rule_names_the_legal_words() {
    let said = |rule: &str| rule.parse::<FaultRule>().unwrap_err().render();
    insta::assert_snapshot!(said("creat:1:606"), @"
    error: fault rule `creat:1:606`: `creat` is no kind of call
      hint: one of identity, create, status, failures, warnings, describe, usage, any
    ");
    insta::assert_snapshot!(said("create:0:606"), @"
    error: fault rule `create:0:606`: `0` does not say when
      hint: write N (the Nth call, from 1), N-M, N+ (from the Nth on) or P% (odds, up to 100%)
    ");
    insta::assert_snapshot!(said("create:1:explode"), @"
    error: fault rule `create:1:explode`: `explode` is no effect
      hint: one of a Marketo code such as 606, http-NNN, cut-before, cut-after, timeout, hang-DURATION, html, truncated, empty-result, status-WORD, job-failed, stuck, expires-0
    ");
    insta::assert_snapshot!(said("status:2:stuck"), @"
    error: fault rule `status:2:stuck`: `stuck` says nothing about this kind of call
      hint: it goes with create
    ");
    insta::assert_snapshot!(said("create:1"), @"
    error: fault rule `create:1`: a rule has three parts
      hint: write WHAT:WHEN:EFFECT, for example create:2:1016 or status:5%:606
    ");
}

#[tokio::test]
async fn it_ends_when_told_though_a_call_hangs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let sandbox = Sandbox::start(listener, faults(&["identity:1+:timeout"]), shutdown).unwrap();
    let mut socket = TcpStream::connect(sandbox.addr()).await.unwrap();
    let head = b"GET /identity/oauth/token HTTP/1.1\r\nhost: x\r\n\r\n";
    socket.write_all(head).await.unwrap();
    while sandbox.inspect().calls_of(Call::Identity) == 0 {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    sandbox.ended().await;
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
    assert!(rest.is_empty(), "no answer");
}
