//! The tables `chunks`, `pieces` and `submits`.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::fault::Failure;
use super::records::{ChunkRecord, Note, PieceRecord, SubmitRecord};
use super::state::{self, ChunkEvent, ChunkState};
use super::values::{Hex, Time, chunk_state, set_chunk_state};
use crate::error::{Error, ErrorKind};
use crate::units::{BatchId, ChunkNumber, RunId};

/// Writes down a chunk that is ready and was never sent.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    run: &RunId,
    record: &ChunkRecord,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO chunks
             (run, chunk, parent, cut, rows, bytes, digest, state, lost, reported)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
        params![
            run,
            record.chunk,
            record.parent,
            record.cut,
            record.rows,
            record.bytes,
            Hex(record.digest),
            ChunkState::Ready { lost: 0 }.name(),
        ],
    )?;
    let mut insert = transaction.prepare(
        "INSERT INTO pieces
             (run, chunk, piece, source, first_row, first_line, rows, range_start, range_end)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (number, piece) in record.pieces.iter().enumerate() {
        insert.execute(params![
            run,
            record.chunk,
            number,
            piece.source,
            piece.first_row,
            piece.first_line,
            piece.rows,
            piece.range.start,
            piece.range.end,
        ])?;
    }
    Ok(())
}

/// Moves a chunk on by `event`, its submits with it.
pub(super) fn step(
    transaction: &Transaction<'_>,
    run: &RunId,
    chunk: ChunkNumber,
    event: ChunkEvent,
    note: &Note,
) -> Result<ChunkState, Failure> {
    let fault = |text| Error::new(ErrorKind::Internal, format!("chunk {chunk}: {text}"));
    let query = "SELECT state, lost, batch_id, reported FROM chunks WHERE run = ? AND chunk = ?";
    let state = transaction
        .query_row(query, params![run, chunk], chunk_state)
        .optional()?
        .ok_or_else(|| fault(format!("run `{run}` has no such chunk")))?;
    let next = state::next(state, event).map_err(|illegal| {
        fault(illegal.to_string()).hint("does another process work on the same run?")
    })?;
    set_chunk_state(transaction, run, chunk, next)?;
    let outcome = match event {
        ChunkEvent::Intent => {
            open_submit(transaction, run, chunk)?;
            return Ok(next);
        }
        ChunkEvent::NotTaken => "not taken",
        ChunkEvent::Lost => "lost",
        ChunkEvent::Taken(_) => "taken",
        ChunkEvent::Refused => "refused",
        ChunkEvent::Halved => "too large",
        ChunkEvent::Completed
        | ChunkEvent::JobFailed
        | ChunkEvent::GivenUp
        | ChunkEvent::Reported => return Ok(next),
    };
    let batch_id = match event {
        ChunkEvent::Taken(batch_id) => Some(batch_id),
        _ => None,
    };
    close_submit(transaction, run, chunk, outcome, batch_id, note)?;
    Ok(next)
}

fn open_submit(
    transaction: &Transaction<'_>,
    run: &RunId,
    chunk: ChunkNumber,
) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO submits (run, chunk, attempt, at, detail)
         SELECT ?1, ?2, 1 + count(*), ?3, '' FROM submits WHERE run = ?1 AND chunk = ?2",
        params![run, chunk, Time(jiff::Timestamp::now())],
    )?;
    Ok(())
}

/// Closes the submit that is open: no event but an intent leads to where one
/// can be closed.
fn close_submit(
    transaction: &Transaction<'_>,
    run: &RunId,
    chunk: ChunkNumber,
    outcome: &str,
    batch_id: Option<BatchId>,
    note: &Note,
) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE submits SET outcome = ?, batch_id = ?, request_id = ?, detail = ?
         WHERE run = ? AND chunk = ? AND outcome IS NULL",
        params![outcome, batch_id, note.request_id, note.detail, run, chunk],
    )?;
    Ok(())
}

/// All chunks of a run, the halves of one right after it.
pub(super) fn all(
    transaction: &Transaction<'_>,
    run: &RunId,
) -> rusqlite::Result<Vec<ChunkRecord>> {
    let mut chunks = BTreeMap::new();
    let mut query = transaction.prepare("SELECT * FROM chunks WHERE run = ?")?;
    for record in query.query_map([run], record)? {
        let record = record?;
        chunks.insert(record.chunk, record);
    }
    let mut query =
        transaction.prepare("SELECT * FROM pieces WHERE run = ? ORDER BY chunk, piece")?;
    for piece in query.query_map([run], |row| Ok((row.get("chunk")?, piece(row)?)))? {
        let (chunk, piece) = piece?;
        chunks.entry(chunk).and_modify(|it| it.pieces.push(piece));
    }
    let mut query =
        transaction.prepare("SELECT * FROM submits WHERE run = ? ORDER BY chunk, attempt")?;
    for submit in query.query_map([run], |row| Ok((row.get("chunk")?, submit(row)?)))? {
        let (chunk, submit) = submit?;
        chunks.entry(chunk).and_modify(|it| it.submits.push(submit));
    }
    Ok(in_source_order(chunks))
}

fn in_source_order(mut chunks: BTreeMap<ChunkNumber, ChunkRecord>) -> Vec<ChunkRecord> {
    let mut below: BTreeMap<Option<ChunkNumber>, Vec<ChunkNumber>> = BTreeMap::new();
    for chunk in chunks.values().rev() {
        below.entry(chunk.parent).or_default().push(chunk.chunk);
    }
    let mut ordered = Vec::with_capacity(chunks.len());
    let mut ahead = below.remove(&None).unwrap_or_default();
    while let Some(chunk) = ahead.pop() {
        ahead.extend(below.remove(&Some(chunk)).unwrap_or_default());
        ordered.extend(chunks.remove(&chunk));
    }
    ordered
}

fn record(row: &Row<'_>) -> rusqlite::Result<ChunkRecord> {
    let Hex(digest) = row.get("digest")?;
    Ok(ChunkRecord {
        chunk: row.get("chunk")?,
        parent: row.get("parent")?,
        cut: row.get("cut")?,
        pieces: Vec::new(),
        rows: row.get("rows")?,
        bytes: row.get("bytes")?,
        digest,
        state: chunk_state(row)?,
        result: row.get("result")?,
        submits: Vec::new(),
    })
}

fn piece(row: &Row<'_>) -> rusqlite::Result<PieceRecord> {
    Ok(PieceRecord {
        source: row.get("source")?,
        first_row: row.get("first_row")?,
        first_line: row.get("first_line")?,
        rows: row.get("rows")?,
        range: row.get("range_start")?..row.get("range_end")?,
    })
}

fn submit(row: &Row<'_>) -> rusqlite::Result<SubmitRecord> {
    let Time(at) = row.get("at")?;
    Ok(SubmitRecord {
        attempt: row.get("attempt")?,
        at,
        outcome: row.get("outcome")?,
        batch_id: row.get("batch_id")?,
        request_id: row.get("request_id")?,
        detail: row.get("detail")?,
    })
}
