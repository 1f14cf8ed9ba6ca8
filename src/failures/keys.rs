//! What can be said of a record that no sent row explains.

use crate::failures::Sent;
use crate::failures::fields::{FieldReader, Fields};
use crate::failures::header::Layout;
use crate::failures::writers::Blanks;
use twox_hash::XxHash3_64;

/// Finds rows by their lookup or dedupe columns alone.
pub(super) struct KeyIndex<'a> {
    sent: &'a Sent<'a>,
    layout: &'a Layout,
    /// Where the file has the key columns, in the order of `key_columns`.
    places: Option<Vec<usize>>,
    /// The rows by the hash of their keys, made when first asked for.
    rows: Option<Vec<(u64, u32)>>,
    /// Whether some row has a separator within the values up to its key: then
    /// unquoted keys need not be where they seem.
    can_be_shifted: bool,
    reader: FieldReader,
    received: Fields,
    other: Fields,
}

impl<'a> KeyIndex<'a> {
    pub(super) fn new(sent: &'a Sent<'a>, layout: &'a Layout) -> Self {
        let places: Option<Vec<usize>> = sent
            .key_columns
            .iter()
            .map(|column| layout.place_of(*column))
            .collect();
        Self {
            sent,
            layout,
            places: places.filter(|places| !places.is_empty()),
            rows: None,
            can_be_shifted: false,
            reader: FieldReader::new(sent.format.separator()),
            received: Fields::default(),
            other: Fields::default(),
        }
    }

    /// Reads `raw` as well as it can be read: the only row with the record's
    /// key, and the reason, as far as its last field is one.
    pub(super) fn read(&mut self, raw: &[u8]) -> (Option<u32>, Vec<u8>) {
        let columns = self.layout.width() + usize::from(self.layout.has_reason);
        let is_record = self.reader.read(raw, &mut self.received);
        let fields = self.received.len();
        let separator = self.sent.format.separator();
        let reason = if !self.layout.has_reason {
            Vec::new()
        } else if is_record && fields == columns {
            self.received.get(fields - 1).to_vec()
        } else if memchr::memchr_iter(separator, raw).count() >= columns - 1 {
            let last = memchr::memrchr(separator, raw);
            raw[last.map_or(0, |at| at + 1)..].to_vec()
        } else {
            // Cut off before its reason.
            Vec::new()
        };
        let row = if is_record && fields >= columns && !self.layout.is_at(raw, 0) {
            self.row(fields > columns)
        } else {
            None
        };
        (row, reason)
    }

    /// The only row with the key of the received record. In a record that is
    /// too wide a value or the reason holds a separator, and columns are where
    /// they seem only as long as all before them agree with the row, and no row
    /// can have shifted them.
    fn row(&mut self, is_wide: bool) -> Option<u32> {
        let places = self.places.as_ref()?;
        let key = |fields: &Fields, column: usize| Blanks::Unicode.cut(fields.get(column)).to_vec();
        let wanted: Vec<Vec<u8>> = places
            .iter()
            .map(|place| key(&self.received, *place))
            .collect();
        if wanted.iter().all(Vec::is_empty) {
            return None;
        }
        let last = *places.iter().max()?;
        let columns = self.sent.key_columns;
        let values = |fields: &Fields| -> Vec<Vec<u8>> {
            columns.iter().map(|column| key(fields, *column)).collect()
        };
        let separator = self.sent.format.separator();
        if self.rows.is_none() {
            let mut rows = Vec::with_capacity(self.sent.rows.rows.len());
            for row in (0..u32::MAX).take(self.sent.rows.rows.len()) {
                let bytes = self.sent.rows.bytes(row as usize);
                if self.reader.read(bytes, &mut self.other) {
                    rows.push((hash(&values(&self.other)), row));
                    let mut before = self.layout.known_columns().into_iter().flatten();
                    self.can_be_shifted |= before
                        .by_ref()
                        .take(last + 1)
                        .any(|column| memchr::memchr(separator, self.other.get(*column)).is_some());
                }
            }
            rows.sort_unstable();
            self.rows = Some(rows);
        }
        let rows = self.rows.as_ref()?;
        let wanted_hash = hash(&wanted);
        let from = rows.partition_point(|(hash, _)| *hash < wanted_hash);
        let mut alike = rows[from..]
            .iter()
            .take_while(|(hash, _)| *hash == wanted_hash);
        // Several rows with this hash have this key, or once in 2^64 another
        // one; then a match is lost and none made up.
        let (&(_, row), None) = (alike.next()?, alike.next()) else {
            return None;
        };
        self.reader
            .read(self.sent.rows.bytes(row as usize), &mut self.other);
        if values(&self.other) != wanted {
            return None;
        }
        let agree = |place: usize| {
            let column = self
                .layout
                .known_columns()
                .and_then(|columns| columns.get(place));
            column.is_some_and(|column| key(&self.other, *column) == key(&self.received, place))
        };
        (!is_wide || (!self.can_be_shifted && (0..=last).all(agree))).then_some(row)
    }
}

fn hash(key: &[Vec<u8>]) -> u64 {
    let mut text = Vec::new();
    for value in key {
        text.extend_from_slice(&value.len().to_le_bytes());
        text.extend_from_slice(value);
    }
    XxHash3_64::oneshot(&text)
}
