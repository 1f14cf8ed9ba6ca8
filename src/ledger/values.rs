//! Numbers, names and times as values of the database.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, Transaction, params};

use super::records::RunState;
use super::state::{ChunkState, EndState};
use crate::units::{BatchId, ChunkNumber, LineNumber, RowNumber, RunId, SourceIndex};

macro_rules! number {
    ($($name:ident by $convert:expr,)*) => {
        $(
            impl ToSql for $name {
                fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                    let convert: fn(_) -> rusqlite::Result<i64> = $convert;
                    convert(self.get()).map(ToSqlOutput::from)
                }
            }

            impl FromSql for $name {
                fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                    FromSql::column_result(value).map(Self::new)
                }
            }
        )*
    };
}

number! {
    BatchId by Ok,
    ChunkNumber by |number: u32| Ok(number.into()),
    SourceIndex by |number: u32| Ok(number.into()),
    LineNumber by signed,
    RowNumber by signed,
}

/// SQLite has no unsigned numbers.
fn signed(number: u64) -> rusqlite::Result<i64> {
    i64::try_from(number).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

impl ToSql for RunId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for RunId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str().map(Self::known)
    }
}

fn strange(word: &str) -> FromSqlError {
    FromSqlError::Other(format!("`{word}` has no meaning here").into())
}

impl FromSql for RunState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        [Self::Running, Self::Interrupted, Self::Finished]
            .into_iter()
            .find(|state| state.name() == word)
            .ok_or_else(|| strange(word))
    }
}

/// A time as text that sorts.
pub(super) struct Time(pub(super) jiff::Timestamp);

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(format!("{:.9}", self.0).into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let time = value.as_str()?.parse();
        time.map(Self)
            .map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// A digest as 32 hexadecimal digits.
pub(super) struct Hex(pub(super) u128);

impl ToSql for Hex {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(format!("{:032x}", self.0).into())
    }
}

impl FromSql for Hex {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let digest = u128::from_str_radix(value.as_str()?, 16);
        digest
            .map(Self)
            .map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// A state by its word alone; what belongs to it stands in other columns.
struct Word(ChunkState);

impl FromSql for Word {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let ended = |end| ChunkState::Ended {
            end,
            reported: false,
        };
        let batch_id = BatchId::new(0);
        let word = value.as_str()?;
        [
            ChunkState::Ready { lost: 0 },
            ChunkState::Submitting { lost: 0 },
            ChunkState::InFlight { batch_id },
            ended(EndState::Complete),
            ended(EndState::Failed),
            ended(EndState::Refused),
            ended(EndState::Unknown),
            ChunkState::Halved,
        ]
        .into_iter()
        .find(|state| state.name() == word)
        .map(Self)
        .ok_or_else(|| strange(word))
    }
}

/// Where a chunk stands by the columns of its row.
pub(super) fn chunk_state(row: &Row<'_>) -> rusqlite::Result<ChunkState> {
    let Word(state) = row.get("state")?;
    Ok(match state {
        ChunkState::Ready { .. } => ChunkState::Ready {
            lost: row.get("lost")?,
        },
        ChunkState::Submitting { .. } => ChunkState::Submitting {
            lost: row.get("lost")?,
        },
        ChunkState::InFlight { .. } => ChunkState::InFlight {
            batch_id: row.get("batch_id")?,
        },
        ChunkState::Ended { end, .. } => ChunkState::Ended {
            end,
            reported: row.get("reported")?,
        },
        ChunkState::Halved => state,
    })
}

/// Writes where a chunk stands; the inverse of [`chunk_state`].
pub(super) fn set_chunk_state(
    transaction: &Transaction<'_>,
    run: &RunId,
    chunk: ChunkNumber,
    state: ChunkState,
) -> rusqlite::Result<()> {
    let (lost, batch_id, reported) = match state {
        ChunkState::Ready { lost } | ChunkState::Submitting { lost } => (lost, None, false),
        ChunkState::InFlight { batch_id } => (0, Some(batch_id), false),
        ChunkState::Ended { reported, .. } => (0, None, reported),
        ChunkState::Halved => (0, None, false),
    };
    transaction.execute(
        "UPDATE chunks SET state = ?, lost = ?, batch_id = ?, reported = ?
         WHERE run = ? AND chunk = ?",
        params![state.name(), lost, batch_id, reported, run, chunk],
    )?;
    Ok(())
}
