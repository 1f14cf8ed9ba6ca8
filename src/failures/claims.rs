//! Each sent row is claimed by one record at most.

use std::cmp::Ordering;

use crate::failures::index::SentIndex;
use crate::failures::records::{Reading, Record, Records};

/// No row.
const NONE: u32 = u32::MAX;

/// What a record claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    /// The row.
    pub(super) row: u32,
    /// The reading by which it is that row, in [`Records::readings`].
    pub(super) reading: u32,
    /// Whether no other row can be meant, or all that can be are claimed and
    /// have the same reason.
    pub(super) sure: bool,
}

/// The rows that are claimed so far.
#[derive(Debug)]
pub(super) struct Claims {
    taken: Vec<bool>,
    /// For the first of equal rows the next one to give.
    next: Vec<u32>,
}

impl Claims {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            taken: vec![false; rows],
            next: (0..NONE).take(rows).collect(),
        }
    }

    /// Claims a row for a record for each in `records`; None where all rows that
    /// it can be are taken.
    ///
    /// Records that can be the same rows form a group. A group of as many
    /// records as rows claims them all: each of them failed, and only which of
    /// them for which reason may be open. Such groups come first, so that what
    /// they claim is not given to others. A contested record may be none, so it
    /// proves nothing of its rows and comes last.
    pub(super) fn claim<R: PartialEq>(
        &mut self,
        records: &Records,
        index: &SentIndex,
        reason: impl Fn(&Record, &Reading) -> R,
    ) -> Vec<Option<Claim>> {
        let rows = |record: &u32| {
            let readings = records.readings(&records.list[*record as usize]);
            readings
                .chunk_by(|a, b| a.row == b.row)
                .map(|same| same[0].row)
        };
        let all = (0..NONE).take(records.list.len());
        let (contested, mut order): (Vec<u32>, Vec<u32>) =
            all.partition(|record| records.list[*record as usize].is_contested());
        order.sort_by(|a, b| match rows(a).cmp(rows(b)) {
            Ordering::Equal => a.cmp(b),
            other => other,
        });
        let mut groups: Vec<(bool, usize, &[u32])> = order
            .chunk_by(|a, b| rows(a).eq(rows(b)))
            .map(|group| {
                let count: usize = rows(&group[0]).map(|row| index.copies(row)).sum();
                (group.len() < count, count, group)
            })
            .collect();
        groups.sort_by_key(|(open, count, group)| (*open, *count, group[0]));
        let mut claims = vec![None; records.list.len()];
        for (open, count, group) in groups {
            let sure = count == 1 || (!open && one_reason(records, group, &reason));
            for &record in group {
                claims[record as usize] = self.take(records, record, index, sure);
            }
        }
        for record in contested {
            claims[record as usize] = self.take(records, record, index, false);
        }
        claims
    }

    fn take(
        &mut self,
        records: &Records,
        record: u32,
        index: &SentIndex,
        sure: bool,
    ) -> Option<Claim> {
        let record = &records.list[record as usize];
        let mut best: Option<Claim> = None;
        for reading in record.from..record.to {
            let found = &records.readings[reading as usize];
            if best.is_some() && !found.exact {
                continue;
            }
            let Some(row) = self.free_row(found.row, index) else {
                continue;
            };
            best = Some(Claim { row, reading, sure });
            if found.exact {
                break;
            }
        }
        if let Some(claim) = best {
            self.taken[claim.row as usize] = true;
        }
        best
    }

    /// The first row with the values of `first` that is not taken.
    fn free_row(&mut self, first: u32, index: &SentIndex) -> Option<u32> {
        let mut row = self.next[first as usize];
        while row != NONE && self.taken[row as usize] {
            row = index.next_copy(row).unwrap_or(NONE);
        }
        self.next[first as usize] = row;
        (row != NONE).then_some(row)
    }

    /// Claims a row by itself; false if it is taken.
    pub(super) fn take_row(&mut self, row: u32) -> bool {
        !std::mem::replace(&mut self.taken[row as usize], true)
    }
}

/// Whether all records of a group have one reason, however they are read.
fn one_reason<R: PartialEq>(
    records: &Records,
    group: &[u32],
    reason: &impl Fn(&Record, &Reading) -> R,
) -> bool {
    let mut all = group.iter().flat_map(|record| {
        let record = &records.list[*record as usize];
        let readings = records.readings(record).iter();
        readings.map(move |reading| reason(record, reading))
    });
    let first = all.next();
    all.all(|reason| Some(reason) == first)
}
