//! The one function that reads as the picture of the stations.

mod account;
mod attribute;
mod import;

mod plan;
mod split;
mod worker;

pub use import::{Signal, import};
pub use plan::Plan;
pub use split::{SplitCount, SplitPlan, split};
