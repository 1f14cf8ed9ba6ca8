//! The header: the names of the columns, and whether Marketo can take them.

use bytes::Bytes;

use crate::config::Format;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::units::LineNumber;

/// Whether `text` ends with a record's end.
#[must_use]
pub fn is_ended(text: &[u8]) -> bool {
    text.ends_with(b"\n") || text.ends_with(b"\r")
}

/// How `record` ends: what a row that lacks an end is given.
#[must_use]
pub fn record_end(record: &Bytes) -> Bytes {
    let content = record
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    record.slice(content.map_or(0, |last| last + 1)..)
}

/// The first record of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    names: Vec<String>,
    bytes: Bytes,
}

impl Header {
    /// Reads `record`, a source's first record as its bytes, with or without
    /// its end. `source` names the source in errors.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a name that is empty, padded with blanks, there
    /// twice or not UTF-8: Marketo takes a header literally, and Adobe's own
    /// example fails every row on ` vin`.
    pub async fn parse(record: Bytes, format: Format, source: &str) -> Result<Self> {
        let names = names(&record, format)
            .await
            .map_err(|error| error.at(place(source, None)))?;
        check(&names, format, source)?;
        let bytes = if is_ended(&record) {
            record
        } else {
            Bytes::from([&record[..], b"\n"].concat())
        };
        Ok(Self { names, bytes })
    }

    /// The columns' names, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The header as it stands in the source, its record end included. It
    /// leads every chunk.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How the header's record ends: what a row that lacks an end is given.
    #[must_use]
    pub fn record_end(&self) -> Bytes {
        record_end(&self.bytes)
    }

    /// The columns' places of those `wanted` names that are there.
    #[must_use]
    pub fn positions(&self, wanted: &[String]) -> Vec<usize> {
        wanted
            .iter()
            .filter_map(|name| self.names.iter().position(|own| own == name))
            .collect()
    }

    /// Whether `other`, the header of `source`, names the same columns in the
    /// same order.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] that says how they differ.
    pub fn same_as(&self, other: &Self, source: &str) -> Result<()> {
        if self.names == other.names {
            return Ok(());
        }
        let (mut left, mut right) = (self.names.clone(), other.names.clone());
        left.sort();
        right.sort();
        let message = if left == right {
            "the header names the columns in another order than the first source's".to_owned()
        } else {
            let lacks: Vec<&String> = self
                .names
                .iter()
                .filter(|name| !other.names.contains(name))
                .collect();
            let adds: Vec<&String> = other
                .names
                .iter()
                .filter(|name| !self.names.contains(name))
                .collect();
            format!(
                "the header differs from the first source's: it lacks {lacks:?} and adds {adds:?}"
            )
        };
        Err(Error::new(ErrorKind::Input, message)
            .at(place(source, None))
            .hint("sources of one run need the same header; import this one in a run of its own"))
    }
}

fn place(source: &str, column: Option<&str>) -> Place {
    Place {
        source: Some(source.to_owned()),
        line: Some(LineNumber::new(1)),
        row: None,
        column: column.map(str::to_owned),
    }
}

/// The fields of one record.
async fn names(record: &[u8], format: Format) -> Result<Vec<String>> {
    let mut reader = csv_async::AsyncReaderBuilder::new()
        .has_headers(false)
        .delimiter(format.separator())
        .create_reader(record);
    let mut fields = csv_async::ByteRecord::new();
    reader
        .read_byte_record(&mut fields)
        .await
        .map_err(|error| {
            Error::new(ErrorKind::Input, "the header cannot be read").because(error)
        })?;
    fields
        .iter()
        .map(|field| {
            String::from_utf8(field.to_vec()).map_err(|error| {
                Error::new(ErrorKind::Input, "the header is not UTF-8")
                    .because(error)
                    .hint("convert the file first, for example: iconv -f WINDOWS-1252 -t UTF-8")
            })
        })
        .collect()
}

