//! An embedded Marketo: identity, the three bulk imports, the describe calls
//! and usage, with Marketo's own limits, a model of job time and scripted
//! faults.
//!
//! It shares no code with the client in `marketo`: if the fake and the client
//! shared their wire types, both would be wrong together. What it knows of
//! Marketo comes from Adobe's documentation (D), from what others saw on live
//! instances (O), or is a guess (I); each place says which.
//!
//! It holds no leads: a row is checked against the [`Schema`] and counted.
//!
//! ```text
//! server ─► route ─► faults ─► identity (token), limits ─► upload ─► check ─► jobs, files
//!                                                      └─► describe, usage
//! ```

mod answers;
mod check;
mod describe;
mod faults;
mod files;
mod identity;
mod inspection;
mod jobs;
mod lead_fields;
mod limits;
mod line;
mod route;
mod schema;
mod server;
mod settings;
mod types;
mod upload;
mod world;

pub use faults::FaultRule;
pub use inspection::{CreateSeen, Inspection, JobSeen, JobState};
pub use route::Call;
pub use schema::Schema;
pub use server::Sandbox;
pub use settings::{FileStyle, Settings};
