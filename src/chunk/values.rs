//! The values of one column of a chunk, for telling which chunks share one.

use csv_core::{ReadFieldResult, ReaderBuilder};
use twox_hash::XxHash3_64;

use crate::chunk::part::Chunk;

/// Hashes of a column's values: 64 bits for each, sorted, each once.
///
/// Two values count as one if they differ by case or by blanks round them only:
/// Marketo is seen to find a person by an e-mail address so, and taking two keys for one
/// costs a wait, while taking one for two would cost the order. So does a hash
/// that two values have in common. Empty values are no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values(Box<[u64]>);

impl Values {
    /// Whether a value is in both.
    #[must_use]
    pub fn share(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            match our.cmp(their) {
                std::cmp::Ordering::Less => ours.next(),
                std::cmp::Ordering::Greater => theirs.next(),
                std::cmp::Ordering::Equal => return true,
            };
        }
        false
    }
}

impl Chunk {
    /// The values of its column `column`, counted from 0. Reads all fields, at
    /// a fraction of the speed at which chunks are cut.
    #[must_use]
    pub fn values(&self, separator: u8, column: usize) -> Values {
        let mut collector = Collector {
            column,
            place: 0,
            header: true,
            field: Vec::new(),
            hashes: Vec::with_capacity(usize::try_from(self.rows).unwrap_or(0)),
        };
        let mut reader = ReaderBuilder::new().delimiter(separator).build();
        let mut piece = [0; 1024];
        let mut read = |mut input: &[u8], all: bool| {
            // An empty input is the end to the reader.
            while all || !input.is_empty() {
                let (result, bytes, written) = reader.read_field(input, &mut piece);
                input = &input[bytes..];
                collector.piece(&piece[..written]);
                match result {
                    ReadFieldResult::Field { record_end } => collector.end(record_end),
                    ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                    ReadFieldResult::End => return,
                }
            }
        };
        for segment in &self.segments {
            read(segment, false);
        }
        read(b"", true);
        let mut hashes = collector.hashes;
        hashes.sort_unstable();
        hashes.dedup();
        Values(hashes.into_boxed_slice())
    }
}

/// Takes the fields as they come.
struct Collector {
    column: usize,
    /// The place of the field that is being read.
    place: usize,
    /// Whether that field is the header's.
    header: bool,
    field: Vec<u8>,
    hashes: Vec<u64>,
}

impl Collector {
    fn piece(&mut self, piece: &[u8]) {
        if self.place == self.column {
            self.field.extend_from_slice(piece);
        }
    }

    fn end(&mut self, record_end: bool) {
        if self.place == self.column && !self.header {
            self.hashes.extend(hash(&self.field));
        }
        self.field.clear();
        self.place += 1;
        if record_end {
            self.place = 0;
            self.header = false;
        }
    }
}

/// The hash of a value; none if it is empty.
fn hash(value: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(value);
    let value = text.trim().to_lowercase();
    (!value.is_empty()).then(|| XxHash3_64::oneshot(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::chunk::Digest;
    use crate::units::ChunkNumber;

    /// A chunk of `text`, header first, in segments of `length` bytes.
    fn chunk(text: &str, length: usize) -> Chunk {
        Chunk {
            number: ChunkNumber::new(1),
            segments: text
                .as_bytes()
                .chunks(length)
                .map(Bytes::copy_from_slice)
                .collect(),
            header_bytes: 0,
            pieces: Vec::new(),
            rows: 0,
            bytes: text.len() as u64,
            digest: Digest(0),
        }
    }

    /// The hashes of these values.
    fn values(values: &[&str]) -> Values {
        let mut hashes: Vec<u64> = values.iter().filter_map(|v| hash(v.as_bytes())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        Values(hashes.into())
    }

    #[test]
    fn a_column_is_read_as_csv_whatever_the_segments() {
        let text = "email,name\na@b.co,\"x,\"\"y\"\"\"\n\n\"c\nd\",z\nonly\n,empty\ne,last";
        for length in 1..text.len() {
            let chunk = chunk(text, length);
            assert_eq!(
                chunk.values(b',', 0),
                values(&["a@b.co", "c\nd", "only", "e"])
            );
            assert_eq!(
                chunk.values(b',', 1),
                values(&["x,\"y\"", "z", "empty", "last"])
            );
            assert_eq!(chunk.values(b',', 2), values(&[]));
        }
    }

    #[test]
    fn case_and_blanks_make_no_other_value_and_empty_ones_are_none() {
        let left = chunk("a\n Ann@Example.org \nÉMILE\n", 100).values(b',', 0);
        let same = |value: &str| {
            let right = chunk(&format!("a\n{value}\n"), 100).values(b',', 0);
            assert_eq!(left.share(&right), right.share(&left));
            left.share(&right)
        };
        assert!(same("ann@example.ORG") && same("émile") && same("\"\tÉmile\""));
        assert!(!same("bob@example.org") && !same("a"));
        let blank = chunk("a,b\n,1\n\" \",2\n", 100).values(b',', 0);
        assert!(!blank.share(&blank.clone()), "blank values share nothing");
    }

    proptest! {
        #[test]
        fn sets_share_what_both_hold(
            left in prop::collection::vec("[a-h]{0,2}", 0..12),
            right in prop::collection::vec("[a-h]{0,2}", 0..12),
        ) {
            let of = |list: &[String]| {
                let text: String = list.iter().map(|value| format!("{value},x\n")).collect();
                chunk(&format!("key,x\n{text}"), 7).values(b',', 0)
            };
            let common = left.iter().any(|value| !value.is_empty() && right.contains(value));
            prop_assert_eq!(of(&left).share(&of(&right)), common);
        }
    }
}
