//! A chunk as two, for when Marketo finds it too large.

use std::ops::Range;

use bytes::Bytes;
use twox_hash::XxHash3_128;

use crate::chunk::numbers::Numbers;
use crate::chunk::part::{Chunk, Digest, Piece};
use crate::rows::scan::{End, Record, Scanner};

/// A piece, and where its first row begins in the chunk's rows.
struct Placed {
    piece: Piece,
    offset: u64,
}

impl Placed {
    fn new(piece: Piece, offset: u64) -> Self {
        Self { piece, offset }
    }
}

/// Where rows begin in the chunk's rows, as far as halving asks.
struct Places {
    /// The first row of each piece: offset and line.
    pieces: Vec<(u64, u64)>,
    /// The first row of the second half.
    second: (u64, u64),
}

impl Chunk {
    /// Its first and its second half by rows, with numbers of their own; none
    /// if it is a single row. Both lead with the header, and share the bytes of
    /// the chunk.
    #[must_use]
    pub fn halve(&self, separator: u8, numbers: &Numbers) -> Option<(Self, Self)> {
        let first_rows = self.rows / 2;
        if first_rows == 0 {
            return None;
        }
        let places = self.places(separator, first_rows);
        let (cut, cut_line) = places.second;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let mut rows_before = 0;
        for (piece, (offset, line)) in self.pieces.iter().zip(&places.pieces) {
            let of_first = first_rows.saturating_sub(rows_before).min(piece.rows);
            rows_before += piece.rows;
            if of_first == piece.rows {
                first.push(Placed::new(piece.clone(), *offset));
            } else if of_first == 0 {
                second.push(Placed::new(piece.clone(), *offset));
            } else {
                // A piece has no gap, neither here nor in its source.
                let at = piece.range.start + (cut - offset);
                let begin = Piece {
                    rows: of_first,
                    range: piece.range.start..at,
                    ..piece.clone()
                };
                let rest = Piece {
                    first_row: piece.first_row.plus(of_first),
                    first_line: piece.first_line.plus(cut_line - line),
                    rows: piece.rows - of_first,
                    range: at..piece.range.end,
                    ..piece.clone()
                };
                first.push(Placed::new(begin, *offset));
                second.push(Placed::new(rest, cut));
            }
        }
        let end = self.bytes - self.header_bytes;
        let first = self.part(numbers, first_rows, 0..cut, &first);
        let second = self.part(numbers, self.rows - first_rows, cut..end, &second);
        Some((first, second))
    }

    /// Finds where the pieces begin, and the row after `first_rows` rows.
    fn places(&self, separator: u8, first_rows: u64) -> Places {
        let mut places = Places {
            pieces: Vec::with_capacity(self.pieces.len()),
            second: (0, 0),
        };
        let mut row = 0;
        // The number of the row that begins the next piece.
        let mut next = 0;
        let mut take = |record: Record| {
            if row == next
                && let Some(piece) = self.pieces.get(places.pieces.len())
            {
                places.pieces.push((record.start, record.line));
                next += piece.rows;
            }
            if row == first_rows {
                places.second = (record.start, record.line);
            }
            row += 1;
        };
        let mut scanner = Scanner::new(separator);
        for slice in self.slices(self.header_bytes..self.bytes) {
            scanner.scan(&slice, &mut take);
        }
        if let End::Record(record) = scanner.finish() {
            take(record);
        }
        places
    }

    /// The chunk of `range` of the rows' bytes, which are those of `pieces`.
    fn part(&self, numbers: &Numbers, rows: u64, range: Range<u64>, pieces: &[Placed]) -> Self {
        let of_rows = |range: Range<u64>| {
            self.slices(range.start + self.header_bytes..range.end + self.header_bytes)
        };
        let mut digest = XxHash3_128::default();
        for Placed { piece, offset } in pieces {
            // Without the end that a source's last row was given.
            let length = piece.range.end - piece.range.start;
            for slice in of_rows(*offset..offset + length) {
                digest.write(&slice);
            }
        }
        let header = self.slices(0..self.header_bytes);
        Self {
            number: numbers.take(),
            header_bytes: self.header_bytes,
            rows,
            bytes: self.header_bytes + (range.end - range.start),
            segments: header.chain(of_rows(range)).collect(),
            pieces: pieces.iter().map(|placed| placed.piece.clone()).collect(),
            digest: Digest(digest.finish_128()),
        }
    }

