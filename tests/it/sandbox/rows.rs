//! Uploads: parameters, rows, and the files of what was refused.

use std::collections::BTreeSet;

use mktoload::sandbox::{FileStyle, Schema, Settings};
use reqwest::StatusCode;
use serde_json::json;

use super::{Bench, LEADS, batch, code};

#[tokio::test]
async fn leads_are_checked_row_by_row() {
    let bench = Bench::new(Settings {
        keep_accepted: true,
        ..Settings::default()
    })
    .await;
    let file = "firstName,lastName,email,leadScore\r\nA,B,a@b.co,1\r\nC,D,c@d.co,x\r\n\
                E,F,,2\r\nG,H,nonsense,3\r\n\"I, \"\"J\"\"\",K,i@j.co,y\r\n";
    let answer = bench.create(LEADS, file).await;
    let batch = batch(&answer);
    assert_eq!(
        answer["result"][0],
        json!({"batchId": batch, "importId": batch.to_string(), "status": "Queued"})
    );
    let status = bench
        .json(&format!("/bulk/v1/leads/batch/{batch}.json"))
        .await;
    assert_eq!(
        status["result"][0],
        json!({
            "batchId": batch, "importId": batch.to_string(), "status": "Complete",
            "numOfLeadsProcessed": 2, "numOfRowsFailed": 3, "numOfRowsWithWarning": 1,
            "message": "Import completed with errors, 2 records imported (2 members), 3 failed, 1 warning.",
        })
    );
    insta::assert_snapshot!(bench.text(&format!("/bulk/v1/leads/batch/{batch}/failures.json")).await, @r#"
    firstName,lastName,email,leadScore,Import Failure Reason
    C,D,c@d.co,x,Invalid data type in field Lead Score
    E,F,,2,Value for lookup field 'email' not found
    I, "J",K,i@j.co,y,Invalid data type in field Lead Score
    "#);
    insta::assert_snapshot!(bench.text(&format!("/bulk/v1/leads/batch/{batch}/warnings.json")).await, @"
    firstName,lastName,email,leadScore,Import Warning Reason
    G,H,nonsense,3,Invalid email address
    ");
    let rows = bench
        .sandbox
        .inspect()
        .accepted_rows(u32::try_from(batch).unwrap());
    assert_eq!(
        rows,
        [["A", "B", "a@b.co", "1"], ["G", "H", "nonsense", "3"]]
    );
}

#[tokio::test]
async fn the_samples_of_the_documentation_come_out_letter_by_letter() {
    let bench = Bench::new(Settings {
        schema: Schema::from_toml(
            r#"
            [[objects]]
            name = "car_c"
            dedupe_fields = ["vin"]
            fields = [{ name = "color" }, { name = "make" }, { name = "model" }, { name = "vin" }]
            "#,
            "schema.toml",
        )
        .unwrap(),
        files: FileStyle {
            drop_empty_columns: true,
            ..FileStyle::default()
        },
        ..Settings::default()
    })
    .await;
    let cars = "color,make,model, vin\nred,bmw,2002,WBA4R7C55HK895912\n";
    let id = batch(
        &bench
            .create("/bulk/v1/customobjects/car_c/import.json?format=csv", cars)
            .await,
    );
    let base = format!("/bulk/v1/customobjects/car_c/import/{id}");
    let status = bench.json(&format!("{base}/status.json")).await;
    assert_eq!(
        status["result"][0],
        json!({
            "batchId": id, "operation": "import", "status": "Complete", "objectApiName": "car_c",
            "numOfObjectsProcessed": 0, "numOfRowsFailed": 1, "numOfRowsWithWarning": 0,
            "importTime": "1 second(s)",
            "message": "Import completed with errors, 0 records imported (0 members), 1 failed",
        })
    );
    assert_eq!(
        bench.text(&format!("{base}/failures.json")).await,
        "color,make,model, vin,Import Failure Reason\n\
         red,bmw,2002,WBA4R7C55HK895912,missing.dedupe.fields\n"
    );
    assert_eq!(
        bench.get(&format!("{base}/warnings.json")).await.status(),
        StatusCode::NOT_FOUND
    );
    // The empty column vanishes.
    let leads = "firstName,lastName,phone,email\nBenji,Nordstrom,212-555-2323,\n";
    let id = batch(&bench.create(LEADS, leads).await);
    assert_eq!(
        bench
            .text(&format!("/bulk/v1/leads/batch/{id}/failures.json"))
            .await,
        "firstName,lastName,phone,Import Failure Reason\n\
         Benji,Nordstrom,212-555-2323,Value for lookup field 'email' not found\n"
    );
    // 86 bytes, as a live instance was seen to answer.
    let path = "/bulk/v1/program/7/members/import.json?format=CSV&programMemberStatus=On%20List";
    let id = batch(
        &bench
            .create(path, "email,firstName,lastName\nabcds,John,Reese\n")
            .await,
    );
    let warnings = bench
        .text(&format!(
            "/bulk/v1/program/members/import/{id}/warnings.json"
        ))
        .await;
    assert_eq!(warnings.len(), 86);
    let status = bench
        .json(&format!("/bulk/v1/program/members/import/{id}/status.json"))
        .await;
    assert_eq!(
        status["result"][0]["message"],
        "Import succeeded, 1 records imported (1 members), 1 warning."
    );
}

#[tokio::test]
async fn files_are_mangled_as_asked() {
    let style = FileStyle {
        quoted: true,
        bom: true,
        crlf: true,
        shuffled: true,
        ..FileStyle::default()
    };
    let bench = Bench::new(Settings {
        files: style,
        ..Settings::default()
    })
    .await;
    let rows: Vec<String> = (0..50).map(|n| format!("\"r{n};\";\n")).collect();
    let rows = rows.concat();
    let path = "/bulk/v1/leads.json?format=ssv";
    let id = batch(&bench.create(path, format!("firstName;email\n{rows}")).await);
    let text = bench
        .text(&format!("/bulk/v1/leads/batch/{id}/failures.json"))
        .await;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "firstName;email;Import Failure Reason");
    let want = |n: usize| format!("\"r{n};\";;Value for lookup field 'email' not found");
    let got: BTreeSet<String> = lines[1..51].iter().map(ToString::to_string).collect();
    assert_eq!(got, (0..50).map(want).collect());
    assert_ne!(lines[1..51], (0..50).map(want).collect::<Vec<_>>());
}

#[tokio::test]
async fn parameters_header_and_body_are_checked() {
    let bench = Bench::new(Settings {
        open_objects: false,
        schema: Schema::from_toml(
            "[[programs]]\nid = 5\nstatuses = [\"Invited\"]\n[[lists]]\nid = 9\nname = \"L\"\n",
            "schema.toml",
        )
        .unwrap(),
        ..Settings::default()
    })
    .await;
    let ok = "email\na@b.co\n";
    for (path, file, want) in [
        ("/bulk/v1/leads.json", ok, "1002"),
        ("/bulk/v1/leads.json?format=xml", ok, "1001"),
        (LEADS, "", "1003"),
        (LEADS, "email,nope\na@b.co,1\n", "1006"),
        (LEADS, " email\na@b.co\n", "1006"),
        (LEADS, "\u{feff}email\na@b.co\n", "1006"),
        (
            "/bulk/v1/leads.json?format=csv&lookupField=city",
            ok,
            "1011",
        ),
        (
            "/bulk/v1/leads.json?format=csv&lookupField=nope",
            ok,
            "1006",
        ),
        ("/bulk/v1/leads.json?format=csv&listId=8", ok, "1013"),
        ("/bulk/v1/leads.json?format=csv&listId=x", ok, "1001"),
        (
            "/bulk/v1/leads.json?format=csv&partitionName=EU",
            ok,
            "1008",
        ),
        ("/bulk/v1/leads.json?format=csv&access_token=t", ok, "601"),
        (
            "/bulk/v1/customobjects/no_c/import.json?format=csv",
            ok,
            "1013",
        ),
        (
            "/bulk/v1/program/5/members/import.json?format=csv",
            ok,
            "1002",
        ),
        (
            "/bulk/v1/program/5/members/import.json?format=csv&programMemberStatus=Was",
            ok,
            "1025",
        ),
        (
            "/bulk/v1/program/6/members/import.json?format=csv&programMemberStatus=Was",
            ok,
            "1013",
        ),
        ("/bulk/v1//leads.json?format=csv", ok, "610"),
        ("/bulk/v1/leads/batch/1.json", ok, "605"),
    ] {
        assert_eq!(bench.refused(path, file).await, want, "{path} {file:?}");
    }
    for path in ["/bulk/v1/leads.json?format=csv&listId=9", LEADS] {
        batch(&bench.create(path, ok).await);
    }
    let post = |kind: &'static str, body: &'static str| {
        let request = bench
            .client
            .post(bench.url(LEADS))
            .bearer_auth(&bench.token);
        async move {
            let sent = request.header("content-type", kind).body(body).send().await;
            code(&sent.unwrap().json().await.unwrap())
        }
    };
    assert_eq!(post("text/csv", ok).await, "612");
    assert_eq!(post("multipart/form-data", ok).await, "613");
    assert_eq!(
        post("multipart/form-data; boundary=x", "--x\r\nnonsense").await,
        "613"
    );
    assert_eq!(
        post("multipart/form-data; boundary=x", "--x--\r\n").await,
        "1003"
    );
    assert_eq!(bench.sandbox.inspect().jobs().len(), 2);
    assert_eq!(
        code(&bench.json("/bulk/v1/leads/batch/99.json").await),
        "1013"
    );
    assert_eq!(code(&bench.json("/nowhere").await), "610");
}

#[tokio::test]
async fn any_custom_object_is_taken_unless_the_schema_is_closed() {
    let bench = Bench::new(Settings::default()).await;
    let path = "/bulk/v1/customobjects/airport_c/import.json?format=tsv";
    batch(
        &bench
            .create(path, "code\tname\nVIE\tVienna\n\tNowhere\n")
            .await,
    );
    let job = &bench.sandbox.inspect().jobs()[0];
    assert_eq!(
        (job.object.as_str(), job.accepted, job.failed),
        ("airport_c", 1, 1)
    );
    let described = bench
        .json("/rest/v1/customobjects/airport_c/describe.json")
        .await;
    assert_eq!(described["result"][0]["fields"], json!([]));
    assert_eq!(described["result"][0]["dedupeFields"], json!([]));
    let closed = "/rest/v1/customobjects/airport/describe.json";
    assert_eq!(code(&bench.json(closed).await), "1013");
}
