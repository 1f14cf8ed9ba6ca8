//! The head of a source: a byte order mark, then the header.

use bytes::{Bytes, BytesMut};
use tokio_stream::StreamExt as _;

use crate::config::Format;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::rows::scan::{End, Record, Scanner};
use crate::source::{Blocks, Source};

/// UTF-8's byte order mark. It would become part of the first column's name.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A source whose header was seen and whose bytes from the header on are still
/// to be cut.
pub(super) struct Head {
    /// The first record's bytes.
    pub(super) record: Bytes,
    /// All bytes read so far, the mark taken off.
    pub(super) begun: Bytes,
    /// Bytes of the mark.
    pub(super) mark: u64,
    /// What is still to be read.
    pub(super) rest: Blocks,
    /// Its format: as given, else by its name, else sniffed.
    pub(super) format: Format,
}

/// Opens `source` and reads as far as its header goes.
///
/// # Errors
/// What opening gives; [`ErrorKind::Input`] for a source that is empty, fails
/// while it is read, or has no end of its header within `limit` bytes.
pub(super) async fn open(source: &Source, format: Option<Format>, limit: u64) -> Result<Head> {
    let place = || Place {
        source: Some(source.name()),
        ..Place::default()
    };
    let mut rest = source.open(0)?;
    let mut begun = BytesMut::new();
    let mut ended = false;
    loop {
        let bytes = begun.strip_prefix(MARK).unwrap_or(&begun);
        if begun.len() >= MARK.len() || ended {
            let named =
                format.or_else(|| source.extension().as_deref().and_then(Format::from_name));
            let found = first_record(bytes, named, ended).map_err(|error| error.at(place()))?;
            if let Some((record, format)) = found {
                let mark = begun.len() - bytes.len();
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "offsets inside bytes in memory"
                )]
                let record = record.start as usize + mark..record.end as usize + mark;
                let begun = begun.freeze();
                let record = begun.slice(record);
                return Ok(Head {
                    record,
                    begun: begun.slice(mark..),
                    mark: mark as u64,
                    rest,
                    format,
                });
            }
            if ended {
                return Err(
                    Error::new(ErrorKind::Input, "the source is empty: it has no header")
                        .at(place())
                        .hint("the first row has to name the columns"),
                );
            }
        }
        if begun.len() as u64 > limit {
            return Err(Error::new(
                ErrorKind::Input,
                format!("the header does not end within {limit} bytes"),
            )
            .at(place())
            .hint("look for a quote in the first line that never closes"));
        }
        match rest.next().await {
            Some(block) => begun.extend_from_slice(&block.map_err(|error| {
                Error::new(ErrorKind::Input, "the source cannot be read")
                    .at(place())
                    .because(error)
            })?),
            None => ended = true,
        }
    }
}

/// The first record of `bytes`, if it ends in them, and the format it was read
/// by.
fn first_record(
    bytes: &[u8],
    named: Option<Format>,
    ended: bool,
) -> Result<Option<(Record, Format)>> {
    // Where records end does not depend on the separator unless a quote stands
    // at a field's start, so a sniffed format is checked by reading by it.
    let format = named.unwrap_or_else(|| {
        let line = bytes
            .split_inclusive(|byte| matches!(byte, b'\n' | b'\r'))
            .find(|line| line.len() > 1);
        crate::rows::header::sniff(line.unwrap_or_default())
    });
    let mut first = None;
    let mut scanner = Scanner::new(format.separator());
    scanner.scan(bytes, &mut |record| {
        first.get_or_insert(record);
    });
    if first.is_none() && ended {
        match scanner.finish() {
            End::Clean => {}
            End::Record(record) => first = Some(record),
            End::OpenQuote(quote) => {
                return Err(Error::new(
                    ErrorKind::Input,
                    format!(
                        "a quote opens in the header at line {} and never closes",
                        quote.line
                    ),
                ));
            }
        }
    }
    Ok(first.map(|record| (record, format)))
}
