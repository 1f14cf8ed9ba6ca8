//! The summary as a person reads it at the end of a run.

use std::fmt::Write as _;

use super::summary::{Outcome, Summary};

/// The width that a terminal has at least.
const WIDTH: usize = 80;

/// Reasons and imbalances shown; the report has the rest.
const SHOWN: usize = 3;

/// The final text, of about ten lines, the last with an end of line.
#[must_use]
pub fn text(summary: &Summary) -> String {
    let mut text = String::new();
    let rows = &summary.rows;
    line(&mut text, headline(summary.outcome));
    let counts = [
        ("read", rows.read),
        ("accepted", rows.accepted),
        ("failed", rows.failed),
        ("rejected", rows.rejected),
        ("unknown", rows.unknown),
    ];
    for (name, count) in counts {
        if count > 0 || matches!(name, "read" | "accepted") {
            let mut row = format!("  {name:<9}{:>15}", grouped(count));
            if name != "read" {
                let _ = write!(row, "  {:>7}", share(count, rows.read));
            }
            if name == "accepted" && rows.warned > 0 {
                let _ = write!(row, "  ({} with a warning)", grouped(rows.warned));
            }
            line(&mut text, &row);
        }
    }
    line(&mut text, &pace(summary));
    for reason in summary.reasons.iter().take(SHOWN) {
        let first: Vec<String> = reason.first_rows.iter().map(ToString::to_string).collect();
        let rows_named = match (first.is_empty(), reason.rows > first.len() as u64) {
            (true, _) => String::new(),
            (false, more) => format!(
                " (rows {}{})",
                first.join(", "),
                if more { ", …" } else { "" }
            ),
        };
        let count = format!("  {} × ", grouped(reason.rows));
        let room = WIDTH.saturating_sub(count.chars().count() + rows_named.chars().count());
        let shown = clipped(&reason.reason, room);
        line(&mut text, &format!("{count}{shown}{rows_named}"));
    }
    more(&mut text, summary.reasons.len(), "reasons");
    for imbalance in summary.imbalances.iter().take(SHOWN) {
        wrapped(&mut text, &format!("books: {}", imbalance.message));
    }
    more(&mut text, summary.imbalances.len(), "imbalances");
    if summary.rejects_missing > 0 {
        wrapped(
            &mut text,
            &format!(
                "not found in the source: {}; in the report, but not in the rejects file",
                counted(summary.rejects_missing, "failed row")
            ),
        );
    }
    if summary.rejects_candidates > 0 {
        wrapped(
            &mut text,
            &format!(
                "cannot be told apart from a failed row: {}; in the rejects file with it",
                counted(summary.rejects_candidates, "row")
            ),
        );
    }
    if summary.serialize_waits > 0 {
        wrapped(
            &mut text,
            &format!(
                "held back by --serialize-on until no chunk in flight shared a value: {}",
                counted(summary.serialize_waits, "chunk")
            ),
        );
    }
    // Paths are never cut: they are there to be copied.
    if !summary.report.is_empty() {
        line(&mut text, &format!("  report   {}", summary.report));
    }
    if !summary.rejects.is_empty() && rows.failed + rows.rejected + rows.unknown > 0 {
        line(&mut text, &format!("  rejects  {}", summary.rejects));
    }
    text
}

fn headline(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "Finished: every row was accepted.",
        Outcome::RowsFailed => "Finished: some rows failed or were rejected.",
        Outcome::Unbalanced => "Finished, but not every row is accounted for.",
        Outcome::Refused => "Marketo refused at least one chunk for good.",
        Outcome::MaxErrors => "Stopped: --max-errors was reached.",
        Outcome::Usage => "Stopped: the command or its configuration has to change.",
        Outcome::BadInput => "Stopped: the input has to change.",
        Outcome::Auth => "Stopped: Marketo refused the credentials or a permission.",
        Outcome::TryLater => "Stopped for now: try again later.",
        Outcome::Interrupted | Outcome::Terminated => "Interrupted: the run did not finish.",
        Outcome::InternalError => "Stopped by an internal error.",
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn more(text: &mut String, all: usize, what: &str) {
    if all > SHOWN {
        line(text, &format!("  and {} more {what}", all - SHOWN));
    }
}

/// Adds a sentence, indented and broken between words.
fn wrapped(text: &mut String, sentence: &str) {
    let mut row = String::from(" ");
    for word in sentence.split(' ') {
        if row.chars().count() + 1 + word.chars().count() > WIDTH {
            line(text, &row);
            row = String::from("   ");
        }
        row.push(' ');
        row.push_str(word);
    }
    line(text, &row);
}

/// One line of at most `room` characters; control characters, which a
/// terminal would obey, become blanks.
fn clipped(reason: &str, room: usize) -> String {
    let clean: String = reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if clean.chars().count() <= room {
        return clean;
    }
    let kept: String = clean.chars().take(room.saturating_sub(1)).collect();
    kept + "…"
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in per cent, rounded down, so that 100 % means all and no part that
/// is there reads as none.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    if hundredths == 0 && part > 0 {
        return "<0.01%".to_owned();
    }
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

fn pace(summary: &Summary) -> String {
    // A tenth of a second is as much as a person reads.
    let elapsed = std::time::Duration::from_millis(summary.elapsed_ms / 100 * 100);
    let seconds = summary.elapsed_ms.max(1) as f64 / 1_000.0;
    format!(
        "  {} in {}, {}, {} ({:.1} MB/s)",
        megabytes(summary.bytes.read),
        counted(summary.chunks.len() as u64, "chunk"),
        counted(summary.api_calls, "call"),
        humantime::format_duration(elapsed),
        summary.bytes.read as f64 / 1e6 / seconds,
    )
}

/// `1 chunk`, `2 chunks`.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(count))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