    /// The bytes of `range` of the file, in slices that share the segments.
    fn slices(&self, range: Range<u64>) -> impl Iterator<Item = Bytes> {
        let mut base = 0;
        self.segments.iter().filter_map(move |segment| {
            let length = segment.len() as u64;
            let from = range.start.max(base) - base;
            let to = range.end.min(base + length).saturating_sub(base);
            base += length;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "offsets inside one segment in memory"
            )]
            (from < to).then(|| segment.slice(from as usize..to as usize))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chunk::cutter::{Cut, Cutter, Rules};
    use crate::config::choice::OnBadRow;
    use crate::units::{ChunkNumber, SourceIndex};

    const HEADER: &str = "a,b\n";

    /// Sources whose rows span lines, are too wide, or follow an empty line;
    /// some without a last line end.
    fn sources() -> impl Strategy<Value = Vec<String>> {
        let row = prop_oneof![
            6 => "[a-c€]{0,4},[x-z]{0,3}",
            2 => Just("\"1\n2\",\"\"\"\r\n\"".to_owned()),
            1 => Just("too,wide,row".to_owned()),
            1 => Just("\r\nafter,empty".to_owned()),
        ];
        let source = (
            prop::collection::vec(row, 0..12),
            prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            any::<bool>(),
        )
            .prop_map(|(rows, end, ended)| {
                let last = if ended && !rows.is_empty() { end } else { "" };
                format!("{HEADER}{}{last}", rows.join(end))
            });
        prop::collection::vec(source, 1..4)
    }

    /// The chunks of these sources, and the numbers that they have.
    fn cut(sources: &[String], chunk_bytes: u64, block: usize) -> (Vec<Chunk>, Numbers) {
        let rules = Rules {
            separator: b',',
            chunk_bytes,
            on_bad_row: OnBadRow::Reject,
        };
        let header = Bytes::from_static(HEADER.as_bytes());
        let mut cutter = Cutter::new(rules, header, Bytes::from_static(b"\n"), 2);
        for (index, text) in (0..).zip(sources) {
            cutter.begin_source(SourceIndex::new(index), "leads.csv", 0);
            let mut base = 0;
            for piece in text.as_bytes().chunks(block) {
                cutter.push(base, &Bytes::copy_from_slice(piece));
                base += piece.len() as u64;
            }
            cutter.end_source(base, index as usize + 1 == sources.len());
        }
        let chunks = std::iter::from_fn(|| cutter.next_cut()).filter_map(|cut| match cut {
            Cut::Chunk(chunk) => Some(chunk),
            Cut::Rejected(_) => None,
        });
        let chunks: Vec<Chunk> = chunks.collect();
        let numbers = Numbers::default();
        for chunk in &chunks {
            numbers.used(chunk.number);
        }
        (chunks, numbers)
    }

    /// Checks that `chunk` is what a cutter would have made of its pieces.
    fn assert_whole(chunk: &Chunk, sources: &[String]) {
        let content = chunk.segments.concat();
        assert!(content.starts_with(HEADER.as_bytes()));
        assert_eq!(chunk.bytes, content.len() as u64);
        assert_eq!(chunk.rows, chunk.pieces.iter().map(|p| p.rows).sum::<u64>());
        let mut digest = XxHash3_128::default();
        for piece in &chunk.pieces {
            let text = &sources[piece.source.get() as usize].as_bytes();
            let range = usize::try_from(piece.range.start).unwrap()
                ..usize::try_from(piece.range.end).unwrap();
            digest.write(&text[range]);
        }
        assert_eq!(chunk.digest, Digest(digest.finish_128()));
    }

    proptest! {
        #[test]
        fn halves_are_the_whole_with_its_numbers_down_to_single_rows(
            sources in sources(),
            chunk_bytes in 40u64..200,
            block in 1usize..60,
        ) {
            let (chunks, numbers) = cut(&sources, chunk_bytes, block);
            let mut last = chunks.last().map_or(0, |chunk| chunk.number.get());
            let mut halves = chunks;
            while let Some(chunk) = halves.pop() {
                let Some((first, second)) = chunk.halve(b',', &numbers) else {
                    prop_assert_eq!(chunk.rows, 1);
                    continue;
                };
                prop_assert_eq!(first.number, ChunkNumber::new(last + 1));
                prop_assert_eq!(second.number, ChunkNumber::new(last + 2));
                last += 2;
                assert_whole(&first, &sources);
                assert_whole(&second, &sources);
                let joined = [
                    first.segments.concat(),
                    second.segments.concat()[HEADER.len()..].to_vec(),
                ];
                prop_assert_eq!(joined.concat(), chunk.segments.concat());
                let rows = |chunk: &Chunk| {
                    let sent = chunk.sent_rows(b',');
                    let row = |(index, row): (usize, &crate::chunk::SentRow)| {
                        (row.source, row.row, row.line, sent.bytes(index).to_vec())
                    };
                    sent.rows.iter().enumerate().map(row).collect::<Vec<_>>()
                };
                prop_assert_eq!([rows(&first), rows(&second)].concat(), rows(&chunk));
                prop_assert!(first.rows.abs_diff(second.rows) <= 1);
                halves.extend([first, second]);
            }
        }
    }

    #[test]
    fn halves_share_the_bytes_of_the_whole() {
        let (chunks, numbers) = cut(&[format!("{HEADER}1,2\n3,4\n5,6\n")], 100, 100);
        let (first, second) = chunks[0].halve(b',', &numbers).unwrap();
        let of_whole = chunks[0].segments[1].as_ptr_range();
        for half in [first, second] {
            assert!(of_whole.contains(&half.segments[1].as_ptr()), "{half:?}");
        }
    }
}
