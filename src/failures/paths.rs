//! Which of the places at which a row can be read are records.
//!
//! Without its quotes a row of two lines may look like two rows of one line, and
//! what follows depends on which it is. So all paths through the text are
//! followed, from row to row up to its end, and those are kept that one writer
//! can have written and that have as many records as Marketo counted. Where
//! several are left, the records that they do not share are contested.

use crate::failures::header::{line, line_end};
use crate::failures::records::{Record, Records, offset};
use crate::failures::writers::Writers;

/// No record.
const NONE: u32 = u32::MAX;

/// The records among all that were `found` in the text, with the readings that
/// they can have. `expected` is how many there should be, if that is known, and
/// `record_end` is how the line before the text ends.
pub(super) fn settle(
    text: &[u8],
    found: Records,
    expected: Option<u64>,
    record_end: &[u8],
) -> Records {
    let mut paths = Paths::new(text, found);
    let mut choice = paths.only();
    if let (None, Some(expected)) = (&choice, expected) {
        // A line that ends otherwise rather lies within a value or a reason.
        let begins = |start: usize| start == 0 || line_end(&text[..start]) == record_end;
        let alike = Paths::new(text, paths.found.only_where(begins));
        choice = alike.choose_by(Writers::each(), Some(expected));
        if choice.is_some() {
            paths = alike;
        }
    }
    match choice.or_else(|| paths.choose(expected)) {
        Some((kept, path)) => paths.records(&kept, &path),
        None => Records::default(),
    }
}

/// How many records a part of the text can have.
#[derive(Clone, Copy)]
struct Count {
    fewest: u64,
    most: u64,
    /// Which of the first numbers from the fewest on are possible. Of those after
    /// them, which only a text of many forks needs, all up to the most are taken
    /// to be, so that nothing is ruled out that is possible.
    first: u128,
}

impl Count {
    const ZERO: Self = Self {
        fewest: 0,
        most: 0,
        first: 1,
    };

    fn with_one_more(self) -> Self {
        Self {
            fewest: self.fewest + 1,
            most: self.most + 1,
            ..self
        }
    }

    fn or(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let (less, more) = if self.fewest <= other.fewest {
            (self, other)
        } else {
            (other, self)
        };
        Self {
            fewest: less.fewest,
            most: less.most.max(more.most),
            first: less.first | shifted(more.first, more.fewest - less.fewest),
        }
    }

    fn and_then(self, other: Self) -> Self {
        let possible = (0..u128::BITS).filter(|number| self.first >> number & 1 == 1);
        Self {
            fewest: self.fewest + other.fewest,
            most: self.most + other.most,
            first: possible.fold(0, |first, number| first | other.first << number),
        }
    }

    fn can_be(self, expected: u64) -> bool {
        let number = expected.wrapping_sub(self.fewest);
        (self.fewest..=self.most).contains(&expected)
            && (number >= u64::from(u128::BITS) || shifted(1, number) & self.first != 0)
    }
}

fn shifted(first: u128, by: u64) -> u128 {
    let by = u32::try_from(by).ok();
    by.and_then(|by| first.checked_shl(by)).unwrap_or(0)
}

/// For each reading who can have written it, none where it is ruled out, and one
/// path: for each record the next one, or [`NONE`] where it is not on it.
type Choice = (Vec<Writers>, Vec<u32>);

/// All that can be read, and where each reading leads.
struct Paths {
    found: Records,
    /// For each reading the record that comes next, their number at the end.
    next: Vec<u32>,
}

impl Paths {
    fn new(text: &[u8], found: Records) -> Self {
        let mut next = Vec::with_capacity(found.readings.len());
        for (at, record) in found.list.iter().enumerate() {
            let after = &found.list[at + 1..];
            for reading in found.readings(record) {
                let start = offset(line(text, reading.reaches as usize).1);
                let skipped = match after.first() {
                    Some(follows) if follows.start < start => {
                        after.partition_point(|record| record.start < start)
                    }
                    _ => 0,
                };
                next.push(offset(at + 1 + skipped));
            }
        }
        Self { found, next }
    }

    /// The only path, if there is one, by the writers that explain every record
    /// or, where none does, by all: then the file has more than one writer, and
    /// nothing is ruled out.
    fn only(&self) -> Option<Choice> {
        let mut path = Vec::with_capacity(self.found.list.len());
        let mut common = Writers::ALL;
        for record in &self.found.list {
            let next = &self.next[record.from as usize..record.to as usize];
            if next.iter().any(|other| *other != next[0]) {
                return None;
            }
            path.push(next[0]);
            let readings = self.found.readings(record).iter();
            common =
                common.and(readings.fold(Writers::NONE, |any, reading| any.or(reading.writers)));
        }
        if common.is_empty() {
            common = Writers::ALL;
        }
        let readings = self.found.readings.iter();
        let kept = readings.map(|reading| reading.writers.and(common));
        Some((kept.collect(), path))
    }

