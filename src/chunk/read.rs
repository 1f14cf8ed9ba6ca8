//! The thin asynchronous shell round the cutter: sources in, cuts out.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio_stream::StreamExt as _;

use crate::chunk::cutter::{Cut, Cutter, Rules, Start};
use crate::chunk::head::{self, Head};
use crate::config::Format;
use crate::config::choice::OnBadRow;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::rows::Header;
use crate::source::{Blocks, Source};
use crate::units::SourceIndex;

/// How sources are read.
#[derive(Debug, Clone)]
pub struct ReadSettings {
    /// The sources' format; none: by their names, else sniffed.
    pub format: Option<Format>,
    /// Bytes of a chunk at most, header included, multipart frame not.
    pub chunk_bytes: u64,
    /// What happens to a row that breaks a rule.
    pub on_bad_row: OnBadRow,
}

/// The sources as one stream of cuts.
pub struct Chunks {
    first: Source,
    names: Vec<String>,
    waiting: VecDeque<(SourceIndex, Source)>,
    settings: ReadSettings,
    format: Format,
    header: Header,
    cutter: Cutter,
    reading: Option<Reading>,
    bytes_read: u64,
    ended: bool,
    /// Why reading a source failed, until the chunks before are handed out.
    fault: Option<Error>,
    broke_off: bool,
    grown: Vec<String>,
}

/// The source that is being read.
struct Reading {
    index: SourceIndex,
    source: Source,
    /// Bytes before those that are read: a byte order mark, or all that an
    /// earlier process read.
    skipped: u64,
    /// The block that was read with the header, until it is cut.
    begun: Option<Bytes>,
    rest: Blocks,
    offset: u64,
}

