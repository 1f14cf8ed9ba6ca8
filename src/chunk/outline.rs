//! A chunk without its bytes, and how it gets them back.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use twox_hash::XxHash3_128;

use crate::chunk::cutter::Start;
use crate::chunk::part::{Chunk, Digest, Piece};
use crate::chunk::spool::Spool;
use crate::error::{Error, ErrorKind, Place, Result};
use crate::rows::is_ended;
use crate::source::Source;
use crate::units::ChunkNumber;

/// All of a chunk but its bytes: what a ledger keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its number in the run.
    pub number: ChunkNumber,
    /// Where its rows come from.
    pub pieces: Vec<Piece>,
    /// Its rows.
    pub rows: u64,
    /// Bytes of the whole file, header included.
    pub bytes: u64,
    /// Of its rows.
    pub digest: Digest,
}

impl Chunk {
    /// What is left of it when its bytes are let go.
    #[must_use]
    pub fn outline(&self) -> Outline {
        Outline {
            number: self.number,
            pieces: self.pieces.clone(),
            rows: self.rows,
            bytes: self.bytes,
            digest: self.digest,
        }
    }
}

impl Outline {
    /// The chunk as it was sent, its rows read again from `sources` where they
    /// are plain files, else from the `spool`.
    ///
    /// `header` leads the chunk; `record_end` ends a source's last row that has
    /// no end of its own where another source follows.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when the bytes are gone or are no longer those that
    /// were sent.
    pub fn restore(
        &self,
        sources: &[Source],
        spool: &Spool,
        header: &Bytes,
        record_end: &Bytes,
    ) -> Result<Chunk> {
        let mut text = BytesMut::from(&header[..]);
        let read = match plain_files(&self.pieces, sources) {
            Some(files) => self.read_pieces(&files, sources.len() - 1, record_end, &mut text),
            None => spool.read(self.number, &mut text),
        };
        let lost = || {
            let first = self.pieces.first();
            let source = first.and_then(|piece| sources.get(piece.source.get() as usize));
            self.lost(source)
        };
        read.map_err(|error| lost().because(error))?;
        let rows = &text[header.len()..];
        if self.digest_of(rows, record_end.len()) != Some(self.digest) {
            return Err(lost());
        }
        Ok(Chunk {
            number: self.number,
            header_bytes: header.len() as u64,
            pieces: self.pieces.clone(),
            rows: self.rows,
            bytes: text.len() as u64,
            segments: vec![header.clone(), text.freeze().slice(header.len()..)],
            digest: self.digest,
        })
    }

