//! `resume`: a run goes on where it was left, and what it comes to is what it
//! would have come to undisturbed.

mod crash_points;
mod ends;
mod forgotten;
mod last_moments;
mod sources;
mod undisturbed;

use super::in_process::{Done, request_bytes};

/// Fifteen people, of whom the third in every five is refused.
pub(crate) fn people() -> String {
    people_of(15)
}

fn people_of(rows: usize) -> String {
    let row = |row: usize| {
        let employees = if row % 5 == 3 { "many" } else { "12" };
        format!("p{row:02}@b.co,{employees}\n")
    };
    let rows: String = (1..=rows).map(row).collect();
    format!("email,numberOfEmployees\n{rows}")
}

/// A request that holds five of them.
pub(crate) fn five() -> u64 {
    request_bytes(88)
}

/// The report without its batch ids: a job that is sent again is another.
fn report(done: &Done) -> Vec<super::workdir::Line> {
    let mut lines = done.report();
    for line in &mut lines {
        line.remove("batch_id");
    }
    lines
}
