//! One binary for all integration tests: linking is what costs.
#![allow(clippy::unwrap_used, missing_docs)]

mod corpus;
mod sandbox;
mod scripted_server;
mod wire;