    /// Appends the pieces, each from its file. `last` is the run's last source:
    /// a row without an end got one at every other's end.
    fn read_pieces(
        &self,
        files: &[&Path],
        last: usize,
        record_end: &Bytes,
        text: &mut BytesMut,
    ) -> io::Result<()> {
        for (piece, path) in self.pieces.iter().zip(files) {
            let begin = text.len();
            text.resize(begin + length(piece), 0);
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(piece.range.start))?;
            file.read_exact(&mut text[begin..])?;
            if piece.source.get() as usize != last && !is_ended(text) {
                text.extend_from_slice(record_end);
            }
        }
        Ok(())
    }

    /// The digest of `rows` as they stand in the sources; none if they are not
    /// as many bytes as they were.
    fn digest_of(&self, rows: &[u8], given_end: usize) -> Option<Digest> {
        let mut digest = XxHash3_128::default();
        for range in self.placed(rows, given_end)? {
            digest.write(&rows[range]);
        }
        Some(Digest(digest.finish_128()))
    }

    /// Where the pieces lie in `rows`; none if these are not as many bytes as
    /// they were. An end that a source's last row was given is not of the source.
    fn placed(&self, rows: &[u8], given_end: usize) -> Option<Vec<Range<usize>>> {
        let mut at = 0;
        let mut placed = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let range = at..at + length(piece);
            let of_piece = rows.get(range.clone())?;
            at = range.end;
            if !is_ended(of_piece) && at < rows.len() {
                at += given_end;
            }
            placed.push(range);
        }
        (at == rows.len()).then_some(placed)
    }

    /// Where the sources go on after this chunk, which is `restored`.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] if `restored` is another chunk.
    pub fn after(&self, restored: &Chunk, record_end: &Bytes) -> Result<Start> {
        let rows = restored.segments[1..].concat();
        let placed = self.placed(&rows, record_end.len());
        let last = self
            .pieces
            .last()
            .zip(placed.as_deref().and_then(<[_]>::last));
        let (piece, range) = last.ok_or_else(|| {
            Error::new(
                ErrorKind::Internal,
                format!("chunk {} is not what it was", self.number),
            )
        })?;
        Ok(Start {
            source: piece.source,
            offset: piece.range.end,
            row: piece.first_row.plus(piece.rows),
            line: piece.first_line.plus(lines(&rows[range.clone()])),
        })
    }

    fn lost(&self, source: Option<&Source>) -> Error {
        let first = self.pieces.first();
        let from = first.map_or_else(String::new, |piece| {
            format!(", from row {} on", piece.first_row)
        });
        Error::new(
            ErrorKind::Input,
            format!(
                "the {} rows of chunk {}{from}, are no longer what was read from the source",
                self.rows, self.number
            ),
        )
        .at(Place {
            source: source.map(Source::name),
            ..Place::default()
        })
        .hint("put the source back as it was, and resume again")
    }
}

/// The files in which the pieces can be read again, one for each; none if one of
/// them is not in a plain file.
#[must_use]
pub fn plain_files<'a>(pieces: &[Piece], sources: &'a [Source]) -> Option<Vec<&'a Path>> {
    let file = |piece: &Piece| sources.get(piece.source.get() as usize)?.plain_file();
    pieces.iter().map(file).collect()
}

fn length(piece: &Piece) -> usize {
    usize::try_from(piece.range.end - piece.range.start).unwrap_or(usize::MAX)
}

