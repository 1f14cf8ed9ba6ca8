//! What is known of runs, on disk: which chunks there are, what was sent, what
//! Marketo took and what came of it. A run that died goes on from here.
//!
//! One SQLite file, `ledger.sqlite` in the state folder, for all runs and any
//! number of processes. Every write is on disk when its method returns (WAL,
//! `synchronous=FULL`). Secrets and rows never go in.
//!
//! | table | a row is | told apart by |
//! |-------|----------|---------------|
//! | `runs` | a run: what it was told, where it stands, what it used up | run |
//! | `sources` | a source as the run found it | run, source |
//! | `chunks` | a chunk: its size, its digest, where it stands, its result | run, chunk |
//! | `pieces` | where rows of a chunk are in a source | run, chunk, piece |
//! | `submits` | a POST of a chunk and its outcome | run, chunk, attempt |
//!
//! # Where a process can die
//!
//! A chunk moves only by [`next`], and each move is written before the deed it
//! announces or right after the one it records. Between two writes:
//!
//! | the process dies | the chunk says | a resume |
//! |------------------|----------------|----------|
//! | after the cut, before the intent | `ready` | sends it: nothing was sent |
//! | after the intent, before the POST | `submitting` | cannot tell these three apart: it notes [`Lost`](ChunkEvent::Lost), then sends again or gives up, as `--on-unknown` says |
//! | during the POST | `submitting` | as above |
//! | after the answer, before the batch id is noted | `submitting` | as above |
//! | after a lost answer was noted | `ready` with `lost` | sends again or gives up, as `--on-unknown` says |
//! | in flight | `in flight` | polls the job by its batch id |
//! | after the end of the job, before it is noted | `in flight` | polls the job, which has ended |
//! | after the end is noted, before the entries are written | ended, not reported | fetches the files again and writes the entries |
//! | after the entries, before [`Reported`](ChunkEvent::Reported) | ended, not reported | as above: entries of a chunk replace those before |
//! | while it is halved | `submitting`, or `halved` with both halves | one write: there is nothing between |
//! | after the last chunk is reported, before the run's end | ended, reported | sends nothing, merges the entries and ends the run |
//!
//! A chunk that is reported is never sent again, in no case.

mod chunks;
mod database;
mod fault;
mod records;
mod run;
mod schema;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod values;

pub use records::{
    ChunkRecord, Note, PieceRecord, RunOverview, RunRecord, RunState, RunTotals, SourceRecord,
    SubmitRecord,
};
pub use run::RunLedger;
pub use state::{ChunkEvent, ChunkState, EndState, IllegalTransition, next};
pub use store::Ledger;
