//! Failure files as Marketo writes them, in every style, through the whole way:
//! each failure is pinned to its row and to no other.

use mktoload::sandbox::{FileStyle, Settings};

use super::in_process::{Lab, settings};
use super::workdir::column;

/// Rows whose values look like several values, several rows, or each other;
/// `company` is empty everywhere. Those with `many` employees are refused.
const PEOPLE: &str = "email,firstName,numberOfEmployees,company,city\n\
    1@b.co,Ann,1,,Rome\n\
    2@b.co,\"Bo, Jr\",many,,Oslo\n\
    3@b.co,\"Cid\nCampeador\",many,,\"Bi\nvar\"\n\
    4@b.co,\"5\"\" pipe\",many,,\"Paris, TX\"\n\
    5@b.co,Dan,5,,\"Bonn,\n6@b.co,Dan,many,,Bonn\"\n\
    6@b.co,Dan,many,,Bonn\n\
    7@b.co,  Eve ,many,,\n\
    8@b.co,Fay,many,,Łódź\n\
    8@b.co,Fay,many,,Łódź\n\
    9@b.co,\"\"\"Gus\"\"\",9,,Rome\n\
    10@b.co,many,10,,many\n";

const REFUSED: [&str; 7] = ["2", "3", "4", "6", "7", "8", "9"];

#[tokio::test]
async fn every_style_leads_back_to_the_rows() {
    for bits in 0..32_u8 {
        let files = FileStyle {
            quoted: bits & 1 != 0,
            drop_empty_columns: bits & 2 != 0,
            bom: bits & 4 != 0,
            crlf: bits & 8 != 0,
            shuffled: bits & 16 != 0,
        };
        let lab = Lab::new(Settings {
            files,
            seed: u64::from(bits),
            ..settings(&[])
        })
        .await;
        let done = lab.import(lab.plan("people.csv", PEOPLE, 10_000)).await;
        let summary = &done.summary;
        assert_eq!(summary.exit_code, 3, "{files:?}: {:?}", summary.imbalances);
        assert_eq!(
            (summary.rows.accepted, summary.rows.failed),
            (4, 7),
            "{files:?}"
        );
        let report = done.report();
        assert_eq!(column(&report, "source_row"), REFUSED, "{files:?}");
        for line in &report {
            let sure = ["exact", "normalized"].contains(&line["match"].as_str());
            assert!(sure, "{files:?}: {line:?}");
            assert_eq!(
                line["reason"], "Invalid data type in field Num Employees",
                "{files:?}"
            );
            assert_eq!(line["numberOfEmployees"], "many", "{files:?}");
        }
        // Each row's bytes, once.
        let rejects = String::from_utf8(done.rejects()).unwrap();
        let refused = PEOPLE.replacen("1@b.co,Ann,1,,Rome\n", "", 1);
        let refused = refused.replacen("5@b.co,Dan,5,,\"Bonn,\n6@b.co,Dan,many,,Bonn\"\n", "", 1);
        let refused = refused.split("9@b.co").next().unwrap();
        assert_eq!(rejects, refused, "{files:?}");
    }
}

#[tokio::test]
async fn rows_that_marketo_writes_alike_are_all_in_the_rejects() {
    // Without their quotes the first two rows, and the third, read the same;
    // only the second has a number of employees that is none.
    let lab = Lab::new(settings(&[])).await;
    let alike = [
        "a@b.co,Bo,80,\"Oslo,EU\"\n",
        "a@b.co,\"Bo,80\",Oslo,EU\n",
        "a@b.co,Bo,80,\"Oslo,EU\"\n",
    ];
    let header = "email,firstName,numberOfEmployees,city\n";
    let text = [header, &alike.concat(), "b@b.co,Cy,3,Rome\n"].concat();
    let done = lab.import(lab.plan("people.csv", text, 10_000)).await;
    let report = done.report();
    assert_eq!(column(&report, "match"), ["ambiguous"], "one failed");
    assert_eq!(column(&report, "candidates"), ["1;2;3"]);
    // One row of each text: the third would only repeat the first.
    let rejects = [header, alike[0], alike[1]].concat();
    assert_eq!(String::from_utf8(done.rejects()).unwrap(), rejects);
    let summary = &done.summary;
    assert_eq!((summary.rows.failed, summary.rejects_candidates), (1, 1));
}
