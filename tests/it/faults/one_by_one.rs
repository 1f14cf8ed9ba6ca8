//! Each fault by itself, on the second of three chunks.

use std::time::Duration;

use mktoload::report::Rows;
use tokio::sync::watch;

use super::super::in_process::{Lab, import_with, settings};
use super::super::resume::{five, people};

/// What a run with one fault comes to: its exit code, rows read, accepted,
/// failed, rejected and unknown, lines of the report, and how often each chunk
/// may have been taken.
fn told(rule: &str, done: &super::super::in_process::Done) -> String {
    let summary = &done.summary;
    let Rows {
        read,
        accepted,
        failed,
        rejected,
        unknown,
        ..
    } = summary.rows;
    let submits: Vec<String> = summary
        .chunks
        .iter()
        .map(|chunk| format!(" {}", chunk.submits))
        .collect();
    let ends = [
        (done.resumable, "resumable"),
        (!summary.balanced, "unbalanced"),
    ];
    let ends: String = ends
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, word)| format!(" {word}"))
        .collect();
    format!(
        "{rule:<24}{:>3} |{read:>3} ={accepted:>3} +{failed:>2} +{rejected:>2} +{unknown:>2} |{:>2} |{}{ends}\n",
        summary.exit_code,
        done.report().len(),
        submits.join(""),
    )
}

async fn with(rule: &str) -> String {
    let lab = Lab::new(settings(&[rule])).await;
    let mut plan = lab.plan("p.csv", people(), five());
    plan.max_in_flight = 1;
    plan.job_timeout = Duration::from_millis(200);
    let at = lab.sandbox.base_url();
    let (_signal, never) = watch::channel(None);
    let short = |config: &mut mktoload::marketo::ClientConfig| {
        config.call_timeout = Duration::from_millis(300);
    };
    let done = import_with(&at, plan, never, short).await.unwrap();
    told(rule, &done)
}

/// All of them, a line each.
async fn table(call: &str, effects: &[&str]) -> String {
    let mut table = String::new();
    for effect in effects {
        table += &with(&format!("{call}:{effect}")).await;
    }
    table
}

const PASSING: [&str; 15] = [
    "601", "602", "604", "606", "608", "611", "614", "615", "713", "719", "9001", "http-429",
    "http-500", "http-502", "http-503",
];
const BROKEN: [&str; 6] = [
    "cut-before",
    "cut-after",
    "timeout",
    "html",
    "truncated",
    "hang-20ms",
];

/// The nth call struck by each.
async fn table_of(nth: u32, call: &str, groups: &[&[&str]]) -> String {
    let effects: Vec<String> = groups
        .iter()
        .flat_map(|group| group.iter().map(|effect| format!("{nth}:{effect}")))
        .collect();
    let effects: Vec<&str> = effects.iter().map(String::as_str).collect();
    table(call, &effects).await
}

#[tokio::test]
async fn a_create() {
    let own = [
        "607",
        "1016",
        "1019",
        "603",
        "1003",
        "1006",
        "1013",
        "http-413",
        "empty-result",
        "job-failed",
        "stuck",
        "status-Mending",
    ];
    insta::assert_snapshot!(table_of(2, "create", &[&PASSING, &BROKEN, &own]).await, @"
    create:2:601              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:602              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:604              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:606              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:608              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:611              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:614              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:615              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:713              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:719              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:9001             3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:http-429         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:http-500         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:http-502         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:http-503         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:cut-before       3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:cut-after        3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:timeout          3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:html             3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:truncated        3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:hang-20ms        3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:607             75 |  5 =  4 + 1 + 0 + 0 | 1 | 1 resumable
    create:2:1016             3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:1019             3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    create:2:603              6 |  5 =  4 + 1 + 0 + 0 | 1 | 1 resumable
    create:2:1003             8 | 15 =  8 + 2 + 5 + 0 | 7 | 1 0 1
    create:2:1006             8 | 10 =  4 + 1 + 5 + 0 | 6 | 1 0
    create:2:1013             8 | 10 =  4 + 1 + 5 + 0 | 6 | 1 0
    create:2:http-413         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1 1
    create:2:empty-result     3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 2 1
    create:2:job-failed       8 | 15 =  8 + 2 + 0 + 5 | 7 | 1 1 1
    create:2:stuck            7 | 15 =  8 + 2 + 0 + 5 | 7 | 1 1 1 resumable
    create:2:status-Mending   3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    ");
}

#[tokio::test]
async fn a_status() {
    let own = ["607", "603", "610", "empty-result", "status-Mending"];
    insta::assert_snapshot!(table_of(2, "status", &[&PASSING, &BROKEN, &own]).await, @"
    status:2:601              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:602              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:604              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:606              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:608              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:611              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:614              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:615              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:713              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:719              3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:9001             3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:http-429         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:http-500         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:http-502         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:http-503         3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:cut-before       3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:cut-after        3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:timeout          3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:html             3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:truncated        3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:hang-20ms        3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:607             75 | 10 =  4 + 1 + 0 + 5 | 6 | 1 1 resumable
    status:2:603              6 | 10 =  4 + 1 + 0 + 5 | 6 | 1 1 resumable
    status:2:610              8 | 10 =  4 + 1 + 0 + 5 | 6 | 1 1 resumable
    status:2:empty-result     3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    status:2:status-Mending   3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    ");
}

#[tokio::test]
async fn a_failure_file() {
    let own = ["607", "603", "610", "http-404"];
    // Of the last chunk, so that no other is under way.
    insta::assert_snapshot!(table_of(3, "failures", &[&PASSING, &BROKEN, &own]).await, @"
    failures:3:601            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:602            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:604            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:606            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:608            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:611            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:614            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:615            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:713            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:719            3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:9001           3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:http-429       3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:http-500       3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:http-502       3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:http-503       3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:cut-before     3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:cut-after      3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:timeout        3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:html           3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:truncated      3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:hang-20ms      3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    failures:3:607           75 | 15 = 12 + 3 + 0 + 0 | 2 | 1 1 1 resumable unbalanced
    failures:3:603            6 | 15 = 12 + 3 + 0 + 0 | 2 | 1 1 1 resumable unbalanced
    failures:3:610            8 | 15 = 12 + 3 + 0 + 0 | 2 | 1 1 1 resumable unbalanced
    failures:3:http-404       7 | 15 = 12 + 3 + 0 + 0 | 2 | 1 1 1 unbalanced
    ");
}

#[tokio::test]
async fn a_login() {
    let effects = [
        "1:expires-0",
        "1-3:expires-0",
        "1:http-503",
        "1:cut-before",
        "1:html",
    ];
    insta::assert_snapshot!(table("identity", &effects).await, @"
    identity:1:expires-0      3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    identity:1-3:expires-0    3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    identity:1:http-503       3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    identity:1:cut-before     3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    identity:1:html           3 | 15 = 12 + 3 + 0 + 0 | 3 | 1 1 1
    ");
}
