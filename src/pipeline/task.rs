//! One chunk's whole way, failures found, each step in the ledger.

use crate::chunk::Chunk;
use crate::error::{Error, ErrorKind};
use crate::import::{Begin, ChunkImport, Importer, Permit, Turn, import_halving};
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

/// What one chunk came to: itself, or the parts that it was sent in.
pub(super) struct Ended {
    pub(super) results: Vec<ChunkResult>,
    /// What stops the run, if something did.
    pub(super) fatal: Option<Error>,
}

/// Takes `chunk` through Marketo and writes what became of its rows.
pub(super) async fn chunk_task(
    importer: Importer,
    attributor: Attributor,
    chunk: Chunk,
    way: Way,
    (permit, turn): (Permit, Option<Turn>),
) -> Ended {
    let known = matches!(way, Way::Report(_));
    // Dropping the permit at its end, and then the turn, lets the next chunk in
    // before failures are looked for.
    let parts = match way {
        Way::Import(begin) => import_halving(&importer, chunk, begin, permit).await,
        Way::Report(import) => {
            drop(permit);
            vec![(chunk, import)]
        }
    };
    drop(turn);
    let mut ended = Ended {
        results: Vec::with_capacity(parts.len()),
        fatal: None,
    };
    for (chunk, mut import) in parts {
        ended.fatal = ended.fatal.or(import.fatal.take());
        let (result, fault) = reported(&importer, &attributor, chunk, &import, known).await;
        ended.results.push(result);
        ended.fatal = ended.fatal.or(fault);
    }
    ended
}

/// Writes what is known of the rows of a chunk that this process takes no
/// further. `known`: there is no more to find out about it.
pub(super) async fn left_task(
    importer: Importer,
    attributor: Attributor,
    chunk: Chunk,
    import: ChunkImport,
    known: bool,
) -> Ended {
    let (result, fatal) = reported(&importer, &attributor, chunk, &import, known).await;
    Ended {
        results: vec![result],
        fatal,
    }
}

/// What a chunk came to, once it is in the report and the ledger; and what went
/// wrong in that. `known`: there is no more to find out about it.
async fn reported(
    importer: &Importer,
    attributor: &Attributor,
    chunk: Chunk,
    import: &ChunkImport,
    known: bool,
) -> (ChunkResult, Option<Error>) {
    let mut result = ChunkResult::new(&chunk, import, None);
    let number = chunk.number;
    match attributor.attribute(chunk, import).await {
        Ok(received) => result.book.received = received,
        // Marketo's counts stand; that its rows were not found shows in the
        // books, and a resume looks for them again.
        Err(error) => {
            result.open = true;
            return (result, Some(error));
        }
    }
    result.open = !known && !result.is_final(importer.on_unknown);
    if result.open {
        return (result, None);
    }
    let noted = match serde_json::to_string(&result) {
        Ok(text) => importer.ledger.reported(number, text).await,
        Err(error) => Err(
            Error::new(ErrorKind::Internal, "a chunk's result cannot be written").because(error),
        ),
    };
    // While the ledger has it as not reported, a resume asks for its rows.
    if noted.is_ok() {
        importer.spool.release(number);
    }
    (result, noted.err())
}