impl Chunks {
    /// Opens the first source and reads its header; the headers of the other
    /// files are compared with it now, before anything is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] for a source that cannot be opened, is empty, or
    /// has another header or format than the first; [`ErrorKind::Usage`] for
    /// no source, or a chunk size with no room for a row.
    pub async fn open(sources: Vec<Source>, settings: ReadSettings) -> Result<Self> {
        let names = sources.iter().map(Source::name).collect();
        let Some(first) = sources.first() else {
            return Err(Error::new(ErrorKind::Usage, "no source is given")
                .hint("name a file, or `-` for standard input"));
        };
        let head = head::open(first, settings.format, settings.chunk_bytes).await?;
        let format = head.format;
        let header = Header::parse(head.record.clone(), format, &first.name()).await?;
        for source in sources
            .iter()
            .skip(1)
            .filter(|source| **source != Source::Stdin)
        {
            let other = head::open(source, settings.format, settings.chunk_bytes).await?;
            matches(&header, format, &other, source).await?;
        }
        if header.bytes().len() as u64 + MIN_ROW_BYTES > settings.chunk_bytes {
            return Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "--max-part-bytes leaves no room for rows beside a header of {} bytes",
                    header.bytes().len()
                ),
            )
            .hint("the default is 10000000"));
        }
        let rules = Rules {
            separator: format.separator(),
            chunk_bytes: settings.chunk_bytes,
            on_bad_row: settings.on_bad_row,
        };
        let cutter = Cutter::new(
            rules,
            header.bytes().clone(),
            header.record_end(),
            header.names().len(),
        );
        let first = first.clone();
        let begun = first.clone();
        let waiting = (0..).map(SourceIndex::new).zip(sources).skip(1).collect();
        let mut chunks = Self {
            first,
            names,
            waiting,
            settings,
            format,
            header,
            cutter,
            reading: None,
            bytes_read: 0,
            ended: false,
            fault: None,
            broke_off: false,
            grown: Vec::new(),
        };
        chunks.begin(SourceIndex::new(0), begun, head);
        Ok(chunks)
    }

    /// Goes on from `start` instead of the first row, before anything was read.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when its source is not there or cannot be read from
    /// there.
    pub fn skip_to(&mut self, start: Start) -> Result<()> {
        let gone = || Error::new(ErrorKind::Input, "there are fewer sources than there were");
        let sources = std::mem::take(&mut self.waiting);
        let first = self.first.clone();
        let source = match start.source.get() {
            0 => Some(&first),
            _ => sources
                .iter()
                .find_map(|(index, source)| (*index == start.source).then_some(source)),
        }
        .ok_or_else(gone)?;
        let rest = source.open(start.offset)?;
        let before = sources.iter().filter(|(index, _)| *index < start.source);
        let before = before.filter_map(|(_, source)| source.size()).sum::<u64>();
        self.bytes_read = start.offset + before;
        if start.source.get() > 0 {
            self.bytes_read += first.size().unwrap_or(0);
        }
        self.cutter
            .begin_at(start, &self.names[start.source.get() as usize]);
        self.reading = Some(Reading {
            index: start.source,
            source: source.clone(),
            skipped: start.offset,
            begun: None,
            rest,
            offset: 0,
        });
        self.waiting = sources
            .into_iter()
            .filter(|(index, _)| *index > start.source)
            .collect();
        Ok(())
    }

    /// The first chunks are to be cut again as they were, with so many bytes of
    /// rows each, before anything was read.
    pub fn cut_again(&mut self, bytes: impl IntoIterator<Item = u64>) {
        self.cutter.cut_again(bytes);
    }

    /// The header that leads every chunk.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The sources' format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The sources' names, in order.
    #[must_use]
    pub fn source_names(&self) -> &[String] {
        &self.names
    }

    /// Whether reading a source failed, so that it may go on another time.
    #[must_use]
    pub fn broke_off(&self) -> bool {
        self.broke_off
    }

    /// Names of the sources that became longer while they were read.
    #[must_use]
    pub fn grown(&self) -> &[String] {
        &self.grown
    }

    /// Bytes read so far, over all sources.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Rows handed out so far, rejected ones included. Rows that were read ahead
    /// do not count: a run that stops leaves them for the next one.
    #[must_use]
    pub fn rows_read(&self) -> u64 {
        self.cutter.rows_read() - self.cutter.rows_waiting()
    }

    /// Reads on until there is something to hand out; none at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when a source breaks off, a quote never closes, or
    /// a bad row stops the reading. All chunks of the rows before were handed
    /// out then, and the next call gives none.
    pub async fn next(&mut self) -> Result<Option<Cut>> {
        loop {
            if let Some(cut) = self.cutter.next_cut() {
                return Ok(Some(cut));
            }
            if let Some(error) = self.cutter.take_stop().or_else(|| self.fault.take()) {
                self.ended = true;
                return Err(error);
            }
            if self.ended {
                return Ok(None);
            }
            self.read_on().await?;
        }
    }

    /// Cuts one more block, or goes on to the next source.
    async fn read_on(&mut self) -> Result<()> {
        let Some(reading) = &mut self.reading else {
            match self.waiting.pop_front() {
                Some((index, source)) => match self.open_next(&source).await {
                    Ok(head) => self.begin(index, source, head),
                    Err(error) => self.break_off(error),
                },
                None => self.ended = true,
            }
            return Ok(());
        };
        let block = match reading.begun.take() {
            Some(begun) => Some(Ok(begun)),
            None => reading.rest.next().await,
        };
        match block {
            Some(Ok(block)) => {
                self.cutter.push(reading.offset, &block);
                reading.offset += block.len() as u64;
                self.bytes_read += block.len() as u64;
                if self.cutter.stopped() {
                    self.end_source(true);
                }
            }
            Some(Err(cause)) => {
                let source = self.names[reading.index.get() as usize].clone();
                self.break_off(
                    Error::new(ErrorKind::Input, "the source broke off while it was read")
                        .at(Place {
                            source: Some(source),
                            ..Place::default()
                        })
                        .because(cause)
                        .hint(
                            "the rows before were taken; when the source is back, a resume goes on",
                        ),
                );
            }
            None => self.end_source(self.waiting.is_empty()),
        }
        Ok(())
    }

    /// Opens a further source. It was there when the first was opened, unless it
    /// is standard input.
    async fn open_next(&self, source: &Source) -> Result<Head> {
        let head = head::open(source, self.settings.format, self.settings.chunk_bytes).await?;
        matches(&self.header, self.format, &head, source).await?;
        Ok(head)
    }

    fn begin(&mut self, index: SourceIndex, source: Source, head: Head) {
        self.cutter
            .begin_source(index, &self.names[index.get() as usize], head.mark);
        self.bytes_read += head.mark;
        self.reading = Some(Reading {
            index,
            source,
            skipped: head.mark,
            begun: Some(head.begun),
            rest: head.rest,
            offset: 0,
        });
    }

    fn end_source(&mut self, last: bool) {
        if let Some(reading) = self.reading.take() {
            let read = reading.skipped + reading.offset;
            if !self.cutter.stopped() && reading.source.size() > Some(read) {
                self.grown.push(reading.source.name());
            }
            self.cutter.end_source(reading.offset, last);
        }
        if self.cutter.stopped() {
            self.waiting.clear();
        }
    }

    /// A source failed in the middle of a row: the row is not taken, the rows
    /// before it are.
    fn break_off(&mut self, fault: Error) {
        self.fault = Some(fault);
        self.broke_off = true;
        self.reading = None;
        self.waiting.clear();
        self.cutter.break_off();
    }
}

/// Room that a chunk must have beside its header.
const MIN_ROW_BYTES: u64 = 16;

/// Whether a further source is of the first one's format and header.
async fn matches(header: &Header, format: Format, head: &Head, source: &Source) -> Result<()> {
    if head.format != format {
        return Err(Error::new(
            ErrorKind::Input,
            format!("this source is {}, the first is {format}", head.format),
        )
        .at(Place {
            source: Some(source.name()),
            ..Place::default()
        })
        .hint("--format says what all of them are"));
    }
    header.same_as(
        &Header::parse(head.record.clone(), format, &source.name()).await?,
        &source.name(),
    )
}
