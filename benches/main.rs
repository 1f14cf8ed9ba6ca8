//! One binary for all benchmarks: `cargo bench --bench main -- GROUP`.
#![allow(clippy::unwrap_used, missing_docs)]

mod attribute;
mod chunk;
mod corpus;
mod scan;

fn main() {
    let mut criterion = criterion::Criterion::default().configure_from_args();
    scan::group(&mut criterion);
    chunk::group(&mut criterion);
    attribute::bench(&mut criterion);
    criterion.final_summary();
}
