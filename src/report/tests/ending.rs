//! The outcome, the summary as JSON and the text for a person.

use insta::assert_snapshot;

use crate::error::ErrorKind;
use crate::report::*;
use crate::units::{ChunkNumber, RowNumber};

#[test]
fn outcomes_by_precedence() {
    let failed = Rows {
        failed: 1,
        ..Rows::default()
    };
    let of = |label: &str, stop, balanced, unknown_chunks, refused_chunks, rows| {
        let outcome = Outcome::of(&Ending {
            stop,
            balanced,
            unknown_chunks,
            refused_chunks,
            rows,
        });
        format!("{label}: {outcome:?} {}\n", outcome.exit_code())
    };
    let none = Rows::default();
    let unknown = Rows { unknown: 1, ..none };
    let rejected = Rows {
        rejected: 1,
        ..none
    };
    let mut table = String::new();
    table += &of("all accepted", None, true, 0, 0, none);
    table += &of("rows failed", None, true, 0, 0, failed);
    table += &of("rows rejected", None, true, 0, 0, rejected);
    table += &of("refused, failed", None, true, 0, 1, failed);
    table += &of("unknown, refused, failed", None, true, 1, 1, failed);
    table += &of("unbalanced, refused, failed", None, false, 0, 1, failed);
    table += &of("job Failed", None, true, 0, 1, unknown);
    table += &of("unknown rows alone", None, true, 0, 0, unknown);
    for stop in [
        Stop::Interrupt,
        Stop::Terminate,
        Stop::MaxErrors,
        Stop::Error(ErrorKind::Internal),
        Stop::Error(ErrorKind::Usage),
        Stop::Error(ErrorKind::Input),
        Stop::Error(ErrorKind::Auth),
        Stop::Error(ErrorKind::Refused),
        Stop::Error(ErrorKind::TryLater),
    ] {
        table += &of(&format!("{stop:?}"), Some(stop), false, 1, 1, failed);
    }
    assert_snapshot!(table, @r#"
    all accepted: Accepted 0
    rows failed: RowsFailed 3
    rows rejected: RowsFailed 3
    refused, failed: Refused 8
    unknown, refused, failed: Unbalanced 7
    unbalanced, refused, failed: Unbalanced 7
    job Failed: Refused 8
    unknown rows alone: Unbalanced 7
    Interrupt: Interrupted 130
    Terminate: Terminated 143
    MaxErrors: MaxErrors 4
    Error(Internal): InternalError 1
    Error(Usage): Usage 2
    Error(Input): BadInput 5
    Error(Auth): Auth 6
    Error(Refused): Refused 8
    Error(TryLater): TryLater 75
    "#);
}

fn summary() -> Summary {
    Summary {
        schema: Summary::SCHEMA,
        run_id: serde_json::from_str("\"20261124T203300Z-k3fa\"").unwrap(),
        outcome: Outcome::Unbalanced,
        exit_code: 7,
        rows: Rows {
            read: 1_234_567,
            accepted: 1_234_560,
            failed: 5,
            warned: 2,
            rejected: 1,
            unknown: 0,
        },
        balanced: false,
        bytes: Bytes {
            read: 104_857_600,
            sent: 104_900_000,
        },
        chunks: vec![ChunkSummary {
            chunk: ChunkNumber::new(1),
            rows: 1_234_567,
            bytes: 104_857_600,
            batch_id: None,
            status: "Complete".into(),
            accepted: 1_234_560,
            failed: 5,
            warned: 2,
            submits: 1,
            message: String::new(),
        }],
        reasons: vec![Reason {
            reason: "Lead could not be imported\u{1b}[31m: the value for the field \
                     `somethingQuiteLong` is not an email address"
                .into(),
            status: Status::Failed,
            rows: 5,
            first_rows: [7, 8, 4_000].map(RowNumber::new).to_vec(),
        }],
        api_calls: 1_042,
        elapsed_ms: 65_432,
        report: "/state/run/report.csv".into(),
        rejects: "/state/run/rejects.csv".into(),
        imbalances: vec![Imbalance {
            chunk: None,
            message: "1234567 rows were read, but 1234560 accepted + 5 failed + 1 rejected + 0 \
                      unknown are 1234566"
                .into(),
        }],
        rejects_missing: 1,
        rejects_candidates: 2,
        serialize_waits: 3,
    }
}

#[test]
fn the_text_fits_a_terminal() {
    let text = text::text(&summary());
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    assert_snapshot!(text, @"
    Finished, but not every row is accounted for.
      read           1,234,567
      accepted       1,234,560   99.99%  (2 with a warning)
      failed                 5   <0.01%
      rejected               1   <0.01%
      104.9 MB in 1 chunk, 1,042 calls, 1m 5s 400ms (1.6 MB/s)
      5 × Lead could not be imported [31m: the value for the f… (rows 7, 8, 4000, …)
      books: 1234567 rows were read, but 1234560 accepted + 5 failed + 1 rejected +
        0 unknown are 1234566
      not found in the source: 1 failed row; in the report, but not in the rejects
        file
      cannot be told apart from a failed row: 2 rows; in the rejects file with it
      held back by --serialize-on until no chunk in flight shared a value: 3 chunks
      report   /state/run/report.csv
      rejects  /state/run/rejects.csv
    ");
}

#[test]
fn the_json_is_the_contracts() {
    assert_snapshot!(serde_json::to_string(&summary()).unwrap(), @r#"{"schema":1,"run_id":"20261124T203300Z-k3fa","outcome":"unbalanced","exit_code":7,"rows":{"read":1234567,"accepted":1234560,"failed":5,"warned":2,"rejected":1,"unknown":0},"balanced":false,"bytes":{"read":104857600,"sent":104900000},"chunks":[{"chunk":1,"rows":1234567,"bytes":104857600,"batch_id":null,"status":"Complete","accepted":1234560,"failed":5,"warned":2,"submits":1,"message":""}],"reasons":[{"reason":"Lead could not be imported\u001b[31m: the value for the field `somethingQuiteLong` is not an email address","status":"failed","rows":5,"first_rows":[7,8,4000]}],"api_calls":1042,"elapsed_ms":65432,"report":"/state/run/report.csv","rejects":"/state/run/rejects.csv","imbalances":[{"chunk":null,"message":"1234567 rows were read, but 1234560 accepted + 5 failed + 1 rejected + 0 unknown are 1234566"}],"rejects_missing":1,"rejects_candidates":2,"serialize_waits":3}"#);
}