fn check(names: &[String], format: Format, source: &str) -> Result<()> {
    if let [only] = names {
        let other = Format::ALL
            .into_iter()
            .find(|other| *other != format && only.as_bytes().contains(&other.separator()));
        if let Some(other) = other {
            return Err(Error::new(
                ErrorKind::Input,
                format!("read as {format}, the header is one column, `{only}`"),
            )
            .at(place(source, Some(only)))
            .hint(format!("it looks like {other}: pass --format {other}")));
        }
    }
    for (index, name) in names.iter().enumerate() {
        if name.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::Input,
                format!("column {} of the header has no name", index + 1),
            )
            .at(place(source, None))
            .hint("every column needs the REST API name of a Marketo field"));
        }
        if name.trim() != name {
            return Err(Error::new(
                ErrorKind::Input,
                format!(
                    "column {} of the header is padded with blanks: `{name}`",
                    index + 1
                ),
            )
            .at(place(source, Some(name)))
            .hint(format!(
                "Marketo takes blanks as part of the name; write `{}`",
                name.trim()
            )));
        }
        if let Some(first) = names[..index].iter().position(|earlier| earlier == name) {
            return Err(Error::new(
                ErrorKind::Input,
                format!(
                    "columns {} and {} of the header have the same name, `{name}`",
                    first + 1,
                    index + 1
                ),
            )
            .at(place(source, Some(name)))
            .hint("rename or drop one of them"));
        }
    }
    Ok(())
}

/// The format whose separator is found most often outside quotes in the first
/// record; `csv` where none is.
#[must_use]
pub fn sniff(record: &[u8]) -> Format {
    let count = |format: Format| {
        let mut quoted = false;
        record
            .iter()
            .filter(|byte| {
                quoted ^= **byte == b'"';
                !quoted && **byte == format.separator()
            })
            .count()
    };
    // The first of equals wins, so that a header of one column is csv.
    Format::ALL
        .into_iter()
        .rev()
        .max_by_key(|format| count(*format))
        .unwrap_or(Format::Csv)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(text: &'static str) -> Result<Header> {
        Header::parse(
            Bytes::from_static(text.as_bytes()),
            Format::Csv,
            "leads.csv",
        )
        .await
    }

    #[tokio::test]
    async fn a_header_keeps_its_bytes_and_its_end() {
        let header = parse("\"first,name\",email\r\n").await.unwrap();
        assert_eq!(header.names(), ["first,name", "email"]);
        assert_eq!(header.bytes(), "\"first,name\",email\r\n");
        assert_eq!(header.record_end(), "\r\n");
        assert_eq!(parse("a,b").await.unwrap().bytes(), "a,b\n");
    }

    #[tokio::test]
    async fn what_marketo_would_take_literally_is_refused() {
        let mut texts = String::new();
        for header in ["email,,x\n", "email, vin\n", "a,b,a\n", "a;b;c\n"] {
            texts += &format!("{}\n", parse(header).await.unwrap_err().render());
        }
        insta::assert_snapshot!(texts, @"
        error: column 2 of the header has no name
          at: leads.csv, line 1
          hint: every column needs the REST API name of a Marketo field
        error: column 2 of the header is padded with blanks: ` vin`
          at: leads.csv, line 1, column ` vin`
          hint: Marketo takes blanks as part of the name; write `vin`
        error: columns 1 and 3 of the header have the same name, `a`
          at: leads.csv, line 1, column `a`
          hint: rename or drop one of them
        error: read as csv, the header is one column, `a;b;c`
          at: leads.csv, line 1, column `a;b;c`
          hint: it looks like ssv: pass --format ssv
        ");
    }

    #[tokio::test]
    async fn another_header_is_told_from_another_order() {
        let first = parse("a,b,c\n").await.unwrap();
        let mut texts = String::new();
        for other in ["c,b,a\n", "a,b,d\n"] {
            texts += &format!(
                "{}\n",
                first
                    .same_as(&parse(other).await.unwrap(), "part-2.csv")
                    .unwrap_err()
                    .render()
            );
        }
        insta::assert_snapshot!(texts, @r#"
        error: the header names the columns in another order than the first source's
          at: part-2.csv, line 1
          hint: sources of one run need the same header; import this one in a run of its own
        error: the header differs from the first source's: it lacks ["c"] and adds ["d"]
          at: part-2.csv, line 1
          hint: sources of one run need the same header; import this one in a run of its own
        "#);
        assert!(
            first
                .same_as(&parse("\"a\",b,c\r\n").await.unwrap(), "x")
                .is_ok()
        );
    }

    #[test]
    fn the_most_frequent_separator_outside_quotes_is_the_format() {
        assert_eq!(sniff(b"a;b;c\n"), Format::Ssv);
        assert_eq!(sniff(b"a\tb\n"), Format::Tsv);
        assert_eq!(sniff(b"\"a;b;c;d\",e\n"), Format::Csv);
        assert_eq!(sniff(b"email\n"), Format::Csv);
    }
}
