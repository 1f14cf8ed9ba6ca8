//! The one function that reads as the picture of the stations.

mod account;
mod attribute;
mod drain;
mod finish;
mod gate;
mod history;
mod import;
mod lock;
mod plan;
mod prune;
mod reading;
mod report_again;
mod rest;
mod restore;
mod resume;
mod run;
mod setup;
mod split;
mod status;
mod task;
mod worker;

pub use finish::Imported;
pub use history::{KnownRun, runs};
pub use import::import;
pub use plan::{EMBEDDED, Plan};
pub use prune::{Old, Pruned, prune};
pub use report_again::report_again;
pub use resume::{Left, resume};
pub use run::Signal;
pub use split::{SplitCount, SplitPlan, split};
pub use status::{Batch, InState, RunStatus, status};
