//! Which of the rows that a record may be its finding lists.

use crate::failures::claims::Claim;
use crate::failures::finding::{CANDIDATES_FEW, CANDIDATES_IN_ALL, CANDIDATES_LISTED};
use crate::failures::index::SentIndex;
use crate::failures::records::{Record, Records};

/// Lists candidates, no more for one file than can be held in memory.
///
/// The rejects file takes one row of each text from all lists together, so a row
/// that is in none of them comes before those that are, and before its copies.
pub(super) struct Listing {
    /// The rows that some list has.
    listed: Vec<bool>,
    in_all: usize,
    /// Readings whose rows all are in some list.
    done: (u32, u32),
}

impl Listing {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            listed: vec![false; rows],
            in_all: 0,
            done: (0, 0),
        }
    }

    /// Forgets which readings are done with, as others take their numbers.
    pub(super) fn start_piece(&mut self) {
        self.done = (0, 0);
    }

    /// The rows that `record` may be, the one that it claims among them, in the
    /// order sent; fewer than two where there is no choice.
    pub(super) fn list(
        &mut self,
        records: &Records,
        record: &Record,
        claim: &Claim,
        index: &SentIndex,
    ) -> Vec<usize> {
        let most = if self.in_all < CANDIDATES_IN_ALL {
            CANDIDATES_LISTED
        } else {
            CANDIDATES_FEW
        };
        let among = records.among(record);
        let mut rows = vec![claim.row];
        if self.done != record.among {
            let new = among.iter().map(|reading| reading.row);
            let new = new.filter(|row| *row != claim.row && !self.listed[*row as usize]);
            rows.extend(new.take(CANDIDATES_LISTED));
            // One more than fits says that there are others.
            if rows.len() <= CANDIDATES_LISTED {
                self.done = record.among;
            }
            rows.truncate(CANDIDATES_LISTED);
            rows.sort_unstable();
            rows.dedup();
        }
        let firsts = among.iter().map(|reading| reading.row);
        let copies = among
            .iter()
            .flat_map(|reading| index.rows_like(reading.row).skip(1));
        // A row can be read in several ways, which are not many.
        let repeats: Vec<u32> = firsts.take(most).chain(copies.take(most)).collect();
        for row in repeats {
            if rows.len() >= most {
                break;
            }
            if let Err(at) = rows.binary_search(&row) {
                rows.insert(at, row);
            }
        }
        if rows.len() > 1 {
            self.in_all += rows.len();
            for row in &rows {
                self.listed[*row as usize] = true;
            }
        }
        rows.into_iter().map(|row| row as usize).collect()
    }
}
