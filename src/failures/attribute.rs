//! A failure file in, a finding for each of its records out.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::failures::claims::{Claim, Claims};
use crate::failures::doubts::Doubts;
use crate::failures::fields::unquote;
use crate::failures::gaps::GapReader;
use crate::failures::header::{Layout, line_end};
use crate::failures::index::SentIndex;
use crate::failures::keys::KeyIndex;
use crate::failures::listing::Listing;
use crate::failures::paths::settle;
use crate::failures::records::{Reading, Record, RecordFinder, Records};
use crate::failures::sent_row::SentRowReader;
use crate::failures::{FileKind, Finding, Found, Match, Sent};

/// The text that is searched at once. A failure file is about as long as its
/// chunk, at most 10 MB and the reasons; only one that is no honest answer is
/// longer than this, and it is read in pieces.
const PIECE_BYTES: usize = 64 << 20;

/// Finds the sent row of each record of a failure or warning file and hands
/// each finding to `found`, in the order of the file.
///
/// `expected` is the number of records by Marketo's count. It decides whether
/// lines that no row explains are records or the rest of a reason, and where the
/// text can be divided into sent rows in several ways, which of them it is; no
/// finding is made up or held back to reach it.
///
/// Rows with the same values are a multiset: where all of them failed for one
/// reason, each is named with certainty; where `k` of `n` failed, or all did
/// for several reasons, `k` rows are named as [`Match::Ambiguous`].
///
/// # Errors
/// Where `file` cannot be read, and what `found` returns.
pub fn attribute(
    sent: &Sent<'_>,
    file: impl Read,
    kind: FileKind,
    expected: u64,
    found: &mut impl FnMut(Finding) -> Result<()>,
) -> Result<Found> {
    attribute_by(PIECE_BYTES, sent, file, kind, expected, found)
}

/// [`attribute`] with pieces of `piece` bytes.
pub(super) fn attribute_by(
    piece: usize,
    sent: &Sent<'_>,
    mut file: impl Read,
    kind: FileKind,
    expected: u64,
    found: &mut impl FnMut(Finding) -> Result<()>,
) -> Result<Found> {
    let mut text = Vec::new();
    let mut is_last = fill(&mut file, &mut text, piece)?;
    let (layout, header) = Layout::read(&text, sent, kind);
    let record_end = line_end(&text[..header]);
    text.drain(..header);
    if text.is_empty() && is_last {
        return Ok(Found::default());
    }
    let separator = sent.format.separator();
    let mut rows = SentRowReader::new(sent, &layout);
    let index = rows.as_mut().map(|rows| SentIndex::build(sent.rows, rows));
    let doubts = index.as_ref().zip(rows.as_mut());
    let doubts = doubts.map(|(index, rows)| Doubts::of(sent.rows, index, rows, &layout, separator));
    let mut search = Search {
        index: index.as_ref(),
        doubts,
        finder: index
            .as_ref()
            .zip(rows)
            .map(|(index, rows)| RecordFinder::new(index, rows, &layout, separator)),
        gaps: GapReader::new(&layout, separator),
        keys: KeyIndex::new(sent, &layout),
        claims: Claims::new(sent.rows.rows.len()),
        has_reason: layout.has_reason,
        record_end,
        expected,
        books: Found::default(),
        listing: Listing::new(sent.rows.rows.len()),
    };
    loop {
        let used = search.piece(&text, is_last, found)?;
        if is_last {
            return Ok(search.books);
        }
        text.drain(..used);
        is_last = fill(&mut file, &mut text, piece)?;
    }
}

/// Reads until `text` is `piece` bytes long; true at the end of the file.
fn fill(file: &mut impl Read, text: &mut Vec<u8>, piece: usize) -> Result<bool> {
    let room = piece.saturating_sub(text.len()) as u64;
    let read = file.take(room).read_to_end(text).map_err(|error| {
        Error::new(ErrorKind::Internal, "the failure file cannot be read").because(error)
    })?;
    Ok((read as u64) < room)
}

struct Search<'a> {
    index: Option<&'a SentIndex>,
    doubts: Option<Doubts>,
    finder: Option<RecordFinder<'a>>,
    gaps: GapReader,
    keys: KeyIndex<'a>,
    claims: Claims,
    has_reason: bool,
    /// How the header's line ends, and so most likely each record.
    record_end: &'static [u8],
    expected: u64,
    books: Found,
    listing: Listing,
}

