//! One chunk's whole way, failures found, each step in the ledger.

use crate::chunk::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::import::{Begin, ChunkImport, Importer, Permit, Turn, import_chunk};
use crate::pipeline::account::ChunkResult;
use crate::pipeline::attribute::Attributor;

/// How a chunk's way goes on.
#[derive(Debug)]
pub(super) enum Way {
    /// Through Marketo, from there on.
    Import(Begin),
    /// It has ended; its rows are still to be reported.
    Report(ChunkImport),
}

/// Takes `chunk` through Marketo and writes what became of its rows. Gives with
/// its result the error that stops the run, if there is one.
pub(super) async fn chunk_task(
    importer: Importer,
    attributor: Attributor,
    chunk: Chunk,
    way: Way,
    (permit, turn): (Permit, Option<Turn>),
) -> Result<(ChunkResult, Option<Error>)> {
    // Dropping the permit at its end, and then the turn, lets the next chunk in
    // before failures are looked for.
    let known = matches!(way, Way::Report(_));
    let mut way = match way {
        Way::Import(begin) => import_chunk(&importer, &chunk, begin, permit).await,
        Way::Report(ended) => {
            drop(permit);
            ended
        }
    };
    drop(turn);
    let fatal = way.fatal.take();
    let mut result = ChunkResult::new(&chunk, &way, None);
    let number = chunk.number;
    match attributor.attribute(chunk, &way).await {
        Ok(received) => result.book.received = received,
        // Marketo's counts stand; that its rows were not found shows in the
        // books, and a resume looks for them again.
        Err(error) => {
            result.open = true;
            return Ok((result, Some(fatal.unwrap_or(error))));
        }
    }
    result.open = !known && !result.is_final(importer.on_unknown);
    if result.open {
        return Ok((result, fatal));
    }
    let noted = match serde_json::to_string(&result) {
        Ok(text) => importer.ledger.reported(number, text).await.map(|_| ()),
        Err(error) => Err(
            Error::new(ErrorKind::Internal, "a chunk's result cannot be written").because(error),
        ),
    };
    attributor.spool.release(number);
    Ok((result, fatal.or(noted.err())))
}
