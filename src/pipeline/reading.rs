//! From the sources to the next chunk that is to be sent, in the ledger.

use crate::chunk::{Chunk, Chunks, Cut, Outline, plain_files};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Event;
use crate::import::{Came, chunk_record};
use crate::pipeline::Plan;
use crate::pipeline::import::rejected;
use crate::pipeline::run::{Halt, Run, raised};

impl Run {
    /// Reads on to the next chunk, which is then in the ledger; rejected rows
    /// before it go to the report.
    pub(super) async fn next_chunk(
        &mut self,
        chunks: &mut Chunks,
        plan: &Plan,
    ) -> Result<Option<Chunk>, Halt> {
        loop {
            let cut = tokio::select! {
                cut = chunks.next() => cut,
                signal = raised(&mut self.signal) => return Err(Halt::Signal(signal)),
            };
            let cut = cut.map_err(|error| {
                if chunks.broke_off() {
                    Halt::Source(error)
                } else {
                    Halt::Error(error)
                }
            })?;
            match cut {
                Some(Cut::Chunk(chunk)) => {
                    let entered = match self.is_known(&chunk) {
                        Ok(true) => continue,
                        Ok(false) => self.new_chunk(chunk.clone(), chunks, plan).await,
                        Err(error) => Err(Halt::Source(error)),
                    };
                    if entered.is_err() {
                        self.unsent(&chunk);
                    }
                    return entered.map(Some);
                }
                Some(Cut::Rejected(row)) => {
                    self.reporter
                        .rejected(&rejected(row))
                        .map_err(Halt::Error)?;
                    self.rejected(1);
                    self.check_errors(plan)?;
                }
                None => {
                    return match self.known.front() {
                        Some(missing) => Err(Halt::Source(changed(missing))),
                        None => Ok(None),
                    };
                }
            }
        }
    }

    /// Whether an earlier process of the run has cut this chunk.
    fn is_known(&mut self, chunk: &Chunk) -> Result<bool> {
        match self.known.front() {
            None => Ok(false),
            Some(known) if known.digest == chunk.digest && known.pieces == chunk.pieces => {
                self.known.pop_front();
                Ok(true)
            }
            Some(known) => Err(changed(known)),
        }
    }

    /// Enters a new chunk in the ledger.
    async fn new_chunk(
        &mut self,
        mut chunk: Chunk,
        chunks: &Chunks,
        plan: &Plan,
    ) -> Result<Chunk, Halt> {
        chunk.number = self.importer.numbers.take();
        // Rows rejected before the chunk are on disk before the ledger says
        // that the source was read as far as the chunk.
        self.reporter.sync().map_err(Halt::Error)?;
        if plain_files(&chunk.pieces, &plan.sources).is_none() {
            self.spool.keep(&chunk).await.map_err(Halt::Error)?;
        }
        self.cuts += 1;
        let entered = self
            .importer
            .ledger
            .cut(chunk_record(&chunk, Came::Cut(self.cuts)))
            .await;
        entered.map_err(Halt::Error)?;
        self.importer.events.emit(Event::ChunkRead {
            chunk: chunk.number,
            rows: chunk.rows,
            bytes_read: self.read.bytes + chunks.bytes_read(),
        });
        Ok(chunk)
    }
}

/// The source no longer gives a chunk that it gave before.
fn changed(known: &Outline) -> Error {
    let first = known.pieces.first();
    let from = first.map_or_else(String::new, |piece| {
        format!(" from row {} on", piece.first_row)
    });
    Error::new(
        ErrorKind::Input,
        format!(
            "the source is not what it was when the run began: its {} rows{from}, which were chunk {}, are others or gone",
            known.rows, known.number
        ),
    )
    .hint("give it the source as it was and resume again, or begin a new run")
}
