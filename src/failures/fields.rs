//! One record by field, as csv-core reads it.

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter, memchr2};

/// The values of one record.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The value of field `index`, empty where the record is too short for it.
    pub(super) fn get(&self, index: usize) -> &[u8] {
        let Some(&end) = self.ends.get(index) else {
            return b"";
        };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..end]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Reads records into [`Fields`].
#[derive(Debug)]
pub(super) struct FieldReader {
    core: Reader,
    separator: u8,
}

impl FieldReader {
    pub(super) fn new(separator: u8) -> Self {
        let core = ReaderBuilder::new().delimiter(separator).build();
        let mut reader = Self { core, separator };
        reader.restart();
        reader
    }

    /// csv-core drops a BOM from the first bytes that it sees; a row's value
    /// may begin with those bytes, so it is shown an empty line first.
    fn restart(&mut self) {
        self.core.reset();
        let _ = self.core.read_record(b"\n", &mut [], &mut []);
    }

    /// Reads `record`, given without its end. False where it is not one record:
    /// a quote that never closes, or a line end outside quotes.
    pub(super) fn read(&mut self, record: &[u8], fields: &mut Fields) -> bool {
        fields.ends.clear();
        fields.text.clear();
        if memchr(b'"', record).is_none() {
            return self.split(record, fields);
        }
        // No value is longer than its record and no record has more fields than
        // separators and one, so that csv-core never asks for more room.
        let room = memchr_iter(self.separator, record).count() + 2;
        fields.text.resize(record.len() + 1, 0);
        fields.ends.resize(room, 0);
        let (result, read, written, ended) =
            self.core
                .read_record(record, &mut fields.text, &mut fields.ends);
        let whole = matches!(result, ReadRecordResult::InputEmpty) && read == record.len() && {
            let (result, _, _, more) = self.core.read_record(
                b"\n",
                &mut fields.text[written..],
                &mut fields.ends[ended..],
            );
            fields.ends.truncate(ended + more);
            matches!(result, ReadRecordResult::Record)
        };
        if !whole {
            fields.ends.clear();
            self.restart();
        }
        whole
    }

    /// A record without quotes: its fields lie between the separators.
    fn split(&self, record: &[u8], fields: &mut Fields) -> bool {
        if memchr2(b'\n', b'\r', record).is_some() {
            return false;
        }
        let mut end = 0;
        fields.text.reserve(record.len());
        for field in record.split(|&byte| byte == self.separator) {
            fields.text.extend_from_slice(field);
            end += field.len();
            fields.ends.push(end);
        }
        true
    }
}

/// The end of the quoted field at the start of `text`, if a line or the text
/// ends right after it.
pub(super) fn quoted_end(text: &[u8]) -> Option<usize> {
    if *text.first()? != b'"' {
        return None;
    }
    let mut at = 1;
    loop {
        at += memchr::memchr(b'"', text.get(at..)?)? + 1;
        match text.get(at) {
            Some(b'"') => at += 1,
            None | Some(b'\n' | b'\r') => return Some(at),
            Some(_) => return None,
        }
    }
}

/// A text without its quotes, if it is one quoted field.
pub(super) fn unquote(text: &[u8]) -> Cow<'_, [u8]> {
    if quoted_end(text) != Some(text.len()) {
        return Cow::Borrowed(text);
    }
    let inner = &text[1..text.len() - 1];
    let mut value = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(quote) = memchr(b'"', rest) {
        value.extend_from_slice(&rest[..=quote]);
        // Every quote within is two, or the field would have ended there.
        rest = &rest[quote + 2..];
    }
    value.extend_from_slice(rest);
    Cow::Owned(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The record as csv-core reads it when it is asked for one field at a time,
    /// after a line that takes the place of a BOM.
    fn by_field(record: &[u8]) -> Option<Vec<Vec<u8>>> {
        use csv_core::ReadFieldResult;
        let mut core = Reader::new();
        let text = [b"x\n", record, b"\n"].concat();
        let (mut fields, mut rest) = (Vec::new(), &text[..]);
        loop {
            let mut field = vec![0; text.len()];
            let (result, read, written) = core.read_field(rest, &mut field);
            rest = &rest[read..];
            field.truncate(written);
            match result {
                ReadFieldResult::Field { record_end } => {
                    fields.push(field);
                    if record_end && fields.len() > 1 {
                        break;
                    }
                }
                _ => return None,
            }
        }
        (rest.is_empty() && fields.len() > 1).then(|| fields.split_off(1))
    }

    proptest! {
        #[test]
        fn a_record_has_the_fields_that_csv_core_sees(
            records in prop::collection::vec(
                prop::collection::vec(prop::sample::select(b"ab,,\"\"\n\r \xef\xbb\xbf".to_vec()), 1..12),
                1..4,
            )
        ) {
            // One reader for all: what it made of one must not touch the next.
            let mut reader = FieldReader::new(b',');
            let mut fields = Fields::default();
            for record in records {
                let read = reader.read(&record, &mut fields);
                let own: Vec<Vec<u8>> = fields.iter().map(<[u8]>::to_vec).collect();
                match by_field(&record) {
                    Some(seen) if read => prop_assert_eq!(own, seen),
                    Some(seen) => prop_assert!(
                        memchr2(b'\n', b'\r', &record).is_some(), "{record:?} is {seen:?}"
                    ),
                    None => prop_assert!(!read, "{record:?}"),
                }
            }
        }

        #[test]
        fn a_quoted_text_is_unquoted(value in prop::collection::vec(prop::sample::select(b"a\",\n".to_vec()), 0..8)) {
            let text = String::from_utf8(value).unwrap();
            let quoted = format!("\"{}\"", text.replace('"', "\"\""));
            prop_assert_eq!(&*unquote(quoted.as_bytes()), text.as_bytes());
        }
    }
}
