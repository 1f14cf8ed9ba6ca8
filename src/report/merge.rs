//! Many sorted files into one order, without opening them all.
//!
//! Chunks are disjoint ranges of the run, so mostly one chunk's file and the
//! rejected rows' file are needed at a time. A file is opened only once the
//! smallest open row has reached the file's first key; thousands of chunks
//! then need two open files, one entry held for each. An entry without a row
//! takes the place of the entry before it in its file, or of the file's first
//! key, and so stays behind its chunk's last known row.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use super::entry::{Entry, Key};
use crate::error::Result;

/// One open file with the entry that is next in it.
struct Head<I> {
    key: Key,
    file: usize,
    entry: Entry,
    rest: I,
}

impl<I> PartialEq for Head<I> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<I> Eq for Head<I> {}

impl<I> PartialOrd for Head<I> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<I> Ord for Head<I> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.key, self.file).cmp(&(other.key, other.file))
    }
}

/// The entries of all files in source order.
pub(crate) struct Merge<F, O, I> {
    waiting: VecDeque<(Key, F)>,
    opened: usize,
    open: O,
    heads: BinaryHeap<Reverse<Head<I>>>,
}

/// Merges `files`, each given with a key before which it has no entry;
/// `open` opens one. Entries with a row must ascend within a file.
pub(crate) fn merge<F, O, I>(mut files: Vec<(Key, F)>, open: O) -> Merge<F, O, I>
where
    O: FnMut(F) -> Result<I>,
    I: Iterator<Item = Result<Entry>>,
{
    files.sort_by_key(|(first, _)| *first);
    Merge {
        waiting: files.into(),
        opened: 0,
        open,
        heads: BinaryHeap::new(),
    }
}

impl<F, O, I> Merge<F, O, I>
where
    O: FnMut(F) -> Result<I>,
    I: Iterator<Item = Result<Entry>>,
{
    fn advance(&mut self, before: Key, file: usize, mut rest: I) -> Result<()> {
        if let Some(entry) = rest.next().transpose()? {
            let key = entry.key().unwrap_or(before);
            self.heads.push(Reverse(Head {
                key,
                file,
                entry,
                rest,
            }));
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Entry>> {
        loop {
            let due = match (self.waiting.front(), self.heads.peek()) {
                (Some((first, _)), Some(Reverse(head))) => *first <= head.key,
                (waiting, _) => waiting.is_some(),
            };
            let Some((first, file)) = due.then(|| self.waiting.pop_front()).flatten() else {
                break;
            };
            let rest = (self.open)(file)?;
            self.opened += 1;
            self.advance(first, self.opened, rest)?;
        }
        let Some(Reverse(head)) = self.heads.pop() else {
            return Ok(None);
        };
        self.advance(head.key, head.file, head.rest)?;
        Ok(Some(head.entry))
    }
}

impl<F, O, I> Iterator for Merge<F, O, I>
where
    O: FnMut(F) -> Result<I>,
    I: Iterator<Item = Result<Entry>>,
{
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