/// The line ends in `text`: LF, CRLF and CR each end one.
fn lines(text: &[u8]) -> u64 {
    let mut before = 0;
    let ends = text.iter().filter(|byte| {
        let ends = **byte == b'\r' || (**byte == b'\n' && before != b'\r');
        before = **byte;
        ends
    });
    ends.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::{Chunks, Cut, ReadSettings, Start};
    use crate::config::choice::OnBadRow;

    /// All chunks of two files, the first without a last line end, with a row
    /// that is rejected and an empty line between the others.
    async fn chunks(folder: &Path) -> (Vec<Source>, Chunks, Vec<Chunk>) {
        let texts = [
            "a,b\r\n1,2\r\n\r\n\"3\n\",4\r\nwide,5,6\r\n7,8",
            "a,b\n9,10\n11,12\n13,14\n15,16\n17,18",
        ];
        let mut sources = Vec::new();
        for (name, text) in ["one.csv", "two.csv"].iter().zip(texts) {
            std::fs::write(folder.join(name), text).unwrap();
            sources.push(Source::File(folder.join(name)));
        }
        let mut reader = opened(&sources).await;
        let chunks = rest(&mut reader).await;
        (sources, reader, chunks)
    }

    async fn opened(sources: &[Source]) -> Chunks {
        let settings = ReadSettings {
            format: None,
            chunk_bytes: 26,
            on_bad_row: OnBadRow::Reject,
        };
        Chunks::open(sources.to_vec(), settings).await.unwrap()
    }

    async fn rest(reader: &mut Chunks) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        while let Some(cut) = reader.next().await.unwrap() {
            if let Cut::Chunk(chunk) = cut {
                chunks.push(chunk);
            }
        }
        chunks
    }

    #[tokio::test]
    async fn reading_on_from_a_chunk_gives_that_chunk_and_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (sources, _, all) = chunks(folder.path()).await;
        assert!(all.len() > 2);
        for (index, chunk) in all.iter().enumerate() {
            let first = chunk.first();
            let mut reader = opened(&sources).await;
            let start = Start {
                source: first.source,
                offset: first.range.start,
                row: first.first_row,
                line: first.first_line,
            };
            reader.skip_to(start).unwrap();
            let cuts = |chunks: &[Chunk]| -> Vec<_> {
                let cut =
                    |chunk: &Chunk| (chunk.pieces.clone(), chunk.digest, chunk.segments.concat());
                chunks.iter().map(cut).collect()
            };
            assert_eq!(cuts(&rest(&mut reader).await), cuts(&all[index..]));
        }
    }

    #[tokio::test]
    async fn reading_on_after_a_chunk_gives_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (sources, reader, all) = chunks(folder.path()).await;
        let spool = Spool::new(folder.path().join("spool"));
        let (header, end) = (reader.header().bytes(), reader.header().record_end());
        for (index, chunk) in all.iter().enumerate() {
            let outline = chunk.outline();
            let restored = outline.restore(&sources, &spool, header, &end).unwrap();
            let start = outline.after(&restored, &end).unwrap();
            let mut reader = opened(&sources).await;
            reader.skip_to(start).unwrap();
            let cut = |chunk: &Chunk| {
                let sent = chunk.sent_rows(b',');
                (chunk.pieces.clone(), chunk.digest, sent.rows)
            };
            let rest: Vec<_> = rest(&mut reader).await.iter().map(cut).collect();
            assert_eq!(rest, all[index + 1..].iter().map(cut).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn chunks_that_were_cut_short_are_cut_so_again() {
        let folder = tempfile::tempdir().unwrap();
        let (sources, reader, all) = chunks(folder.path()).await;
        let bytes = |chunk: &Chunk| chunk.bytes - chunk.header_bytes;
        let header = reader.header().bytes().len() as u64;
        // The second chunk once ended after its first row.
        let row = all[1].sent_rows(b',').bytes(0).len() as u64 + 1;
        let mut reader = opened(&sources).await;
        reader.cut_again([bytes(&all[0]), row]);
        let again = rest(&mut reader).await;
        assert_eq!(again[0].pieces, all[0].pieces);
        assert_eq!((again[1].rows, again[1].bytes), (1, header + row));
        let rows = |chunks: &[Chunk]| chunks.iter().map(|chunk| chunk.rows).sum::<u64>();
        assert_eq!(rows(&again), rows(&all));
    }

    #[tokio::test]
    async fn a_chunk_is_restored_byte_for_byte_from_files_and_from_the_spool() {
        let folder = tempfile::tempdir().unwrap();
        let (sources, reader, chunks) = chunks(folder.path()).await;
        assert!(
            chunks.iter().any(|chunk| chunk.pieces.len() > 2),
            "{chunks:?}"
        );
        let spool = Spool::new(folder.path().join("spool"));
        let (header, end) = (reader.header().bytes(), reader.header().record_end());
        for chunk in &chunks {
            spool.keep(chunk).await.unwrap();
            for sources in [&sources[..], &[Source::Stdin, Source::Stdin]] {
                let restored = chunk
                    .outline()
                    .restore(sources, &spool, header, &end)
                    .unwrap();
                assert_eq!(restored.segments.concat(), chunk.segments.concat());
                assert_eq!(restored.bytes, chunk.bytes);
                assert_eq!(restored.sent_rows(b',').rows, chunk.sent_rows(b',').rows);
            }
        }
        let first = chunks[0].outline();
        spool.release(first.number);
        std::fs::write(folder.path().join("one.csv"), "a,b\r\n1,3\r\n\r\n").unwrap();
        for sources in [&sources[..], &[Source::Stdin, Source::Stdin]] {
            let error = first.restore(sources, &spool, header, &end).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Input);
            assert!(
                error
                    .message()
                    .starts_with("the 3 rows of chunk 1, from row 1 on, are no"),
                "{error}"
            );
        }
    }
}
