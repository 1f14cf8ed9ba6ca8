//! What the user wants, resolved: endpoint, secrets, target, limits.

pub mod limits;
pub mod target;

pub use target::Target;
