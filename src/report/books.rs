//! The books: whether every row read is accounted for, once.
//!
//! `read = accepted + failed + rejected + unknown` over the run; for a chunk
//! `rows = accepted + failed` as Marketo counted them, its failure file holds
//! `failed` rows and its warning file `warned`.

use serde::{Deserialize, Serialize};

use super::summary::Rows;
use crate::units::ChunkNumber;

/// Rows of a chunk as Marketo's job status counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Rows imported, with or without a remark.
    pub accepted: u64,
    /// Rows refused.
    pub failed: u64,
    /// Rows imported with a remark; part of `accepted`.
    pub warned: u64,
}

/// Rows found in what Marketo sent back for a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Rows in the failure file.
    pub failed: u64,
    /// Rows in the warning file.
    pub warned: u64,
}

/// One chunk's side of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkBook {
    /// Which.
    pub chunk: ChunkNumber,
    /// Rows sent.
    pub rows: u64,
    /// Marketo's count; none if the job never completed.
    pub counted: Option<Counted>,
    /// What was sent back; none if it was not fetched. Then nothing is known
    /// of it, which counts as no rows.
    pub received: Option<Received>,
}

/// One thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imbalance {
    /// Where; none for the run as a whole.
    pub chunk: Option<ChunkNumber>,
    /// A sentence with both numbers.
    pub message: String,
}

/// The verdict over a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// All that does not hold, chunk by chunk, then the run.
    pub imbalances: Vec<Imbalance>,
}

impl Books {
    /// Checks a run and its chunks.
    #[must_use]
    pub fn check(rows: &Rows, chunks: &[ChunkBook]) -> Self {
        let mut imbalances: Vec<Imbalance> = chunks.iter().flat_map(check_chunk).collect();
        let parts = [rows.accepted, rows.failed, rows.rejected, rows.unknown];
        if sum(&parts) != u128::from(rows.read) {
            imbalances.push(Imbalance {
                chunk: None,
                message: format!(
                    "{} rows were read, but {} accepted + {} failed + {} rejected + {} unknown \
                     are {}",
                    rows.read,
                    rows.accepted,
                    rows.failed,
                    rows.rejected,
                    rows.unknown,
                    sum(&parts)
                ),
            });
        }
        if rows.warned > rows.accepted {
            imbalances.push(Imbalance {
                chunk: None,
                message: format!(
                    "{} rows have a warning, but only {} were accepted",
                    rows.warned, rows.accepted
                ),
            });
        }
        Self { imbalances }
    }

    /// Whether everything holds.
    #[must_use]
    pub fn balanced(&self) -> bool {
        self.imbalances.is_empty()
    }
}

/// A sum that cannot overflow.
fn sum(parts: &[u64]) -> u128 {
    parts.iter().copied().map(u128::from).sum()
}

fn check_chunk(book: &ChunkBook) -> Vec<Imbalance> {
    let Some(counted) = book.counted else {
        return Vec::new();
    };
    let received = book.received.unwrap_or(Received {
        failed: 0,
        warned: 0,
    });
    let ChunkBook { chunk, rows, .. } = book;
    let Counted {
        accepted,
        failed,
        warned,
    } = counted;
    let checks = [
        (
            sum(&[accepted, failed]) == u128::from(*rows),
            format!(
                "chunk {chunk} was sent with {rows} rows, but Marketo counted {accepted} \
                 accepted + {failed} failed"
            ),
        ),
        (
            received.failed == failed,
            format!(
                "Marketo counted {failed} failed rows in chunk {chunk}, but its failure file \
                 holds {}",
                received.failed
            ),
        ),
        (
            received.warned == warned,
            format!(
                "Marketo counted {warned} rows with a warning in chunk {chunk}, but its warning \
                 file holds {}",
                received.warned
            ),
        ),
        (
            warned <= accepted,
            format!(
                "Marketo counted {warned} rows with a warning in chunk {chunk}, but only \
                 {accepted} accepted"
            ),
        ),
    ];
    checks
        .into_iter()
        .filter(|(holds, _)| !holds)
        .map(|(_, message)| Imbalance {
            chunk: Some(*chunk),
            message,
        })
        .collect()
}
