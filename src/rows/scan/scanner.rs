//! The scanner as its callers see it.

use super::kernel::Choice;
use super::walk::Progress;

/// A record: where it stands, and what can be said without reading its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Offset of its first byte, counted from the scanner's first.
    pub start: u64,
    /// Offset after its last byte, the terminator (`\n`, `\r`, or both of
    /// `\r\n`) included.
    pub end: u64,
    /// The physical line on which it starts; LF, CRLF and CR each end a line,
    /// inside quotes too.
    pub line: u64,
    /// How many fields it has, one at least.
    pub fields: u32,
}

/// A quoted field that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenQuote {
    /// Offset of the first byte of the field's record.
    pub record_start: u64,
    /// The physical line on which that record starts.
    pub record_line: u64,
    /// Offset of the opening quote.
    pub offset: u64,
    /// The physical line of the opening quote.
    pub line: u64,
}

/// Takes what a scanner finds.
pub(crate) trait Sink {
    /// The next few thousand bytes, before the records that end in them: they
    /// are in the processor's first cache now.
    #[inline(always)]
    fn bytes(&mut self, _bytes: &[u8]) {}

    /// The next record.
    fn record(&mut self, record: Record);
}

impl<F: FnMut(Record)> Sink for F {
    #[inline(always)]
    fn record(&mut self, record: Record) {
        self(record);
    }
}

/// How the input ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After the terminator of the last record, or after empty lines.
    Clean,
    /// With a last record without a terminator, or with one of a CR that could
    /// have had an LF after it.
    Record(Record),
    /// Inside a quoted field: what follows its quote may be many records that
    /// were taken for one.
    OpenQuote(OpenQuote),
}

/// Finds the records in a stream of bytes that is handed over in pieces of any
/// length.
///
/// It holds no bytes, a few words only, so that a clone is cheap.
#[derive(Debug, Clone)]
pub struct Scanner {
    kernel: Choice,
    progress: Progress,
}

impl Scanner {
    /// A scanner at the start of a stream, whose first line is line 1.
    /// `separator` is any byte but a quote, CR and LF.
    #[must_use]
    pub fn new(separator: u8) -> Self {
        Self::at(separator, 1)
    }

    /// A scanner at the start of a record on physical line `first_line`:
    /// for reading again from there, offsets counted from there.
    #[must_use]
    pub fn at(separator: u8, first_line: u64) -> Self {
        Self::with_kernel(Choice::best(), separator, first_line)
    }

    /// The same with a kernel that is not the fastest.
    pub(super) fn with_kernel(kernel: Choice, separator: u8, first_line: u64) -> Self {
        Self {
            kernel,
            progress: Progress::start(separator, first_line),
        }
    }

    /// Reads the next bytes and hands out each record that ended in them.
    ///
    /// A record is handed out as soon as its end is sure: after a `\r` that is
    /// the last byte of `bytes` this is when the next byte is seen, since it
    /// may be the `\n` of `\r\n`.
    pub fn scan(&mut self, bytes: &[u8], records: &mut impl FnMut(Record)) {
        self.scan_into(bytes, records);
    }

    /// The same for one who looks at the bytes too.
    pub(crate) fn scan_into(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        self.kernel.walk(&mut self.progress, bytes, sink);
    }

    /// The quoted field in which the bytes read so far end, if they do.
    #[must_use]
    pub fn open_quote(&self) -> Option<OpenQuote> {
        self.progress.open_quote()
    }

    /// Where the record that is not ended yet begins, if one has begun.
    #[must_use]
    pub fn open_start(&self) -> Option<u64> {
        self.progress.open_record().map(|record| record.start)
    }

    /// The input ends here: what is left.
    #[must_use]
    pub fn finish(self) -> End {
        if let Some(quote) = self.progress.open_quote() {
            End::OpenQuote(quote)
        } else if let Some(record) = self.progress.open_record() {
            End::Record(record)
        } else {
            End::Clean
        }
    }
}
