//! What the user wants, resolved: endpoint, secrets, target, limits.

pub mod choice;
pub mod endpoint;
pub mod format;
pub mod limits;
pub mod options;
pub mod pipeline_file;
pub mod rate;
pub mod secret;
pub mod state;
pub mod target;

pub use endpoint::{Endpoint, Instance};
pub use format::Format;
pub use options::Options;
pub use pipeline_file::PipelineFile;
pub use rate::CallRate;
pub use secret::Credentials;
pub use target::Target;
