//! Whether one file can tell of different failures.

use super::model::{Case, Trim, sep};

/// Whether other failures, as many, give the very file of the case, and `row` is
/// not among them or failed for another reason. Then nobody can say it of the
/// row, however he reads.
///
/// Sent `["", ",b\n"]`, `[" ", "\nb"]`, `["", "\n "]` and `["", ""]`, an unquoted
/// file of two records reads
///
/// ```text
/// ,,b
/// ,
///  ,
/// b,bad
/// ```
///
/// if the first row failed for no reason and the second for `bad`, and as well if
/// the last failed for `b` and the third for `\nb,bad`, though the second row's
/// letters are like no other's.
pub(super) fn another_truth(case: &Case, row: usize) -> bool {
    let columns = case.columns();
    let mut other = case.clone();
    let trims = [Trim::Nothing, Trim::Blanks, Trim::Java, Trim::Unicode];
    let ends = [None, Some("\n"), Some("\r\n")];
    for quoted in [true, false] {
        for (trim, ends) in trims.iter().flat_map(|trim| ends.map(|ends| (*trim, ends))) {
            other.mangling.quoted = quoted;
            other.mangling.trim = trim;
            other.mangling.ends = ends;
            // The columns are those of the file, whatever failed.
            other.mangling.drop_empty = false;
            other.mangling.order.clone_from(&columns);
            let file = case.file();
            let Some((_, body)) = file.split_once(case.mangling.record_end) else {
                continue;
            };
            let body = if case.mangling.last_end {
                body.strip_suffix(case.mangling.record_end).unwrap_or(body)
            } else {
                body
            };
            let texts = (0..case.rows.len()).map(|row| other.write_row(row) + sep(case.format));
            let search = Search {
                case,
                other: &other,
                texts: texts.collect(),
                row,
            };
            if search.any(body, &mut Vec::new()) {
                return true;
            }
        }
    }
    false
}

struct Search<'a> {
    case: &'a Case,
    /// The case by the writer that is tried.
    other: &'a Case,
    /// Each row as it is written, and a separator.
    texts: Vec<String>,
    row: usize,
}

impl Search<'_> {
    /// Whether `rest` can be what follows the `failed` ones in another truth.
    fn any(&self, rest: &str, failed: &mut Vec<(usize, String)>) -> bool {
        let is_last = failed.len() + 1 == self.case.failed.len();
        let end = self.case.mangling.record_end;
        (0..self.texts.len()).any(|row| {
            // Of equal rows the first that is left stands for all.
            let taken = |row| failed.iter().any(|(failed, _)| *failed == row);
            let rows = &self.case.rows;
            let equal_left = (0..row).any(|other| rows[other] == rows[row] && !taken(other));
            let (false, false, Some(after)) =
                (taken(row), equal_left, rest.strip_prefix(&*self.texts[row]))
            else {
                return false;
            };
            for (at, _) in after.match_indices(end) {
                let next = &after[at + end.len()..];
                failed.push((row, self.reason(&after[..at])));
                let found = !is_last && self.any(next, failed);
                failed.pop();
                // A line that can be read as a row is not the rest of a reason:
                // that much the reader takes for granted.
                if found || self.texts.iter().any(|text| next.starts_with(text)) {
                    return found;
                }
            }
            failed.push((row, self.reason(after)));
            let found = is_last && self.is_another(failed);
            failed.pop();
            found
        })
    }

    fn reason(&self, text: &str) -> String {
        let quoted = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        match quoted {
            Some(quoted) if self.other.mangling.quoted => quoted.replace("\"\"", "\""),
            _ => text.into(),
        }
    }

    fn is_another(&self, failed: &[(usize, String)]) -> bool {
        let of_row = |failed: &[(usize, String)]| {
            failed
                .iter()
                .find(|(failed, _)| *failed == self.row)
                .cloned()
        };
        let mut other = self.other.clone();
        other.failed = failed.to_vec();
        // Columns vanish by the same habit.
        other.mangling.drop_empty = self.case.mangling.drop_empty;
        other.mangling.order.clone_from(&self.case.mangling.order);
        other.file() == self.case.file() && of_row(failed) != of_row(&self.case.failed)
    }
}
