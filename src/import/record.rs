//! A chunk as the ledger keeps it.

use crate::chunk::{Chunk, Digest, Outline, Piece};
use crate::ledger::{ChunkRecord, ChunkState, PieceRecord};
use crate::units::ChunkNumber;

/// How a chunk came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// As the n-th cut of the sources, counted from 1.
    Cut(u64),
    /// As a half of that chunk.
    Half(ChunkNumber),
}

/// The ledger's record of a chunk.
#[must_use]
pub fn chunk_record(chunk: &Chunk, came: Came) -> ChunkRecord {
    let (parent, cut) = match came {
        Came::Cut(nth) => (None, Some(nth)),
        Came::Half(parent) => (Some(parent), None),
    };
    ChunkRecord {
        chunk: chunk.number,
        parent,
        cut,
        pieces: chunk.pieces.iter().map(piece_record).collect(),
        rows: chunk.rows,
        bytes: chunk.bytes,
        digest: chunk.digest.0,
        state: ChunkState::Ready { lost: 0 },
        result: None,
        submits: Vec::new(),
    }
}

fn piece_record(piece: &Piece) -> PieceRecord {
    PieceRecord {
        source: piece.source,
        first_row: piece.first_row,
        first_line: piece.first_line,
        rows: piece.rows,
        range: piece.range.clone(),
    }
}

/// A chunk of the ledger, without its bytes.
#[must_use]
pub fn outline(record: &ChunkRecord) -> Outline {
    let piece = |piece: &PieceRecord| Piece {
        source: piece.source,
        first_row: piece.first_row,
        first_line: piece.first_line,
        rows: piece.rows,
        range: piece.range.clone(),
    };
    Outline {
        number: record.chunk,
        pieces: record.pieces.iter().map(piece).collect(),
        rows: record.rows,
        bytes: record.bytes,
        digest: Digest(record.digest),
    }
}
