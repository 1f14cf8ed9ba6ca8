//! One binary for all integration tests: linking is what costs.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod books;
mod chunking;
mod corpus;
mod crash;
mod dialects;
mod endings;
mod failure_files;
mod in_process;
mod layering;
mod pipelines;
mod privacy;
mod readme;
mod refusals;
mod rejects;
mod report;
mod requests;
mod sandbox;
mod scripted_server;
mod several_sources;
mod signals;
mod summary;
mod waits;
mod wire;
mod workdir;
