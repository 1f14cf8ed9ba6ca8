//! mktoload streams CSV, SSV and TSV exports of any size into Marketo's Bulk
//! Import API and names the source row of every failure.
//!
//! The modules are the stations of the data, in the order in which it passes
//! them:
//!
//! ```text
//!  source/ ─► rows/ ─► chunk/ ─► import/ ─► failures/ ─► report/
//!  bytes in   what a   ≤ 10 MB   gate,      rejected     one report,
//!  from       row is   parts     submit,    rows back    the rejects,
//!  anywhere                      poll       to source    the summary
//!                                  │
//!                      marketo/ (the wire)      ledger/ (what is known, on disk)
//!  pipeline/  the one function that reads as the picture above
//!  config/    pipeline files, endpoint, secrets, limits
//!  sandbox/   an embedded Marketo: imports nothing of marketo/
//!  cli/       one file a verb
//! ```
//!
//! Imports run one way: `cli → pipeline → {source, rows, chunk, import,
//! failures, report} → {ledger, marketo} → {config, error, event, units}`.

pub mod chunk;
pub mod cli;
pub mod config;
pub mod error;
pub mod event;
pub mod failures;
pub mod import;
pub mod ledger;
pub mod marketo;
pub mod pipeline;
pub mod report;
pub mod rows;
pub mod sandbox;
pub mod source;
pub mod units;

pub use error::{Error, ErrorKind, Result};
