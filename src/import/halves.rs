//! A chunk that Marketo finds too large goes in halves.

use crate::chunk::Chunk;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::import::job::{Begin, Went, import_chunk};
use crate::import::record::{Came, chunk_record};
use crate::import::{ChunkEnd, ChunkImport, Importer, Permit, Stopping};
use crate::ledger::{ChunkEvent, Note};

/// Takes `chunk` through Marketo: whole, or, where Marketo finds it too large,
/// its first half and then its second, and so on down to a single row. What
/// became of each part, in source order. The place at the gate is free again
/// when this returns.
///
/// After a part that ends the run, the parts that remain are not sent.
pub async fn import_halving(
    importer: &Importer,
    chunk: Chunk,
    begin: Begin,
    permit: Permit,
) -> Vec<(Chunk, ChunkImport)> {
    let mut ended = Vec::new();
    let mut ends_run = false;
    // The next part is the last; with each part how often Marketo may have
    // taken the chunk that it was cut from.
    let mut parts = vec![(chunk, begin, 0)];
    while let Some((chunk, begin, submits_before)) = parts.pop() {
        if ends_run {
            ended.push((chunk, ChunkImport::not_sent()));
            continue;
        }
        match import_chunk(importer, &chunk, begin, &permit).await {
            Went::Ended(mut import) => {
                import.submits += submits_before;
                ends_run = import.fatal.is_some();
                ended.push((chunk, import));
            }
            Went::TooLarge { error, submits } => {
                let submits = submits_before + submits;
                let (end, fatal) = match halved(importer, &chunk, &error).await {
                    Ok(Some((first, second))) => {
                        let begin = Begin::Submit { lost: 0 };
                        parts.extend([(second, begin, submits), (first, begin, submits)]);
                        continue;
                    }
                    Ok(None) => {
                        let reason = format!(
                            "row {} of {} bytes is too large even alone: {error}",
                            chunk.first().first_row,
                            chunk.bytes - chunk.header_bytes
                        );
                        (ChunkEnd::Refused(reason), None)
                    }
                    Err(fatal) => (ChunkEnd::Unknown(fatal.to_string()), Some(fatal)),
                };
                ends_run = fatal.is_some();
                let import = ChunkImport {
                    end,
                    batch_id: None,
                    submits,
                    fatal,
                };
                ended.push((chunk, import));
            }
        }
    }
    if ends_run {
        // Before the place is free: whoever waits for it must not be sent.
        importer.stop(Stopping::NothingNew);
    }
    ended
}

/// The halves of a chunk that is too large, in the ledger in its place; none of
/// a single row, which is refused then.
async fn halved(
    importer: &Importer,
    chunk: &Chunk,
    error: &Error,
) -> Result<Option<(Chunk, Chunk)>> {
    let (ledger, note) = (&importer.ledger, Note::of(error.to_string()));
    let separator = importer.format.separator();
    let Some((first, second)) = chunk.halve(separator, &importer.numbers) else {
        let refused = ledger.note(chunk.number, ChunkEvent::Refused, note);
        return refused.await.map(|_| None);
    };
    let spooled = importer.spool.holds(chunk.number);
    if spooled {
        for half in [&first, &second] {
            importer.spool.keep(half).await?;
        }
    }
    let halves = [&first, &second].map(|half| chunk_record(half, Came::Half(chunk.number)));
    ledger.halve(chunk.number, halves, note).await?;
    if spooled {
        importer.spool.release(chunk.number);
    }
    importer.events.emit(Event::Halved {
        chunk: chunk.number,
        first: first.number,
        second: second.number,
    });
    Ok(Some((first, second)))
}
