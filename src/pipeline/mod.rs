//! The one function that reads as the picture of the stations.

mod account;
mod attribute;
mod import;

mod plan;
mod run;
mod split;
mod worker;

pub use import::import;
pub use plan::Plan;
pub use run::Signal;
pub use split::{SplitCount, SplitPlan, split};
