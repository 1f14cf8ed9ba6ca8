//! The report: its columns and what stands in them.

use mktoload::sandbox::Settings;

use super::in_process::{Lab, request_bytes, settings};
use super::workdir::{Workdir, column};

/// One row of each kind: good, refused for its key, refused for a type, imported
/// with a remark, too wide, good.
const PEOPLE: &str = "email,firstName,numberOfEmployees\n\
    good@b.co,Ann,1\n\
    ,\"Bo, Jr\",2\n\
    c@b.co,\"Cid\nCampeador\",many\n\
    nonsense,Dan,4\n\
    e@b.co,Eve,5,6\n\
    good2@b.co,Fay,7\n";

#[test]
fn columns_and_values() {
    let workdir = Workdir::new();
    workdir.write("people.csv", PEOPLE);
    let args = ["people.csv", "--report", "r.csv", "--rejects", "x.csv"];
    let run = workdir.import_leads(&args).exits(3);
    insta::assert_snapshot!(workdir.text("r.csv"), @r#"
    source,source_row,source_line,chunk,batch_id,status,match,reason,candidates,raw,email,firstName,numberOfEmployees
    people.csv,2,3,1,1001,failed,normalized,Value for lookup field 'email' not found,,",""Bo, Jr"",2",,"Bo, Jr",2
    people.csv,3,4,1,1001,failed,normalized,Invalid data type in field Num Employees,,"c@b.co,""Cid
    Campeador"",many",c@b.co,"Cid
    Campeador",many
    people.csv,4,6,1,1001,warning,exact,Invalid email address,,"nonsense,Dan,4",nonsense,Dan,4
    people.csv,5,7,,,rejected,,"the row has 4 fields, the header 3",,"e@b.co,Eve,5,6",e@b.co,Eve,5
    "#);
    insta::assert_snapshot!(workdir.text("x.csv"), @r#"
    email,firstName,numberOfEmployees
    ,"Bo, Jr",2
    c@b.co,"Cid
    Campeador",many
    e@b.co,Eve,5,6
    "#);
    let rows = &run.summary()["rows"];
    let counts = [
        "read", "accepted", "failed", "warned", "rejected", "unknown",
    ];
    let counts = counts.map(|name| rows[name].as_u64().unwrap());
    assert_eq!(counts, [6, 3, 2, 1, 1, 0]);
}

#[test]
fn json_lines_have_the_same_keys() {
    let workdir = Workdir::new();
    workdir.write("people.csv", PEOPLE);
    let args = ["people.csv", "--report", "r.jsonl"];
    workdir.import_leads(&args).exits(3);
    insta::assert_snapshot!(workdir.text("r.jsonl"), @r#"
    {"source":"people.csv","source_row":2,"source_line":3,"chunk":1,"batch_id":1001,"status":"failed","match":"normalized","reason":"Value for lookup field 'email' not found","candidates":[],"raw":",\"Bo, Jr\",2","email":"","firstName":"Bo, Jr","numberOfEmployees":"2"}
    {"source":"people.csv","source_row":3,"source_line":4,"chunk":1,"batch_id":1001,"status":"failed","match":"normalized","reason":"Invalid data type in field Num Employees","candidates":[],"raw":"c@b.co,\"Cid\nCampeador\",many","email":"c@b.co","firstName":"Cid\nCampeador","numberOfEmployees":"many"}
    {"source":"people.csv","source_row":4,"source_line":6,"chunk":1,"batch_id":1001,"status":"warning","match":"exact","reason":"Invalid email address","candidates":[],"raw":"nonsense,Dan,4","email":"nonsense","firstName":"Dan","numberOfEmployees":"4"}
    {"source":"people.csv","source_row":5,"source_line":7,"chunk":null,"batch_id":null,"status":"rejected","match":null,"reason":"the row has 4 fields, the header 3","candidates":[],"raw":"e@b.co,Eve,5,6","email":"e@b.co","firstName":"Eve","numberOfEmployees":"5"}
    "#);
}

#[test]
fn less_of_a_row_is_shown_where_less_is_asked_for() {
    let workdir = Workdir::new();
    workdir.write("people.csv", PEOPLE);
    let mut texts = String::new();
    for columns in ["key", "none"] {
        let args = [
            "people.csv",
            "--report",
            "r.csv",
            "--report-columns",
            columns,
        ];
        let run = workdir.import_leads(&args).exits(3);
        texts += &workdir.text("r.csv");
        // The rejects hold whole rows all the same: they are to be imported.
        assert!(String::from_utf8(run.rejects()).unwrap().contains("Bo, Jr"));
    }
    assert!(!texts.contains("Cid"), "{texts}");
    insta::assert_snapshot!(texts, @r#"
    source,source_row,source_line,chunk,batch_id,status,match,reason,candidates,raw,email
    people.csv,2,3,1,1001,failed,normalized,Value for lookup field 'email' not found,,,
    people.csv,3,4,1,1001,failed,normalized,Invalid data type in field Num Employees,,,c@b.co
    people.csv,4,6,1,1001,warning,exact,Invalid email address,,,nonsense
    people.csv,5,7,,,rejected,,"the row has 4 fields, the header 3",,,e@b.co
    source,source_row,source_line,chunk,batch_id,status,match,reason,candidates,raw
    people.csv,2,3,1,1001,failed,normalized,Value for lookup field 'email' not found,,
    people.csv,3,4,1,1001,failed,normalized,Invalid data type in field Num Employees,,
    people.csv,4,6,1,1001,warning,exact,Invalid email address,,
    people.csv,5,7,,,rejected,,"the row has 4 fields, the header 3",,
    "#);
}

#[tokio::test]
async fn lines_stand_in_source_order_whatever_order_jobs_end_in() {
    // The first chunk is by far the longest, so that it ends last.
    let lab = Lab::new(Settings {
        rows_per_second: Some(500),
        ..settings(&[])
    })
    .await;
    let mut text = "email,numberOfEmployees\n".to_owned();
    for row in 1..=60 {
        // Long rows later: fewer of them in a chunk.
        let name = "x".repeat(if row > 40 { 60 } else { 1 });
        text += &format!("{name}{row}@b.co,many\n");
    }
    let mut plan = lab.plan("people.csv", text, request_bytes(500));
    plan.max_in_flight = 10;
    let done = lab.import(plan).await;
    let report = done.report();
    let rows: Vec<u64> = column(&report, "source_row")
        .iter()
        .map(|row| row.parse().unwrap())
        .collect();
    assert_eq!(rows, (1..=60).collect::<Vec<_>>());
    assert!(done.summary.chunks.len() > 3);
    assert!(lab.inspect().most_in_flight() > 1);
}

#[tokio::test]
async fn rows_that_are_alike_and_all_failed_are_each_named() {
    let lab = Lab::new(settings(&[])).await;
    let text = "email,numberOfEmployees\na@b.co,1\nb@b.co,many\nb@b.co,many\n";
    let done = lab.import(lab.plan("people.csv", text, 10_000)).await;
    let report = done.report();
    assert_eq!(column(&report, "source_row"), ["2", "3"]);
    assert_eq!(column(&report, "match"), ["exact", "exact"]);
    let rejects = "email,numberOfEmployees\nb@b.co,many\nb@b.co,many\n";
    assert_eq!(done.rejects(), rejects.as_bytes());
}

#[tokio::test]
async fn a_failure_file_that_broke_off_is_fetched_again() {
    let faults = ["failures:1:cut-before", "warnings:1:http-502"];
    let lab = Lab::new(settings(&faults)).await;
    let done = lab.import(lab.plan("people.csv", PEOPLE, 10_000)).await;
    assert!(done.summary.balanced, "{:?}", done.summary.imbalances);
    let report = done.report();
    assert_eq!(column(&report, "source_row"), ["2", "3", "4", "5"]);
    let statuses = ["failed", "failed", "warning", "rejected"];
    assert_eq!(column(&report, "status"), statuses);
}

#[tokio::test]
async fn a_failure_file_with_too_few_rows_is_said_to_have_too_few() {
    // The half of it that comes ends like a whole one.
    let lab = Lab::new(settings(&["failures:1+:truncated"])).await;
    let done = lab.import(lab.plan("people.csv", PEOPLE, 10_000)).await;
    let summary = &done.summary;
    assert_eq!((summary.exit_code, summary.balanced), (7, false));
    assert_eq!(summary.rows.failed, 2, "Marketo's count stands");
    let told = &summary.imbalances[0].message;
    insta::assert_snapshot!(told, @"Marketo counted 2 failed rows in chunk 1, but its failure file holds 1");
    for line in done.report() {
        let row = line["source_row"].as_str();
        assert!(
            ["", "2", "3", "4", "5"].contains(&row),
            "no good row is blamed: {line:?}"
        );
    }
}