    /// The paths of single writers that have the expected number of records. A
    /// record that no row explains spoils the number, and a file of several
    /// writers has no path of one: then all paths are kept that are left.
    fn choose(&self, expected: Option<u64>) -> Option<Choice> {
        let by_one = |expected| self.choose_by(Writers::each(), expected);
        expected
            .and_then(|expected| by_one(Some(expected)))
            .or_else(|| by_one(None))
            .or_else(|| self.choose_by(std::iter::once(Writers::ALL), None))
    }

    fn choose_by(
        &self,
        writers: impl Iterator<Item = Writers>,
        expected: Option<u64>,
    ) -> Option<Choice> {
        let mut kept = vec![Writers::NONE; self.found.readings.len()];
        let mut path = None;
        for writers in writers {
            let after = self.after(writers);
            if !after[0].is_some_and(|count| expected.is_none_or(|all| count.can_be(all))) {
                continue;
            }
            self.allow(writers, &after, expected, &mut kept);
            path = path.or_else(|| Some(self.path(writers, &after, expected)));
        }
        Some((kept, path?))
    }

    /// The readings of a record by these writers, each with where it leads.
    fn ways(&self, record: &Record, writers: Writers) -> impl Iterator<Item = (usize, usize)> {
        (record.from as usize..record.to as usize)
            .filter(move |&at| !self.found.readings[at].writers.and(writers).is_empty())
            .map(|at| (at, self.next[at] as usize))
    }

    /// For each record how many follow if one begins there, it counted in; None
    /// where these writers get to no end.
    fn after(&self, writers: Writers) -> Vec<Option<Count>> {
        let mut after = vec![None; self.found.list.len()];
        after.push(Some(Count::ZERO));
        for (at, record) in self.found.list.iter().enumerate().rev() {
            after[at] = self.ways(record, writers).fold(None, |all, (_, next)| {
                after[next].map_or(all, |count| Some(count.with_one_more().or(all)))
            });
        }
        after
    }

    /// Marks the readings that lie on paths of these writers.
    fn allow(
        &self,
        writers: Writers,
        after: &[Option<Count>],
        expected: Option<u64>,
        kept: &mut [Writers],
    ) {
        let mut before = vec![None; after.len()];
        before[0] = Some(Count::ZERO);
        for (at, record) in self.found.list.iter().enumerate() {
            let Some(count) = before[at].map(Count::with_one_more) else {
                continue;
            };
            for (reading, next) in self.ways(record, writers) {
                let Some(rest) = after[next] else { continue };
                before[next] = Some(count.or(before[next]));
                if expected.is_none_or(|all| count.and_then(rest).can_be(all)) {
                    let by = self.found.readings[reading].writers.and(writers);
                    kept[reading] = kept[reading].or(by);
                }
            }
        }
    }

    /// One path of these writers: the one of the longest rows that has the
    /// expected number of records.
    fn path(
        &self,
        writers: Writers,
        after: &[Option<Count>],
        mut expected: Option<u64>,
    ) -> Vec<u32> {
        let mut path = vec![NONE; self.found.list.len()];
        let mut at = 0;
        while let Some(record) = self.found.list.get(at) {
            expected = expected.map(|expected| expected.saturating_sub(1));
            let ways = self.ways(record, writers).filter_map(|(_, next)| {
                let count = after[next]?;
                Some((expected.is_none_or(|left| count.can_be(left)), next))
            });
            let Some((_, next)) = ways.max() else { break };
            path[at] = offset(next);
            at = next;
        }
        path
    }

    /// The records of a path, with all that they can be by the readings that are
    /// kept.
    fn records(&self, kept: &[Writers], path: &[u32]) -> Records {
        let mut records = Records::default();
        // A stretch of text ends where all paths meet.
        let (mut first, mut from, mut meet) = (0, 0, 0);
        for (at, record) in self.found.list.iter().enumerate() {
            if at >= meet {
                records.join(first, from);
                (first, from) = (records.list.len(), offset(records.readings.len()));
            }
            let of_record = || {
                (record.from as usize..record.to as usize)
                    .filter(|&reading| !kept[reading].is_empty())
            };
            let on_path = |&reading: &usize| self.next[reading] == path[at];
            let start = offset(records.readings.len());
            for reading in of_record().filter(on_path) {
                records.readings.push(self.found.readings[reading]);
            }
            let to = offset(records.readings.len());
            let own = &records.readings[start as usize..];
            if let Some(longest) = own.iter().map(|reading| reading.reaches).max() {
                records.list.push(Record {
                    end: longest,
                    from: start,
                    to,
                    ..*record
                });
            }
            for reading in of_record() {
                if !on_path(&reading) {
                    records.readings.push(self.found.readings[reading]);
                }
                meet = meet.max(self.next[reading] as usize);
            }
        }
        records.join(first, from);
        records
    }
}