impl Search<'_> {
    /// Handles one piece of text and says how much of it.
    fn piece(
        &mut self,
        text: &[u8],
        is_last: bool,
        found: &mut impl FnMut(Finding) -> Result<()>,
    ) -> Result<usize> {
        // In a piece that is not the last any number of records may be missing.
        let expected = is_last.then(|| self.expected.saturating_sub(self.books.findings));
        let mut records = self.records(text, expected);
        let text = if is_last {
            text
        } else {
            &text[..cut(text, &mut records)]
        };
        if let Some(doubts) = &self.doubts {
            doubts.raise(text, &mut records, expected);
        }
        self.listing.start_piece();
        let expected = expected.unwrap_or(u64::MAX);
        let unexplained = self.gaps.read(text, &mut records, expected);
        let has_reason = self.has_reason;
        let claims = self.index.map_or_else(Vec::new, |index| {
            self.claims.claim(&records, index, |record, reading| {
                reason(text, record, reading, has_reason)
            })
        });
        let mut unexplained = unexplained.into_iter().peekable();
        for (record, claim) in records.list.iter().zip(claims) {
            while let Some(range) = unexplained.next_if(|range| range.start < record.start as usize)
            {
                let finding = self.unexplained(text, range);
                self.tell(finding, found)?;
            }
            let finding = self.claimed(text, &records, record, claim);
            self.tell(finding, found)?;
        }
        for range in unexplained {
            let finding = self.unexplained(text, range);
            self.tell(finding, found)?;
        }
        Ok(text.len())
    }

    fn records(&mut self, text: &[u8], expected: Option<u64>) -> Records {
        self.finder
            .as_mut()
            .map_or_else(Records::default, |finder| {
                settle(text, finder.find(text), expected, self.record_end)
            })
    }

    fn claimed(
        &mut self,
        text: &[u8],
        records: &Records,
        record: &Record,
        claim: Option<Claim>,
    ) -> Finding {
        let candidates = match (self.index, &claim) {
            (Some(index), Some(claim)) if !claim.sure => {
                self.listing.list(records, record, claim, index)
            }
            _ => Vec::new(),
        };
        // A row that stands alone for a record that may be none is no choice.
        let Some(claim) = claim.filter(|claim| claim.sure || candidates.len() > 1) else {
            // Its rows are all claimed by records before it.
            let readings = records.readings(record).iter();
            let reading = readings.max_by_key(|reading| reading.end);
            let reason = reading.map(|reading| reason(text, record, reading, self.has_reason));
            return Finding {
                row: None,
                level: Match::Unmatched,
                reason: to_text(&reason.unwrap_or_default()),
                candidates: Vec::new(),
                raw: text[record.start as usize..record.end as usize].to_vec(),
            };
        };
        let reading = &records.readings[claim.reading as usize];
        Finding {
            row: Some(claim.row as usize),
            level: match (claim.sure, reading.exact) {
                (false, _) => Match::Ambiguous,
                (true, true) => Match::Exact,
                (true, false) => Match::Normalized,
            },
            reason: to_text(&reason(text, record, reading, self.has_reason)),
            candidates,
            raw: if record.goes_back {
                text[record.start as usize..record.end as usize].to_vec()
            } else {
                Vec::new()
            },
        }
    }

    fn unexplained(&mut self, text: &[u8], range: Range<usize>) -> Finding {
        let raw = text[range].to_vec();
        let (row, reason) = self.keys.read(&raw);
        let row = row.filter(|row| self.claims.take_row(*row));
        Finding {
            row: row.map(|row| row as usize),
            level: if row.is_some() {
                Match::Key
            } else {
                Match::Unmatched
            },
            reason: to_text(&reason),
            candidates: Vec::new(),
            raw,
        }
    }

    fn tell(
        &mut self,
        finding: Finding,
        found: &mut impl FnMut(Finding) -> Result<()>,
    ) -> Result<()> {
        self.books.findings += 1;
        self.books.unmatched += u64::from(finding.level == Match::Unmatched);
        self.books.ambiguous += u64::from(finding.level == Match::Ambiguous);
        found(finding)
    }
}

/// Where to cut a piece that is not the last: before its last record, which may
/// go on in the next one, as may all that is contested with it.
fn cut(text: &[u8], records: &mut Records) -> usize {
    match records.list.iter().rposition(Record::begins_for_sure) {
        Some(last) if records.list[last].start > 0 => {
            let start = records.list[last].start as usize;
            records.list.truncate(last);
            start
        }
        Some(_) => text.len(),
        None => memchr::memrchr(b'\n', text).map_or(text.len(), |at| at + 1),
    }
}

/// The reason of a record that is read so, without its quotes.
fn reason<'t>(
    text: &'t [u8],
    record: &Record,
    reading: &Reading,
    has_reason: bool,
) -> Cow<'t, [u8]> {
    if has_reason {
        unquote(&text[reading.end as usize + 1..record.end as usize])
    } else {
        Cow::Borrowed(b"")
    }
}

fn to_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
