//! Why rows failed, grouped and counted in bounded memory.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Status};
use crate::units::RowNumber;

/// Distinct reasons kept. Marketo's texts may quote a row's value, so that
/// each row could have a reason of its own.
const REASONS: usize = 1_000;

/// Source rows named for each reason, as the contract says.
const FIRST_ROWS: usize = 3;

/// The reason under which those past the thousandth are counted.
const OTHERS: &str = "(other reasons; the report has each)";

/// One reason and the rows that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Marketo's text, or ours.
    pub reason: String,
    /// What became of the rows.
    pub status: Status,
    /// How many rows.
    pub rows: u64,
    /// The first three source rows that are known.
    pub first_rows: Vec<RowNumber>,
}

/// Counts reasons; entries come in source order.
#[derive(Debug, Default)]
pub(crate) struct Reasons {
    // By status first, so that a lookup needs no copy of the text.
    groups: HashMap<Status, HashMap<String, Reason>>,
    kept: usize,
}

impl Reasons {
    pub(crate) fn push(&mut self, entry: &Entry) {
        let groups = self.groups.entry(entry.status).or_default();
        let known = groups.contains_key(&entry.reason);
        let text = if known || self.kept < REASONS {
            entry.reason.as_str()
        } else {
            OTHERS
        };
        if !groups.contains_key(text) {
            self.kept += 1;
            groups.insert(
                text.to_owned(),
                Reason {
                    reason: text.to_owned(),
                    status: entry.status,
                    rows: 0,
                    first_rows: Vec::new(),
                },
            );
        }
        if let Some(group) = groups.get_mut(text) {
            group.rows += 1;
            if group.first_rows.len() < FIRST_ROWS {
                group.first_rows.extend(entry.row);
            }
        }
    }

    /// The reasons, the most frequent first.
    pub(crate) fn into_sorted(self) -> Vec<Reason> {
        let mut all: Vec<Reason> = self
            .groups
            .into_values()
            .flat_map(HashMap::into_values)
            .collect();
        all.sort_by(|a, b| (b.rows, a.status, &a.reason).cmp(&(a.rows, b.status, &b.reason)));
        all
    }
}
