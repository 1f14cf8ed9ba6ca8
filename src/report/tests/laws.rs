//! Laws: what holds for any input.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;

use super::{entry, key};
use crate::error::Result;
use crate::report::merge::merge;
use crate::report::*;
use crate::units::ChunkNumber;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_merge_is_sorted_whole_and_opens_few(
        // For each row: its chunk's width decides the cut, and what became of it.
        fates in prop::collection::vec(0_u8..5, 0..120),
        width in 1_usize..12,
    ) {
        let mut files: Vec<(Key, Vec<Entry>)> = Vec::new();
        let mut rejected = Vec::new();
        for (chunk, rows) in fates.chunks(width).enumerate() {
            let start = chunk * width;
            let mut kept = Vec::new();
            let mut lost = Vec::new();
            for (offset, fate) in rows.iter().enumerate() {
                let row = (start + offset + 1) as u64;
                let number = Some(u32::try_from(chunk).unwrap());
                match fate {
                    0 => rejected.push(entry(Some(row), None, Status::Rejected)),
                    1 => kept.push(entry(Some(row), number, Status::Failed)),
                    2 => lost.push(entry(None, number, Status::Failed)),
                    _ => {}
                }
            }
            kept.extend(lost);
            files.push((key(start as u64 + 1), kept));
        }
        if let Some(first) = rejected.first().and_then(Entry::key) {
            files.push((first, rejected));
        }
        let mut expected: Vec<Entry> = files.iter().flat_map(|(_, rows)| rows.clone()).collect();
        let open_now = Rc::new(Cell::new(0_usize));
        let most = Rc::new(Cell::new(0_usize));
        let merged: Vec<Entry> = merge(files, |rows: Vec<Entry>| {
            open_now.set(open_now.get() + 1);
            most.set(most.get().max(open_now.get()));
            Ok(Counting { rows: rows.into_iter(), open: Rc::clone(&open_now) })
        })
        .collect::<Result<_>>()
        .unwrap();
        let rows: Vec<_> = merged.iter().filter_map(Entry::key).collect();
        prop_assert!(rows.is_sorted());
        // An entry without a row stands among or behind its own chunk's rows.
        let chunks: Vec<_> = merged.iter().filter_map(|entry| entry.chunk).collect();
        prop_assert!(chunks.is_sorted());
        prop_assert!(most.get() <= 3, "{} open at once", most.get());
        let by_text = |entry: &Entry| format!("{entry:?}");
        let mut merged = merged;
        merged.sort_by_key(by_text);
        expected.sort_by_key(by_text);
        prop_assert_eq!(merged, expected);
    }

    #[test]
    fn books_balance_exactly_when_every_row_is_in_one_place(
        accepted in 0_u64..9, failed in 0_u64..9, rejected in 0_u64..9, unknown in 0_u64..9,
        warned in 0_u64..12, off in 0_u64..3, file_off in 0_u64..2,
    ) {
        let rows = Rows {
            read: accepted + failed + rejected + unknown + off,
            accepted, failed, warned, rejected, unknown,
        };
        let holds = Books::check(&rows, &[]).balanced();
        prop_assert_eq!(holds, off == 0 && warned <= accepted);
        let book = ChunkBook {
            chunk: ChunkNumber::new(1),
            rows: accepted + failed + off,
            counted: Some(Counted { accepted, failed, warned }),
            received: Some(Received { failed: failed + file_off, warned }),
        };
        let fine = Rows::default();
        let books = Books::check(&fine, &[book]);
        prop_assert_eq!(books.balanced(), off == 0 && file_off == 0 && warned <= accepted);
        prop_assert!(books.imbalances.iter().all(|one| one.chunk == Some(book.chunk)));
        let unseen = ChunkBook { counted: None, received: None, ..book };
        prop_assert!(Books::check(&fine, &[unseen]).balanced());
        let unfetched = ChunkBook { received: None, ..book };
        let known = off == 0 && failed == 0 && warned == 0;
        prop_assert_eq!(Books::check(&fine, &[unfetched]).balanced(), known);
    }

    #[test]
    fn an_entry_comes_back_from_disk_as_it_was(
        raw in prop::collection::vec(any::<u8>(), 0..40), rows in 1_u64..50,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let entries: Vec<Entry> = (1..=rows)
            .map(|row| Entry { raw: raw.clone(), ..entry(Some(row), Some(1), Status::Failed) })
            .collect();
        let backwards = entries.iter().rev().cloned().map(Ok);
        store::write_chunk(folder.path(), ChunkNumber::new(1), key(1), backwards).unwrap();
        let file = store::list(folder.path(), store::Tail::Whole).unwrap().remove(0);
        let read: Vec<Entry> = file.open().unwrap().collect::<Result<_>>().unwrap();
        prop_assert_eq!(read, entries);
    }
}

/// Says when its file has been read to the end.
struct Counting {
    rows: std::vec::IntoIter<Entry>,
    open: Rc<Cell<usize>>,
}

impl Iterator for Counting {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next().map(Ok)
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.open.set(self.open.get() - 1);
    }
}
