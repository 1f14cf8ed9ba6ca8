//! What holds whatever the rows are and whatever Marketo does to them.

use std::collections::HashSet;

use proptest::prelude::*;

use super::model::{Case, Trim, case};
use super::truths::another_truth;
use crate::failures::{Finding, Match};

/// What no writer changes in the values, the letters and the separators, with
/// and without separators at a value's edge, which a writer may take for blanks.
fn letters(case: &Case, row: usize) -> [String; 2] {
    let sep = char::from(case.format.separator());
    let columns = case.columns();
    let values = || {
        columns
            .iter()
            .map(|column| case.rows[row][*column].as_str())
    };
    let join = |values: Vec<&str>| {
        let mut text = values.join(&sep.to_string());
        text.retain(|c| c == sep || !(c.is_whitespace() || c.is_control() || c == '"'));
        text
    };
    [
        join(values().collect()),
        join(values().map(str::trim).collect()),
    ]
}

/// Whether no other row of the chunk can be taken for this one.
fn stands_alone(case: &Case, row: usize) -> bool {
    let sep = char::from(case.format.separator());
    // The one may be the other and the beginning of a reason.
    let apart = |own: &String, other: &String| {
        own != other
            && !own.starts_with(&format!("{other}{sep}"))
            && !other.starts_with(&format!("{own}{sep}"))
    };
    let own = letters(case, row);
    (0..case.rows.len())
        .filter(|other| *other != row)
        .all(|other| {
            let other = letters(case, other);
            own.iter()
                .all(|own| other.iter().all(|other| apart(own, other)))
        })
}

fn failed_for(case: &Case, finding: &Finding) -> bool {
    let row = finding.row.unwrap();
    // A reason's own quotes cannot be told from those round it.
    let plain = |reason: &str| reason.trim_matches('"').to_string();
    case.failed
        .iter()
        .any(|(failed, reason)| *failed == row && plain(reason) == plain(&finding.reason))
}

fn named(findings: &[Finding], row: usize) -> &Finding {
    findings
        .iter()
        .find(|finding| finding.row == Some(row))
        .unwrap()
}

proptest! {
    #[test]
    fn a_row_that_is_named_for_sure_failed_for_that_reason(case in case()) {
        let (findings, _) = case.attribute();
        for finding in &findings {
            if matches!(finding.level, Match::Exact | Match::Normalized | Match::Key) {
                prop_assert!(failed_for(&case, finding), "{finding:?} in {:?}", case.file());
            }
        }
    }

    #[test]
    fn each_failure_is_one_finding_and_no_row_is_named_twice(case in case()) {
        let (findings, found) = case.attribute();
        let rows: Vec<usize> = findings.iter().filter_map(|finding| finding.row).collect();
        let distinct: HashSet<usize> = rows.iter().copied().collect();
        prop_assert_eq!(distinct.len(), rows.len());
        prop_assert_eq!(found.findings, findings.len() as u64);
        let unmatched = findings.iter().filter(|finding| finding.row.is_none()).count();
        prop_assert_eq!(found.unmatched, unmatched as u64);
        let alone = case.failed.iter().all(|(row, _)| stands_alone(&case, *row));
        if alone {
            prop_assert_eq!(findings.len(), case.failed.len(), "{:?}", case.file());
        }
    }

    #[test]
    fn what_is_ambiguous_lists_all_rows_with_the_same_text(case in case()) {
        let (findings, _) = case.attribute();
        for finding in &findings {
            let listed = &finding.candidates;
            prop_assert_eq!(listed.is_empty(), finding.level != Match::Ambiguous);
            if let (Some(row), Match::Ambiguous) = (finding.row, finding.level) {
                prop_assert!(listed.contains(&row) && listed.len() > 1);
                let same = (0..case.rows.len()).filter(|other| case.rows[*other] == case.rows[row]);
                prop_assert!(same.into_iter().all(|row| listed.contains(&row)));
            }
        }
    }

    // Unless the file tells as well of other failures: `another_truth` has the
    // proof that such files are, and proves it of each one anew.
    #[test]
    fn a_row_that_stands_alone_is_named_however_it_is_written(case in case()) {
        let (findings, _) = case.attribute();
        for (row, _) in &case.failed {
            if stands_alone(&case, *row) {
                let finding = findings.iter().find(|finding| finding.row == Some(*row));
                let is_named = finding.is_some_and(|finding| {
                    matches!(finding.level, Match::Exact | Match::Normalized)
                        && failed_for(&case, finding)
                        && finding.raw.is_empty()
                });
                prop_assert!(is_named || another_truth(&case, *row), "{finding:?} of row {row}");
            }
        }
    }

    #[test]
    fn well_written_rows_are_exact(mut case in case()) {
        case.mangling.quoted = true;
        case.mangling.drop_empty = false;
        case.mangling.trim = Trim::Nothing;
        case.mangling.ends = None;
        let (findings, _) = case.attribute();
        for (row, reason) in &case.failed {
            if stands_alone(&case, *row) {
                let finding = named(&findings, *row);
                prop_assert_eq!(finding.level, Match::Exact);
                prop_assert_eq!(&finding.reason, reason);
            }
        }
    }

    #[test]
    fn exact_is_said_only_of_the_very_values(case in case()) {
        let (findings, _) = case.attribute();
        for finding in findings.iter().filter(|finding| finding.level == Match::Exact) {
            let values = &case.rows[finding.row.unwrap()];
            prop_assert_eq!(case.columns().len(), case.width);
            let written = |row: usize| -> Vec<String> {
                case.rows[row].iter().map(|value| case.mangling.write_value(value)).collect()
            };
            let mut failed = case.failed.iter();
            prop_assert!(
                failed.any(|(row, _)| written(*row) == *values),
                "{finding:?} in {:?}",
                case.file()
            );
        }
    }
}
